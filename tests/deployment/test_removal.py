"""`sam delete` removes everything but the orders."""

import boto3
import documents
import merchant


def left():
    """What there is in the account, by kind. The bucket of the SAM CLI is not the stack's."""

    def names(service, operation, member, name):
        client = boto3.client(service)
        found = [item if name is None else item[name] for item in getattr(client, operation)()[member]]
        return [item for item in found if "cartwright" in item or item.startswith("sync-")]

    return {
        "alarms": names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "apis": names("apigatewayv2", "get_apis", "Items", "Name"),
        "buses": names("events", "list_event_buses", "EventBuses", "Name"),
        "dashboards": names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "functions": names("lambda", "list_functions", "Functions", "FunctionName"),
        "log groups": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "mappings": names("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
        "queues": names("sqs", "list_queues", "QueueUrls", None)
        if boto3.client("sqs").list_queues().get("QueueUrls")
        else [],
        "roles": names("iam", "list_roles", "Roles", "RoleName"),
        "schedules": names("scheduler", "list_schedules", "Schedules", "Name"),
        "tables": names("dynamodb", "list_tables", "TableNames", None),
    }


def test_only_the_tables_of_orders_stay(catalogue, staging, guided, gradual, shop):
    there = left()
    assert not [kind for kind, names in there.items() if not names], f"nothing of a kind is found: {there}"
    stacks = (catalogue, staging, guided, gradual)
    orders = [stack.output("OrdersTable") for stack in stacks]
    counts = [stack.table("OrdersTable").scan()["Count"] for stack in stacks]

    merchant.types(documents.take("deploy.md", "sam delete"), shop, {})
    for stack in (staging, guided, gradual):
        stack.delete()

    assert left() == {**dict.fromkeys(there, []), "tables": sorted(orders)}
    for table, count in zip(orders, counts, strict=True):
        described = boto3.client("dynamodb").describe_table(TableName=table)["Table"]
        assert described["DeletionProtectionEnabled"]
        assert boto3.resource("dynamodb").Table(table).scan()["Count"] == count
