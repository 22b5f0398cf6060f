"""Creates, updates and deletes the stack on an emulated CloudFormation, which resolves every reference."""

import copy
import json

import boto3
import pytest
from moto import mock_aws

PARAMETERS = {
    "SuccessUrl": "https://shop.example/thanks/{number}",
    "CancelUrl": "https://shop.example/",
    "AllowedOrigins": "https://shop.example",
    "StripeSecretKeyParameter": "/shop/stripe-secret-key",
    "StripeWebhookSecretParameter": "/shop/stripe-webhook-secret",
    # The emulation cannot describe a stack in which a condition leaves something out.
    "EventPipes": "RUNNING",
}


@pytest.fixture
def aws():
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("s3").put_object(Bucket="bucket", Key="key", Body=b"")
        yield


# What the emulation does not know. What refers to these is cfn-lint's to check.
UNKNOWN = {
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Stage", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Logs::MetricFilter",
    "AWS::Lambda::EventSourceMapping", "AWS::Route53::RecordSet", "AWS::Scheduler::Schedule",
}  # fmt: skip


def deployable(stack):
    """The stack without what the emulation does not know, and without what refers to that."""
    known = copy.deepcopy(stack)
    gone = {name for name, body in stack["Resources"].items() if body["Type"] in UNKNOWN}

    # The emulation puts a parameter's value in the place of its name.
    for parameter in known["Parameters"].values():
        parameter["Type"] = parameter["Type"].replace("AWS::SSM::Parameter::Name", "String")

    def refers(body):
        text = json.dumps(body)
        return any(f'"{name}"' in text or f"${{{name}}}" in text or f"${{{name}." in text for name in gone)

    for section in ("Resources", "Outputs"):
        for name, body in stack[section].items():
            if name in gone or refers(body):
                del known[section][name]
    return known


def parameters(**changes):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in {**PARAMETERS, **changes}.items()]


def variables(cloudformation, name):
    function = cloudformation.describe_stack_resource(StackName="shop", LogicalResourceId=name)
    physical = function["StackResourceDetail"]["PhysicalResourceId"]
    return boto3.client("lambda").get_function_configuration(FunctionName=physical)["Environment"]["Variables"]


def test_the_stack_is_created_updated_and_deleted(aws, stack):
    cloudformation = boto3.client("cloudformation")
    known = deployable(stack)
    template = json.dumps(known)

    cloudformation.create_stack(
        StackName="shop", TemplateBody=template, Parameters=parameters(), Capabilities=["CAPABILITY_IAM"]
    )
    created = variables(cloudformation, "Add")
    cloudformation.update_stack(
        StackName="shop", TemplateBody=template, Parameters=parameters(CartTtlDays="30"), Capabilities=["CAPABILITY_IAM"]
    )
    updated = variables(cloudformation, "Add")
    (description,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]

    assert [str(found["CART_TTL_DAYS"]) for found in (created, updated)] == ["7", "30"]
    assert created["METRICS_NAMESPACE"] == "Cartwright/shop"
    assert created["STRIPE_SECRET_KEY_PARAMETER"] == "/shop/stripe-secret-key"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}
    assert created["ORDERS_TABLE"] == outputs["OrdersTable"]
    always = {name for name, output in known["Outputs"].items() if "Condition" not in output}
    assert set(outputs) == always >= {"CartsTable", "CatalogTable", "OrdersTable", "EventBus"}

    cloudformation.delete_stack(StackName="shop")

    assert cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert boto3.client("lambda").list_functions()["Functions"] == []
