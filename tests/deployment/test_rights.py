"""Each role has exactly the rights that its function uses.

rights.txt lists what was asked for in all tests of this folder. A refusal, a right that nothing uses, and a line that
is not listed fail here. If a change is meant, write the line that the failure shows.
"""

import json
import os
from pathlib import Path

from stack import ROOT

RIGHTS = Path(__file__).with_name("rights.txt")

# Granted, but asked for where the emulator does not see it.
UNSEEN = {
    # Lambda lists streams before it reads one, as its guide has it.
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    ("PublishRole", "dynamodb:ListStreams", "stream of Orders"),
    ("PublishRole", "dynamodb:ListStreams", "stream of Carts"),
    # Used in a race only: these make an order, and follow it where another function has made it a moment before.
    ("CheckoutRole", "dynamodb:DeleteItem", "OrderIndex"),
    ("FinishOrderRole", "dynamodb:DeleteItem", "OrderIndex"),
    ("FinishOrderRole", "dynamodb:UpdateItem", "Orders"),
    # Writes down that a page ran out, which takes a day.
    ("SyncRole", "dynamodb:PutItem", "Carts"),
}

# Lambda writes a function's log under its role.
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def short(arn, physical):
    """A resource by its name in the template."""
    names = sorted(physical.items(), key=lambda item: -len(item[1]))
    *_, service, _, _, resource = arn.split(":", 5)
    for logical, name in names:
        name = name.rsplit("/", 1)[-1] if name.startswith("http") else name
        if service == "dynamodb" and resource.startswith(f"table/{name}/stream/"):
            return f"stream of {logical}"
        if resource == f"table/{name}":
            return logical
        if resource.startswith(f"table/{name}/index/"):
            return f"{logical}/index/{resource.rsplit('/', 1)[-1]}"
        if resource in (name, f"event-bus/{name}", f"function:{name}"):
            return logical
    return resource


def decisions(kind):
    """What principals of this kind asked for: name, action, resource, and whether it was allowed."""
    lines = Path(os.environ["DECISIONS"]).read_text().splitlines()
    return [decision for by, *decision in map(json.loads, lines) if by == kind]


def used(seen):
    """What each role asked for, by whether it was allowed."""
    roles = {physical: (name, stack) for stack in seen.values() for name, physical in stack["physical"].items()}
    asked = {True: set(), False: set()}
    for role, action, resource, allowed in decisions("assumed-role"):
        name, stack = roles[role]
        asked[allowed].add((name, action, generic(short(resource, stack["physical"]))))
    return asked


def generic(resource):
    """The secrets' names differ from stack to stack."""
    return f"parameter {resource.rsplit('/', 1)[-1]}" if resource.startswith("parameter/") else resource


def granted(stack):
    """What the roles of a stack may do."""
    return {
        (role, action, generic(short(resource, stack["physical"])))
        for role, statements in stack["roles"].items()
        for statement in statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def listed(value):
    return value if isinstance(value, list) else [value]


def lines(rights):
    return ["{:<18} {:<26} {}".format(*right) for right in sorted(rights)]


def test_nothing_was_refused(seen):
    refused = lines(used(seen)[False])

    assert not refused, "\n".join(["refused:", *refused])


def test_what_is_asked_for_is_written_down(seen):
    written, asked = RIGHTS.read_text().splitlines(), lines(used(seen)[True])
    changes = [f"-{line}" for line in written if line not in asked] + [
        f"+{line}" for line in asked if line not in written
    ]

    assert not changes, "\n".join(["rights.txt differs:", *changes])
    assert written == asked


def test_every_right_that_is_granted_is_used(seen):
    for stack in seen.values():
        unused = granted(stack) - used(seen)[True]
        surplus = lines(unused - UNSEEN)

        assert not surplus, "\n".join(["granted, and used by nothing:", *surplus])
        assert unused == UNSEEN & granted(stack)


def test_a_stack_without_events_grants_the_same(seen):
    first, second = [granted(stack) for stack in seen.values()]

    assert first == second


def test_who_deploys_may_do_all_that_the_sam_cli_does():
    # The merchant of the tests is refused where a signature is forged.
    asked = [decision for decision in decisions("user") if decision[0] == "deployer"]

    assert {action for _, action, _, _ in asked} > {"cloudformation:ExecuteChangeSet", "s3:PutObject"}
    assert not [decision for decision in asked if not decision[-1]]


def test_who_deploys_has_rights_to_every_service_that_a_stack_uses(seen):
    """CloudFormation makes resources with the rights of who deploys, which the emulator does not check."""
    statements = json.loads((ROOT / "docs" / "deployer.json").read_text())["Statement"]
    services = {action.split(":")[0] for statement in statements for action in statement["Action"]}
    kinds = {kind.split("::")[1].lower() for stack in seen.values() for kind in stack["kinds"]}

    # The API's resources are of its second version, but its rights have no version. Tables of orders use a key of KMS.
    # A domain may have a record in Route 53. CloudFormation looks whether the secrets are there. The pipes of 0.1.0 are
    # deleted by an update.
    others = {"apigateway", "cloudformation", "kms", "pipes", "route53", "s3", "ssm"}
    assert kinds - {"apigatewayv2"} | others == services


def test_the_only_other_right_is_to_write_the_log(seen):
    for stack in seen.values():
        managed = {role: policies for role, policies in stack["managed"].items() if policies}

        assert set(map(tuple, managed.values())) == {(LOGS,)}
        assert len(managed) == 12
