"""Each shim is still needed: a test fails once the emulator has what the shim adds, which then has to go."""

import inspect
import json

import pytest
from ministack.core.iam_actions import extract_resource_arn
from ministack.core.iam_evaluator import EvalContext, _resolve_condition_key
from ministack.services import apigateway, dynamodb, iam, lambda_svc
from ministack.services.cloudformation import engine, provisioners


def test_an_api_gets_no_routes_of_its_body():
    body = {"paths": {"/cart": {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "arn"}}}}}

    api, _ = provisioners._apigw_v2_api_create("Api", {"Body": body}, "shop")

    assert apigateway._routes[api] == {}, "drop shims.routed"


def test_an_alarm_of_an_expression_is_refused():
    properties = {"Metrics": [{"Id": "both", "Expression": "a + b"}]}

    with pytest.raises(ValueError, match="metric math"):
        provisioners._cw_metric_alarm_create("Alarm", properties, "shop")


def test_a_role_gets_no_boundary():
    boundary = "arn:aws:iam::000000000000:policy/boundary"
    properties = {"AssumeRolePolicyDocument": {"Statement": []}, "PermissionsBoundary": boundary}

    role, _ = provisioners._iam_role_create("Role", properties, "shop")

    assert "PermissionsBoundary" not in iam._roles[role], "drop shims.bounded"


def test_a_request_to_a_stream_is_not_told_from_others():
    headers = {"x-amz-target": "DynamoDBStreams_20120810.DescribeStream"}
    stream = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-11-26T00:00:00.000"
    body = json.dumps({"StreamArn": stream}).encode()

    for service in ("dynamodb", "dynamodbstreams"):
        found = extract_resource_arn(service, "POST", "/", headers, body, {}, "us-east-1", "000000000000")
        assert found == "*", "drop shims.knowing_streams"


def test_a_request_for_several_parameters_is_about_none():
    headers, body = {"x-amz-target": "AmazonSSM.GetParameters"}, json.dumps({"Names": ["/shop/key"]}).encode()

    found = extract_resource_arn("ssm", "POST", "/", headers, body, {}, "us-east-1", "000000000000")

    assert found == "*", "drop shims.knowing_parameters"


def test_loopback_is_no_secure_transport():
    context = EvalContext("arn:aws:iam::000000000000:root", "Root", "000000000000", "s3:PutObject", "*", "us-east-1")

    assert _resolve_condition_key("aws:SecureTransport", context) != "true", "change shims.as_in_aws"


def test_a_service_does_not_say_for_which_account_it_assumes_a_role():
    context = EvalContext("arn:aws:iam::000000000000:root", "Root", "000000000000", "sts:AssumeRole", "*", "us-east-1")

    assert _resolve_condition_key("aws:SourceAccount", context) is None, "change shims.as_in_aws"


def test_a_new_description_restarts_no_function():
    source = inspect.getsource(lambda_svc._update_config)
    restarting = source[source.index("_WORKER_AFFECTING = {") :]

    assert '"Description"' not in restarting[: restarting.index("}")], "drop shims.restarted"


def test_attributes_that_are_set_to_one_value_are_one():
    empty = {":empty": {"M": {}}}
    of = [("VALUE_REF", ":empty")], {}, empty, {}

    assert dynamodb._eval_set_value(*of) is dynamodb._eval_set_value(*of), "drop shims.copied"


def test_the_name_of_a_secret_that_is_not_there_is_taken():
    template = {"Parameters": {"Key": {"Type": "AWS::SSM::Parameter::Name"}}}

    values = engine._resolve_parameters(template, [{"Key": "Key", "Value": "/shop/none"}])

    assert values["Key"]["Value"] == "/shop/none", "drop shims.looked_for"
