"""docs/deployer.json, with which a stack is deployed, and docs/boundary.json, beyond which no role of a stack reaches."""

import json
import re
from fnmatch import fnmatchcase

import pytest
from conftest import ROOT, translated
from samtranslator.yaml_helper import yaml_parse
from test_template import as_list, resources

GUIDE = (ROOT / "docs" / "deploy.md").read_text()

# What gives a role rights, and knows the condition `iam:PermissionsBoundary`.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
GIVING = {"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}

# What AWSLambdaBasicExecutionRole and AWSXrayWriteOnlyAccess allow.
# Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
MANAGED = {
    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "xray:GetSamplingRules",
    "xray:GetSamplingStatisticSummaries", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}  # fmt: skip


def statements(name):
    """The statements of a policy, resources as lists."""
    found = json.loads((ROOT / "docs" / name).read_text())["Statement"]
    return [{**statement, "Resource": as_list(statement["Resource"])} for statement in found]


def test_who_deploys_gives_rights_only_to_roles_within_the_boundary():
    allowed = [(action, statement) for statement in statements("deployer.json") for action in statement["Action"]]
    about_roles = {action for action, _ in allowed if action.startswith("iam:")}
    (name,) = re.findall(r"^aws iam create-policy --policy-name (\S+) --policy-document file://docs/boundary.json", GUIDE, re.M)

    assert not [action for action, _ in allowed if "*" in action]
    for action, statement in allowed:
        if action in GIVING:
            assert statement["Condition"] == {"StringLike": {"iam:PermissionsBoundary": f"arn:aws:iam::*:policy/{name}"}}
            assert statement["Resource"] == ["arn:aws:iam::*:role/cartwright*"]
    assert about_roles > GIVING
    # Neither a boundary nor a policy can be taken off, changed or made, and no user is touched.
    for action in about_roles - GIVING:
        assert re.fullmatch(r"iam:((Delete|Get|Pass|Tag|Untag|Update)Role|UpdateAssumeRolePolicy)", action) or re.fullmatch(
            r"iam:((Delete|Detach|Get)RolePolicy|List(Attached)?RolePolicies|ListRoleTags)", action
        ), action


def test_the_boundary_reaches_only_what_is_named_like_the_stack():
    for statement in statements("boundary.json"):
        if statement["Resource"] == ["*"]:
            # These read and change no data.
            assert all(re.match(r"xray:|cloudwatch:DescribeAlarms$", action) for action in statement["Action"])
        elif statement["Action"] == ["kms:Decrypt"]:
            assert statement["Condition"]["StringLike"].keys() == {"kms:ViaService"}
        else:
            assert all(re.search(r"[/:]cartwright\*$", resource) for resource in statement["Resource"])


@pytest.mark.parametrize("release", ["as it is", "bit by bit"])
def test_the_boundary_allows_whatever_a_role_of_the_stack_may_do(release, source, patched):
    template = translated(source if release == "as it is" else yaml_parse(patched.read_text()), Tracing="Active")
    bounds = [action for statement in statements("boundary.json") for action in statement["Action"]]
    roles = resources(template, "AWS::IAM::Role")

    granted = {
        action
        for role in roles.values()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }
    assert len(granted) > 12
    assert not [action for action in granted | MANAGED if not any(fnmatchcase(action, bound) for bound in bounds)]


def test_each_policy_is_short_enough_to_stand_by_itself_and_a_pipelines_two_fit_into_its_role():
    """Blanks are not counted. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    names = ("boundary.json", "deployer.json", "deployer-gradual.json")
    long = {name: len("".join((ROOT / "docs" / name).read_text().split())) for name in names}

    assert max(long.values()) <= 6144
    assert long["deployer.json"] + long["deployer-gradual.json"] <= 10240
