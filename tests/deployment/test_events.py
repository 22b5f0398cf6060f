"""What the tables' streams tell the bus."""

import json

import boto3
import documents
import pytest
from services import name_of
from stripe import wait_for


@pytest.fixture(scope="module")
def told(catalogue, pipes, folder):
    """The events that each rule's queue got, once the pipes have passed on all that was bought so far."""
    bus = catalogue.output("EventBus")
    documents.run("deploy.md", "aws events put-rule", folder, meant={"<EventBus>": bus})
    events = boto3.client("events")
    events.put_rule(EventBusName=bus, Name="all", EventPattern=json.dumps({"source": ["cartwright"]}))
    queues = {rule: queue_of(events, bus, rule) for rule in ("paid", "all")}

    passed_on = pipes.run()

    received = {"all": receive(queues["all"], passed_on)}
    payments = [event for event in received["all"] if event["detail-type"] == "order.paid"]
    return {**received, "paid": receive(queues["paid"], len(payments))}


def queue_of(events, bus, rule):
    """Has a rule put its events into a queue."""
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName=f"events-{rule}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)
    events.put_targets(EventBusName=bus, Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def receive(queue, count):
    """Waits for so many messages in a queue, and takes all there are."""
    sqs, received = boto3.client("sqs"), []

    def arrived():
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(json.loads(message["Body"]) for message in messages)
        return len(received) >= count and not messages

    wait_for(arrived)
    return received


def about(events, kind):
    return {event["detail"]["order"] for event in events if event["detail-type"] == kind}


def test_every_order_is_told_of_and_every_payment(catalogue, told):
    rows = catalogue.table("OrdersTable").scan()["Items"]

    assert about(told["all"], "order.created") >= {row["number"] for row in rows}
    assert about(told["all"], "order.paid") >= {row["number"] for row in rows if row["status"] == "paid"}
    assert about(told["all"], "order.refunded")


def test_an_abandoned_cart_is_told_of(told):
    (abandoned,) = [event for event in told["all"] if event["detail-type"] == "cart.abandoned"][-1:]

    assert set(abandoned["detail"]) == {"cart", "session", "recovery_url"}


def test_the_rule_of_the_guide_gets_the_paid_orders_alone(told):
    assert {event["detail-type"] for event in told["paid"]} == {"order.paid"}
    assert about(told["paid"], "order.paid") == about(told["all"], "order.paid")


def test_no_event_is_personal(told):
    assert "@" not in json.dumps(told)


def test_what_cannot_be_told_for_a_day_waits_in_the_queue(catalogue, pipes):
    pipes.give_up()

    queue = boto3.client("sqs").get_queue_url(QueueName=name_of(catalogue.resources()["EventFailures"]))["QueueUrl"]
    assert len(receive(queue, 2)) == 2
