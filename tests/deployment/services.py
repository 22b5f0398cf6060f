"""AWS's services at work under the roles of a stack, as far as the emulator leaves that out."""

import json

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


class Streams:
    """The streams of a stack's tables, as Lambda reads them for the function that publishes.

    The emulator's Lambda does read them, and calls the function, but asks for no right.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    """

    def __init__(self, stack):
        template = boto3.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
        body = template["TemplateBody"]
        resources = (json.loads(body) if isinstance(body, str) else body)["Resources"]
        self.mappings = [
            body["Properties"] for body in resources.values() if body["Type"] == "AWS::Lambda::EventSourceMapping"
        ]
        self.stack = stack

    def records(self):
        """The records that the filters of the mappings let through, read under the function's role."""
        physical = self.stack.resources()
        role = acting_as(physical["PublishRole"])
        found = []
        for mapping in self.mappings:
            table = physical[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
            patterns = [filter_["Pattern"] for filter_ in mapping["FilterCriteria"]["Filters"]]
            stream = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
            read = records(role.client("dynamodbstreams"), stream)
            found += [record for record in read if any(matches(pattern, record) for pattern in patterns)]
        return found


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
    """Whether a filter of a mapping lets a record pass. Its patterns are those of EventBridge, on the record itself."""
    return bool(
        _matches_pattern(json.dumps({"detail": json.loads(pattern)}), {"Detail": json.dumps(record, default=str)})
    )
