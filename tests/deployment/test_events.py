"""What is published of all that the shop has sold so far, who gets it, and what becomes of what cannot be published."""

import json
import time

import boto3
import documents
import pytest
from services import name_of
from stack import run
from stripe import wait_for


@pytest.fixture(scope="module")
def mail(catalogue, folder):
    """The topic of the guide's mails, with a queue that gets their text, because the emulator delivers none."""
    meant = {"<EventBus>": catalogue.output("EventBus"), "<address>": "merchant@shop.example"}
    block = documents.take("events.md", "aws cloudformation deploy --stack-name cartwright-mail")
    for placeholder, value in {**meant, "docs/order-mail.yaml": documents.FOLDER / "order-mail.yaml"}.items():
        assert placeholder in block
        block = block.replace(placeholder, str(value))
    run("bash", "-euo", "pipefail", "-c", block, cwd=folder)
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName="cartwright-mail")["Stacks"]
    (topic,) = [output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "Topic"]
    queue, arn = queue_for("mails", "sns.amazonaws.com")
    raw = {"RawMessageDelivery": "true"}
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    return topic, queue


@pytest.fixture(scope="module")
def told(catalogue, mail, streams, folder):
    """The events that each rule's queue got, and the mails, once all that was written is published again."""
    bus = catalogue.output("EventBus")
    documents.run("events.md", "aws events put-rule", folder, meant={"<EventBus>": bus})
    events = boto3.client("events")
    events.put_rule(EventBusName=bus, Name="all", EventPattern=json.dumps({"source": ["cartwright"]}))
    queues = {}
    for rule in ("paid", "all"):
        queues[rule], arn = queue_for(f"events-{rule}", "events.amazonaws.com")
        events.put_targets(EventBusName=bus, Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])

    # From NONE to RUNNING all is published that the streams still have.
    catalogue.deploy(EventPipes="NONE")
    assert not boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    catalogue.deploy(EventPipes="RUNNING")

    kinds = [kind for record in streams.records() for kind in kinds_of(record)]
    received = {"all": receive(queues["all"], len(kinds)), "kinds": kinds}
    payments = kinds.count("order.paid")
    mails = receive(mail[1], payments, read=str)
    return {**received, "paid": receive(queues["paid"], payments), "mails": mails, "queues": queues}


def kinds_of(record):
    """The types of the events that a record tells, by what the guide says."""
    item = record["dynamodb"]["NewImage"]
    if record["eventName"] == "INSERT" and "restored" in item:
        return []
    if "order" not in item:
        return ["cart.abandoned"]
    made = ["order.created"] if record["eventName"] == "INSERT" else []
    return made + [event["S"].replace("payment.failed", "order.payment_failed") for event in [item.get("event")] if event]


def queue_for(name, service):
    """A queue into which a service may put messages: its URL and its ARN."""
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)
    return queue, arn


def receive(queue, count, read=json.loads):
    """Waits for so many messages in a queue, and takes all there are."""
    sqs, received = boto3.client("sqs"), []

    def arrived():
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(read(message["Body"]) for message in messages)
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(received) >= count and not messages

    wait_for(arrived)
    return received


def about(events, kind):
    return {event["detail"]["order"] for event in events if event["detail-type"] == kind}


def test_every_order_is_told_of_and_every_payment(catalogue, told):
    rows = catalogue.table("OrdersTable").scan()["Items"]

    assert sorted(event["detail-type"] for event in told["all"]) == sorted(told["kinds"])
    assert about(told["all"], "order.created") >= {row["number"] for row in rows}
    assert about(told["all"], "order.paid") >= {row["number"] for row in rows if row["status"] == "paid"}
    assert about(told["all"], "order.refunded")
    assert len({event["detail"]["id"] for event in told["all"]}) == len(told["all"])


def test_an_abandoned_cart_is_told_of(told):
    (abandoned,) = [event for event in told["all"] if event["detail-type"] == "cart.abandoned"][-1:]

    assert set(abandoned["detail"]) == {"schema", "id", "livemode", "cart", "session", "recovery_url"}


def test_the_rule_of_the_guide_gets_the_paid_orders_alone(told):
    assert {event["detail-type"] for event in told["paid"]} == {"order.paid"}
    assert about(told["paid"], "order.paid") == about(told["all"], "order.paid")


def test_the_merchant_gets_a_mail_for_each_paid_order(mail, told):
    def text(detail):
        return "\n".join([
            f'"Order {detail["reference"]} is paid: {detail["total_with_currency"]}"',
            f'"{detail["contents"]}"',
            f'"Buyer: {detail["buyer"]}"',
            f'"Number: {detail["order"]}"',
        ])  # fmt: skip

    subscriptions = boto3.client("sns").list_subscriptions_by_topic(TopicArn=mail[0])["Subscriptions"]

    assert ("email", "merchant@shop.example") in {(found["Protocol"], found["Endpoint"]) for found in subscriptions}
    assert sorted(told["mails"]) == sorted(text(event["detail"]) for event in told["paid"])
    assert any("Buyer: Sample Shopper, shopper@example.com" in mail for mail in told["mails"])


def test_what_cannot_be_told_for_an_hour_waits_in_the_queue_and_is_published_from_there(catalogue, told, folder):
    sqs, physical = boto3.client("sqs"), catalogue.resources()
    queue = sqs.get_queue_url(QueueName=name_of(physical["EventFailures"]))["QueueUrl"]
    stream = boto3.client("dynamodb").describe_table(TableName=physical["Orders"])["Table"]["LatestStreamArn"]
    unreadable = {
        "eventID": "unreadable", "eventName": "MODIFY", "eventSourceARN": stream,
        "dynamodb": {
            "SequenceNumber": "1", "ApproximateCreationDateTime": int(time.time()) - 3700,
            "NewImage": {"number": {"S": "55a109cdfba5b6648676ee8c21e22322"}, "event": {"S": "order.paid"}},
        },
    }  # fmt: skip
    payload = json.dumps({"Records": [unreadable]})
    answer = boto3.client("lambda").invoke(FunctionName=physical["Publish"], Payload=payload)
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    # As the function writes it where the bus refuses an event.
    (paid, *_) = told["paid"]
    refused = {"reason": "InternalFailure", "detail_type": "order.paid", "detail": paid["detail"]}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(refused))

    meant = {"<stack>": catalogue.name, "<EventBus>": catalogue.output("EventBus")}
    documents.run("operate.md", "queue=$(aws cloudformation describe-stack-resource", folder, meant)

    (again,) = receive(told["queues"]["paid"], 1)
    assert (again["detail-type"], again["source"], again["detail"]) == ("order.paid", "cartwright", paid["detail"])
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=attributes)["Attributes"]
    assert sum(map(int, left.values())) == 1
