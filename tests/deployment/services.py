"""AWS's services at work under the roles of a stack, as far as the emulator leaves that out."""

import json
import re

import boto3
from ministack.services.eventbridge import _matches_pattern


def acting_as(role):
    """A session of this role. The emulator takes the account's root for the service that the role trusts."""
    arn = boto3.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    given = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="service")["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


class Pipes:
    """EventBridge Pipes from the streams of a stack's tables to its bus.

    Reads as the guide says: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html
    """

    def __init__(self, stack):
        template = boto3.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
        body = template["TemplateBody"]
        resources = (json.loads(body) if isinstance(body, str) else body)["Resources"]
        self.pipes = [body["Properties"] for body in resources.values() if body["Type"] == "AWS::Pipes::Pipe"]
        self.stack = stack
        self.physical = stack.resources()
        self.told = set()

    def run(self):
        """Passes on what the streams hold and no earlier run passed on; how many events that were."""
        return sum(self.run_pipe(index, pipe) for index, pipe in enumerate(self.pipes))

    def run_pipe(self, index, pipe):
        role = acting_as(self.physical[pipe["RoleArn"]["Fn::GetAtt"][0]])
        table = self.physical[pipe["Source"]["Fn::GetAtt"][0]]
        patterns = [filter_["Pattern"] for filter_ in pipe["SourceParameters"]["FilterCriteria"]["Filters"]]
        events = []
        stream = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        for record in records(role.client("dynamodbstreams"), stream):
            known = (index, record["dynamodb"]["SequenceNumber"])
            if known not in self.told and any(matches(pattern, record) for pattern in patterns):
                events.append(self.event(pipe["TargetParameters"], record))
                self.told.add(known)
        for at in range(0, len(events), 10):
            answer = role.client("events").put_events(Entries=events[at : at + 10])
            assert answer["FailedEntryCount"] == 0, answer
        return len(events)

    def event(self, target, record):
        def at(path):
            value = record
            for step in path.removeprefix("$.").split("."):
                value = value[step]
            return value

        bus = target["EventBridgeEventBusParameters"]
        kind = bus["DetailType"]
        return {
            "EventBusName": self.stack.output("EventBus"),
            "Source": bus["Source"],
            "DetailType": at(kind) if kind.startswith("$.") else kind,
            "Detail": re.sub(r"<([^>]+)>", lambda path: at(path[1]), target["InputTemplate"]),
        }

    def give_up(self):
        """Has each pipe put into the queue what it could not pass on for a day."""
        queue = boto3.client("sqs").get_queue_url(QueueName=name_of(self.physical["EventFailures"]))["QueueUrl"]
        for role in {pipe["RoleArn"]["Fn::GetAtt"][0] for pipe in self.pipes}:
            acting_as(self.physical[role]).client("sqs").send_message(QueueUrl=queue, MessageBody="{}")


def name_of(queue):
    """A queue's name, by its URL."""
    return queue.rsplit("/", 1)[-1]


def records(streams, stream):
    """All that a stream holds."""
    described = streams.describe_stream(StreamArn=stream)["StreamDescription"]
    for shard in described["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            yield from page["Records"]
            iterator = page.get("NextShardIterator") if page["Records"] else None


def matches(pattern, record):
    """Whether a filter of a pipe lets a record pass. Its patterns are those of EventBridge, on the record itself."""
    return bool(
        _matches_pattern(json.dumps({"detail": json.loads(pattern)}), {"Detail": json.dumps(record, default=str)})
    )
