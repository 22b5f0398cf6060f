"""What the emulator lacks for template.yaml, added inside its process.

The template that is deployed stays the real one. For each shim, test_shims.py has a test that fails once the emulator
has the feature itself: then remove the shim.
"""

import copy
import json

from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import apigateway, dynamodb, dynamodb_streams, iam, lambda_svc, ssm
from ministack.services.cloudformation import changesets, engine, handlers, provisioners

API = "AWS::ApiGatewayV2::Api"
ALARM = "AWS::CloudWatch::Alarm"
ROLE = "AWS::IAM::Role"


def install():
    """Adds everything. To be called before the emulator starts."""
    wrap(API, routed)
    wrap(ALARM, without_expression)
    wrap(ROLE, bounded)
    iam_evaluator._resolve_condition_key = as_in_aws(iam_evaluator._resolve_condition_key)
    iam_actions.extract_resource_arn = knowing_parameters(knowing_streams(iam_actions.extract_resource_arn))
    lambda_svc._update_config = restarted(lambda_svc._update_config)
    dynamodb._eval_set_value = copied(dynamodb._eval_set_value)
    for module in (engine, changesets, handlers):
        module._resolve_parameters = looked_for(module._resolve_parameters)


def wrap(kind, shim):
    """Replaces what the emulator does to create and update resources of this type."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    handlers["create"], handlers["update"] = shim(handlers["create"], handlers["update"])


def routed(create, update):
    """Makes routes, integrations and CORS of an API's OpenAPI body.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
    """

    def with_routes(made, properties):
        api, body = made[0], properties.get("Body")
        if body:
            apigateway._routes[api], apigateway._integrations[api] = {}, {}
            for path, operations in body["paths"].items():
                for method, operation in operations.items():
                    signed = {"AWS_IAM": []} in operation.get("security", [])
                    add_route(api, f"{method.upper()} {path}", operation["x-amazon-apigateway-integration"], signed)
            cors = body.get("x-amazon-apigateway-cors")
            if cors:
                apigateway._apis[api]["corsConfiguration"] = cors
        return made

    def created(logical_id, properties, stack):
        return with_routes(create(logical_id, properties, stack), properties)

    def updated(physical_id, old, new, *more):
        return with_routes(update(physical_id, old, new, *more), new)

    return created, updated


def add_route(api, key, integration, signed):
    _, _, made = apigateway._create_integration(api, {
        "integrationType": integration["type"].upper(),
        "integrationUri": integration["uri"],
        "integrationMethod": integration["httpMethod"],
        "payloadFormatVersion": integration["payloadFormatVersion"],
    })  # fmt: skip
    apigateway._create_route(api, {
        "routeKey": key,
        "target": f"integrations/{json.loads(made)['integrationId']}",
        "authorizationType": "AWS_IAM" if signed else "NONE",
    })  # fmt: skip


def without_expression(create, update):
    """Makes an alarm of an expression one of the first metric that the expression uses."""

    def simple(properties):
        metrics = properties.get("Metrics")
        if not metrics:
            return properties
        used = next(metric["MetricStat"] for metric in metrics if "MetricStat" in metric)
        rest = {name: value for name, value in properties.items() if name != "Metrics"}
        return rest | used["Metric"] | {"Period": used["Period"], "Statistic": used["Stat"]}

    def created(logical_id, properties, stack):
        return create(logical_id, simple(properties), stack)

    def updated(physical_id, old, new, *more):
        return update(physical_id, simple(old), simple(new), *more)

    return created, updated


def bounded(create, update):
    """Gives a role its permissions boundary."""

    def with_boundary(made, properties):
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            iam._put_role_permissions_boundary({"RoleName": [made[0]], "PermissionsBoundary": [boundary]})
        return made

    def created(logical_id, properties, stack):
        return with_boundary(create(logical_id, properties, stack), properties)

    def updated(physical_id, old, new, *more):
        return with_boundary(update(physical_id, old, new, *more), new)

    return created, updated


def as_in_aws(resolve):
    """Knows for which account one of AWS's services assumes a role, and takes loopback for a secure transport.

    The bucket that the SAM CLI makes refuses any other transport.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """

    def resolved(key, context):
        if key.lower() == "aws:securetransport":
            return "true"
        value = resolve(key, context)
        if value is None and key.lower() == "aws:sourceaccount":
            return context.principal_account
        return value

    return resolved


def knowing_streams(resource):
    """Knows which stream a request is about.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    """

    def named(service, method, path, headers, body, *more):
        if not headers.get("x-amz-target", "").startswith("DynamoDBStreams_"):
            return resource(service, method, path, headers, body, *more)
        asked = json.loads(body)
        iterator = dynamodb_streams._decode_iterator(asked.get("ShardIterator") or "") or {}
        return asked.get("StreamArn") or iterator.get("arn") or "*"

    return named


def knowing_parameters(resource):
    """Knows which parameters a request is about: a right to each is asked for.

    Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    """

    def named(service, method, path, headers, body, parameters, region, account):
        if headers.get("x-amz-target") != "AmazonSSM.GetParameters":
            return resource(service, method, path, headers, body, parameters, region, account)
        names = json.loads(body)["Names"]
        arns = [f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}" for name in names]
        # The emulator asks for one more right, to what is returned: the first that is refused, or any.
        key = extract_access_key_id(headers, parameters)
        refused = (arn for arn in arns if iam_evaluator.enforce(key, "ssm:GetParameters", service, region, arn))
        return next(refused, arns[0])

    return named


def restarted(update_config):
    """Ends the processes of a function whose description changed, as any change of its configuration does.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """

    def updated(name, data, *more, **named):
        answer = update_config(name, data, *more, **named)
        lambda_svc.invalidate_worker(name, qualifier="$LATEST")
        return answer

    return updated


def copied(value):
    """Sets a value of its own where an update sets several attributes to one value, which are one map for the emulator.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """

    def own(*of):
        return copy.deepcopy(value(*of))

    return own


def looked_for(resolve):
    """Refuses the name of a parameter that Parameter Store does not have, where a template says that it is one.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    """

    def resolved(template, *more, **named):
        values = resolve(template, *more, **named)
        for name, definition in template.get("Parameters", {}).items():
            value = values[name]["Value"]
            if definition.get("Type") == "AWS::SSM::Parameter::Name" and not ssm.resolve_parameter_value(value):
                raise ValueError(f"Parameter validation failed: parameter value {value} for {name} does not exist")
        return values

    return resolved
