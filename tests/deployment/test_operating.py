"""What the guide to operating has a merchant do."""

import csv
import json
import os
import re

import boto3
import documents
import pytest
from botocore.credentials import Credentials
from services import acting_as, name_of
from stack import STRIPE, Merchant, Shopper, run
from stripe import KEY, order_number, wait_for
from test_events import receive


@pytest.fixture(scope="module")
def session(catalogue, stripe):
    """A session that was paid."""
    shopper = Shopper(catalogue)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.press(session, "pay")
    wait_for(lambda: catalogue.order(order_number(session)).status == 200)
    return session


def test_a_missing_order_is_made_by_the_landing_page(catalogue, stripe):
    shopper = Shopper(catalogue)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")
    command = documents.written_in_a_sentence("operate.md", "curl -so")

    for name, value in {
        "<ApiUrl>": catalogue.output("ApiUrl"),
        "cs_…": session["id"],
        "<number>": session["metadata"]["stripe_payments_cart_number"],
    }.items():
        command = command.replace(name, value)
    printed = run("bash", "-c", command)

    assert printed.strip() == f"https://shop.example/thanks/{order_number(session)}"
    stripe.release()


def test_an_orders_number_follows_from_its_session(session):
    command = documents.written_in_a_sentence("operate.md", "printf %s cs_…")

    assert run("bash", "-c", command.replace("cs_…", session["id"])).strip() == order_number(session)


def policies(catalogue):
    """The guide's policies for those who see orders: to all that is below /admin, and to read alone."""
    blocks = re.findall(r"```json\n(.*?)```", documents.DOCUMENTS["operate.md"].read_text(), re.S)
    meant = {
        "<region>": os.environ["AWS_DEFAULT_REGION"],
        "<account>": boto3.client("sts").get_caller_identity()["Account"],
        "<api>": catalogue.resources()["Api"],
    }
    found = [block for block in blocks if "execute-api:Invoke" in block]
    for placeholder, value in meant.items():
        found = [policy.replace(placeholder, value) for policy in found]
    full, reading = found
    return full, reading


@pytest.fixture(scope="module")
def merchant(catalogue):
    """Who may do what the guide's policy says, and nothing else."""
    full, _ = policies(catalogue)
    return Merchant(catalogue, "merchant", full)


def test_nobody_reads_orders_without_a_signature_of_the_account(catalogue, merchant, session):
    paths = ["/admin/orders", f"/admin/orders/{order_number(session)}"]
    writes = [f"/admin/orders/{order_number(session)}/anonymise", "/admin/anonymise"]
    forged = Credentials(merchant.keys.access_key, "x" * 40)
    unknown = Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)

    for method, path in [("GET", path) for path in paths] + [("POST", path) for path in writes]:
        body = b'{"email":"shopper@example.com"}' if path == "/admin/anonymise" else None
        assert catalogue.send(method, path, body).status == 403, path
        for keys in (forged, unknown):
            assert merchant.send(method, path, body, keys=keys).status == 403, path

    found = merchant.send("GET", paths[1]).ok()["data"]
    assert [order["customer"]["email"] for order in found] == ["shopper@example.com"]


def test_who_may_read_orders_alone_takes_no_buyer_out(catalogue, session):
    _, reading = policies(catalogue)
    reader, path = Merchant(catalogue, "reader", reading), f"/admin/orders/{order_number(session)}"

    assert reader.send("POST", f"{path}/anonymise").status == 403
    assert reader.send("POST", "/admin/anonymise", b'{"email":"shopper@example.com"}').status == 403

    assert reader.send("GET", "/admin/orders").status == 200
    (order,) = reader.send("GET", path).ok()["data"]
    assert order["customer"]["email"] == "shopper@example.com"


def test_orders_are_listed_page_by_page_in_every_form(catalogue, merchant, session):
    seen, path = [], "/admin/orders?limit=1&status=paid"
    while path:
        answer = merchant.send("GET", path, accept="application/x-ndjson")
        assert answer.status == 200, answer.text
        seen += [json.loads(line)["number"] for line in answer.text.splitlines()]
        link = re.search(r'<[^>]*(/admin/orders\?[^>]*)>; rel="next"', answer.headers.get("link", ""))
        path = link and link[1]

    assert order_number(session) in seen
    assert len(seen) == len(set(seen))
    reference = merchant.send("GET", f"/admin/orders/{order_number(session)}").ok()["data"][0]["reference"]
    numbers = [order["number"] for order in merchant.send("GET", f"/admin/orders/{reference}").ok()["data"]]
    assert order_number(session) in numbers


def test_orders_are_shown_collected_and_made_anonymous_as_the_guide_says(catalogue, merchant, session, folder):
    number, address = order_number(session), "shopper@example.com"
    meant = {"<region>": os.environ["AWS_DEFAULT_REGION"], "<AdminUrl>": catalogue.output("AdminUrl")}

    def run_(words, **more):
        return documents.run_one("operate.md", words, folder, meant | more, merchant.environment())

    public = catalogue.order(number).ok()
    newest = json.loads(run_("limit=10&status=paid"))["data"]
    assert number in [order["number"] for order in newest]
    shown = json.loads(run_('/admin/orders/<number>" | jq', **{"<number>": number}))
    assert (shown["number"], shown["customer"]["email"]) == (number, address)
    run_("orders.csv", **{"2026-11-01": "2020-01-01", "2026-12-01": "9999-12-31"})
    with (folder / "orders.csv").open(newline="", encoding="utf-8") as table:
        head, *rows = csv.reader(table)
    assert head[:3] == ["\ufeffnumber", "reference", "status"]
    assert number in [row[0] for row in rows]
    (folder / "customer.ndjson").write_text("of another customer")
    run_("customer.ndjson", **{"<address>": address.replace("@", "%40")})
    collected = [json.loads(line)["number"] for line in (folder / "customer.ndjson").read_text().splitlines()]
    assert number in collected
    cart = {"<CartsTable>": catalogue.output("CartsTable"), "<cart>": shown["cart"]}
    stored = json.loads(documents.run_one("operate.md", "aws dynamodb get-item", folder, cart, {}))
    assert stored["Item"]["number"] == {"S": shown["cart"]}

    one = json.loads(run_('/admin/orders/<number>/anonymise"', **{"<number>": number}))
    all_ = json.loads(run_("/admin/anonymise", **{"<address>": address}))

    assert (one["number"], one["customer"]["email"]) == (number, None)
    assert all_ == {"anonymised": len(collected) - 1, "more": False}
    for table in ("OrdersTable", "OrderIndexTable", "CartsTable"):
        assert address not in str(catalogue.table(table).scan()["Items"]), table
    assert catalogue.order(number).ok() == public


def test_orders_from_before_a_day_are_listed_and_made_anonymous(catalogue, merchant, stripe, session, folder):
    shopper = Shopper(catalogue)
    shopper.add("price_mug")
    old = shopper.checkout()
    stripe.press(old, "pay")
    wait_for(lambda: catalogue.order(order_number(old)).status == 200)
    number, before = order_number(old), folder / "old.txt"
    meant = {"<region>": os.environ["AWS_DEFAULT_REGION"], "<AdminUrl>": catalogue.output("AdminUrl")}

    def listed(day):
        documents.run_one("operate.md", ">>old.txt", folder, meant | {"<day>": day}, merchant.environment())
        return before.read_text().split()

    assert listed("2020-01-01") == []
    found = listed("9999-12-31")
    # The order of before is anonymous already.
    assert number in found and order_number(session) not in found
    # As if only this one were old enough.
    before.write_text(f"{number}\n")
    printed = documents.run_one("operate.md", "done <old.txt", folder, meant, merchant.environment())

    (order,) = merchant.send("GET", f"/admin/orders/{number}").ok()["data"]
    assert (printed, order["customer"]["email"]) == ("", None)
    assert set(listed("9999-12-31")) == set(found) - {number}


def test_orders_of_another_shop_are_found_and_removed(catalogue, staging, stripe, session, folder):
    """As 0.1.0 stored them, which did not ask whose session it was."""
    shopper = Shopper(staging)
    shopper.add("price_mug")
    strange = shopper.checkout()
    stripe.press(strange, "pay")
    wait_for(lambda: staging.order(order_number(strange)).status == 200)
    orders, number = catalogue.table("OrdersTable"), order_number(strange)
    orders.put_item(Item=staging.table("OrdersTable").get_item(Key={"number": number})["Item"])
    index = catalogue.table("OrderIndexTable")
    for way in ways(staging.table("OrderIndexTable"), number):
        index.put_item(Item=way)
    assert [way for way in ways(index, number) if "@" in way["way"]]
    own = [row for row in orders.scan()["Items"] if row["session"].startswith("cs_") and row["number"] != number]
    # Of sessions that the account does not have, Stripe says so, and the list ends there.
    known = [row for row in own if stripe.has(row["session"])]
    assert order_number(session) in {row["number"] for row in known}
    for row in own:
        if row not in known:
            orders.delete_item(Key={"number": row["number"]})

    meant = {
        "<OrdersTable>": orders.name, "<key>": KEY, "https://api.stripe.com": STRIPE,
        # Functions learn that they were reached by https, as always in AWS.
        "<ApiUrl>": catalogue.output("ApiUrl").replace("http:", "https:"),
    }  # fmt: skip
    documents.run("operate.md", "aws dynamodb scan --table-name <OrdersTable> --query 'Items[].[number.S", folder, meant)
    found = (folder / "strange.txt").read_text().split()
    admin = {"<region>": os.environ["AWS_DEFAULT_REGION"], "<AdminUrl>": catalogue.output("AdminUrl")}
    removal = {"<OrdersTable>": orders.name} | admin
    printed = documents.run_one("operate.md", "done <strange.txt", folder, removal, {})

    assert (found, printed) == ([number], "")
    assert not [way for way in ways(index, number) if "@" in way["way"]]
    assert {row["number"] for row in orders.scan()["Items"]} == {row["number"] for row in known}
    for row in own:
        orders.put_item(Item=row)


def ways(index, number):
    """The rows that lead to an order."""
    return [row for row in index.scan()["Items"] if number in str(row)]


def test_lost_orders_are_copied_back_from_a_backup_and_nothing_is_published(catalogue, session, folder):
    table, number = catalogue.table("OrdersTable"), order_number(session)
    orders = {"<OrdersTable>": table.name}
    latest = {"--restore-date-time 2026-11-22T12:00:00Z": "--use-latest-restorable-time"}
    documents.run("operate.md", "aws dynamodb restore-table", folder, meant=orders | latest)
    lost = table.get_item(Key={"number": number})["Item"]
    others = [row for row in table.scan()["Items"] if row["number"] != number]
    # One changed after the backup, and that is published.
    other = next(row for row in others if row.get("event") == "order.paid")
    changed = other | {"refunded": other["refunded"] + 1}
    table.put_item(Item=changed)
    told_until(changed)
    table.delete_item(Key={"number": number})
    assert catalogue.order(number).status == 404

    copy = "aws dynamodb scan --table-name <OrdersTable> --output json"
    copied = documents.run("operate.md", copy, folder, meant=orders)
    again = documents.run("operate.md", copy, folder, meant=orders)
    documents.run("operate.md", "aws dynamodb delete-table", folder, meant={})

    assert (copied.split(), again) == ([number], "")
    back = {row["number"]: row for row in table.scan()["Items"]}
    restored = back.pop(number)
    assert restored.pop("restored") > "2026"
    assert restored == {name: value for name, value in lost.items() if name != "event"}
    assert sorted(back) == sorted(row["number"] for row in others)
    assert back[changed["number"]] == changed
    assert catalogue.order(number).ok()["number"] == number
    table.put_item(Item=other)
    assert number not in told_until(other)
    assert "orders-restored" not in boto3.client("dynamodb").list_tables()["TableNames"]


def told_until(row):
    """Waits until this state of an order is published. The orders that events were about up to then."""
    queue = boto3.client("sqs").get_queue_url(QueueName="events-all")["QueueUrl"]
    told = []

    def arrived():
        told.extend((event["detail"].get("order"), event["detail"].get("refunded")) for event in receive(queue, 0))
        return (row["number"], row["refunded"]) in told

    wait_for(arrived)
    return {order for order, _ in told}


def test_the_schedule_runs_the_sync_and_keeps_what_it_cannot_run(catalogue):
    """The scheduler calls the function under a role of its own. Lambda keeps failed calls under the function's role."""
    physical = catalogue.resources()
    queue = boto3.client("sqs").get_queue_url(QueueName=name_of(physical["SyncFailures"]))["QueueUrl"]
    scheduler, function = acting_as(physical["SyncTimerRole"]), acting_as(physical["SyncRole"])

    called = scheduler.client("lambda").invoke(FunctionName=physical["Sync"], InvocationType="Event", Payload=b"{}")
    for role in (scheduler, function):
        role.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")

    assert called["StatusCode"] == 202


def test_the_log_has_a_line_for_a_request_and_no_secret_or_address(catalogue, session):
    logs, physical = boto3.client("logs"), catalogue.resources()
    groups = [physical[name] for name in physical if name.endswith("Logs") and name != "ApiLogs"]
    assert len(groups) == 12

    lines = []
    for group in groups:
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
            lines += [event["message"] for event in events["events"]]

    text = "\n".join(lines)
    assert '"function":"checkout","status":200' in text
    assert not [secret for secret in (KEY, "whsec_", "shopper@example.com", "cs_test_") if secret in text]
