"""Holds template.yaml to what the project promises about its deployment."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from accepted import ACCEPTED
from conftest import ROOT, translated
from moto.events.models import EventPattern, EventPatternParser

PREFIXED = {
    ("GET", "/cart"): "Get",
    ("HEAD", "/cart"): "Get",
    ("POST", "/cart/add"): "Add",
    ("POST", "/cart/update"): "Update",
    ("POST", "/cart/items/{id}"): "Update",
    ("DELETE", "/cart/items/{id}"): "Update",
    ("POST", "/cart/clear"): "Clear",
    ("POST", "/cart/checkout"): "Checkout",
}
ROUTES = {
    **PREFIXED,
    **{(method, "/{prefix}" + path): name for (method, path), name in PREFIXED.items()},
    **{(method, "/{language}/{prefix}" + path): name for (method, path), name in PREFIXED.items()},
    ("POST", "/stripe/webhook"): "StripeWebhook",
    ("GET", "/finish-order"): "FinishOrder",
    ("HEAD", "/finish-order"): "FinishOrder",
    ("GET", "/orders/{number}"): "Order",
    ("HEAD", "/orders/{number}"): "Order",
    ("GET", "/products"): "Products",
    ("HEAD", "/products"): "Products",
    ("GET", "/products/{id}"): "Products",
    ("HEAD", "/products/{id}"): "Products",
    ("GET", "/admin/orders"): "AdminOrders",
    ("HEAD", "/admin/orders"): "AdminOrders",
    ("GET", "/admin/orders/{number}"): "AdminOrders",
    ("HEAD", "/admin/orders/{number}"): "AdminOrders",
    ("POST", "/admin/orders/{number}/anonymise"): "AdminOrders",
    ("POST", "/admin/anonymise"): "AdminOrders",
}

# Where the metrics of a stack are: two stacks of an account do not mix.
NAMESPACE = {"Fn::Sub": "Cartwright/${AWS::StackName}"}

READ_WRITE = {"GetItem", "PutItem", "UpdateItem"}
# Changes a cart that is there.
READ_UPDATE = {"GetItem", "UpdateItem"}
KNOW_PRICES = {"BatchGetItem", "UpdateItem"}
# Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
READ_STREAM = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}
# Per function: what it may do to which table, and whether it reads Stripe's key and the webhook's secret.
PERMISSIONS = {
    "Get": {"Carts": {"GetItem"}, "Catalog": {"BatchGetItem"}},
    "Add": {"Carts": READ_WRITE, "Catalog": KNOW_PRICES, "StripeSecretKeyParameter": {"GetParameters"}},
    "Update": {"Carts": READ_WRITE, "Catalog": KNOW_PRICES, "StripeSecretKeyParameter": {"GetParameters"}},
    "Clear": {"Carts": READ_UPDATE, "Catalog": {"BatchGetItem"}},
    "Checkout": {
        "Carts": READ_UPDATE,
        "Catalog": KNOW_PRICES,
        "Orders": READ_WRITE,
        "OrderIndex": {"PutItem", "DeleteItem"},
        "StripeSecretKeyParameter": {"GetParameters"},
    },
    "StripeWebhook": {
        "Carts": READ_WRITE,
        "Catalog": KNOW_PRICES,
        "Catalog/index/by_kind": {"Query"},
        "Orders": READ_WRITE,
        "OrderIndex": {"PutItem", "DeleteItem", "Query"},
        "StripeSecretKeyParameter": {"GetParameters"},
        "StripeWebhookSecretParameter": {"GetParameters"},
    },
    "FinishOrder": {
        "Carts": READ_UPDATE | {"BatchGetItem"},
        "Orders": READ_WRITE | {"BatchGetItem"},
        "OrderIndex": {"PutItem", "DeleteItem"},
        "StripeSecretKeyParameter": {"GetParameters"},
    },
    "Order": {"Orders": {"GetItem"}},
    "AdminOrders": {
        "Carts": READ_UPDATE,
        "Orders": READ_UPDATE | {"BatchGetItem"},
        "OrderIndex": {"Query", "DeleteItem"},
    },
    "Products": {"Catalog": {"BatchGetItem"}, "Catalog/index/by_kind": {"Query"}},
    "Sync": {
        "Carts": READ_WRITE,
        "Catalog": {"BatchGetItem", "Scan", "UpdateItem"},
        "Orders": READ_WRITE | {"ConditionCheckItem", "Scan"},
        "OrderIndex": {"GetItem", "PutItem", "DeleteItem", "Query"},
        "StripeSecretKeyParameter": {"GetParameters"},
        "SyncFailures": {"SendMessage"},
    },
    "Publish": {
        "stream of Carts": READ_STREAM,
        "stream of Orders": READ_STREAM,
        "Events": {"PutEvents"},
        "EventFailures": {"SendMessage"},
    },
}

SHOP_SETTINGS = {
    "CARTS_TABLE", "CATALOG_TABLE", "ORDERS_TABLE", "ORDER_INDEX_TABLE", "CART_TTL_DAYS", "DEFAULT_CURRENCY",
    "SHOP_LOCALE",
    "ALLOWED_ORIGINS", "COOKIE_SAME_SITE", "SYNC_MODE", "SYNC_TAG", "CATALOG_CACHE_SECONDS",
    "METRICS_NAMESPACE", "GLIBC_TUNABLES",
}  # fmt: skip
CHECKOUT_SETTINGS = {
    "CHECKOUT_PAYMENT_METHODS", "CHECKOUT_LOCALE", "CHECKOUT_BILLING_ADDRESS", "CHECKOUT_SHIPPING_COUNTRIES",
    "CHECKOUT_SHIPPING_RATES", "CHECKOUT_AUTOMATIC_TAX", "CHECKOUT_PROMOTION_CODES", "CHECKOUT_PHONE",
    "CHECKOUT_TAX_IDS", "CHECKOUT_CAPTURE", "CHECKOUT_SUBMIT_TYPE", "CHECKOUT_EXPIRES_AFTER_MINUTES",
    "CHECKOUT_SESSION_OVERRIDES",
}  # fmt: skip


def resources(stack, kind):
    return {name: body["Properties"] for name, body in stack["Resources"].items() if body["Type"] == kind}


def functions(stack):
    return resources(stack, "AWS::Lambda::Function")


def variables(function):
    return function["Environment"]["Variables"]


def binary(stack, name):
    return stack["Resources"][name]["Metadata"]["BuildProperties"]["Binary"]


def statements(role):
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def target(resource):
    """The short name of a policy's resource, which must be an ARN made of the template's own names."""
    if "Fn::GetAtt" in resource:
        name, attribute = resource["Fn::GetAtt"]
        return {"Arn": name, "StreamArn": f"stream of {name}"}[attribute]
    text = resource["Fn::Sub"]
    if found := re.fullmatch(r"\$\{(\w+)\.Arn\}(/.+)", text):
        return found[1] + found[2]
    parameter = r"arn:\$\{AWS::Partition\}:ssm:\$\{AWS::Region\}:\$\{AWS::AccountId\}:parameter\$\{(\w+)\}"
    return re.fullmatch(parameter, text)[1]


def tool(name):
    """A command beside this Python, else on the path, else where the variable of its name says."""
    path = os.environ.get(name.upper()) or shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    assert path, f"{name} is not installed: pip install it, or name it in {name.upper()}"
    return path


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# Linters
# ---------------------------------------------------------------------------------------------------------------------


def test_sam_accepts_the_template():
    code, output = run(tool("sam"), "validate", "--lint", "--template", "template.yaml")

    assert code == 0, output


def test_cloudformation_finds_no_fault_in_the_translated_stack_and_in_those_beside_it(stack_file):
    files = [str(stack_file), "docs/cloudfront.yaml", "docs/order-mail.yaml"]
    code, output = run(tool("cfn-lint"), "--non-zero-exit-code", "informational", "--", *files)

    assert code == 0, output


@pytest.mark.parametrize("which", ["written", "translated"])
def test_every_finding_of_checkov_is_accepted_with_a_reason_and_no_acceptance_is_stale(which, stack_file):
    path = {"written": ROOT / "template.yaml", "translated": stack_file}[which]
    code, output = run(
        tool("checkov"), "-f", str(path), "--framework", "cloudformation", "--skip-download", "--compact", "--soft-fail",
        "--output", "json",
    )  # fmt: skip
    assert code == 0, output

    report = json.loads(output[output.index("{") :])
    found = {(check["check_id"], check["resource"].split(".")[-1]) for check in report["results"]["failed_checks"]}

    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0
    assert found == {(check, name) for check, (_, names) in ACCEPTED.items() for name in names}


# ---------------------------------------------------------------------------------------------------------------------
# Routes
# ---------------------------------------------------------------------------------------------------------------------


def test_every_route_leads_to_its_function_behind_up_to_two_leading_segments(stack):
    paths = resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["paths"]

    found = {
        (method.upper(), path): re.search(
            r"\$\{(\w+)\.Arn\}", operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        )[1]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }

    assert found == ROUTES


def test_the_api_may_call_each_function_on_its_own_routes_only(stack):
    found = set()
    for permission in resources(stack, "AWS::Lambda::Permission").values():
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["Principal"] == "apigateway.amazonaws.com"
        arn, variables_ = permission["SourceArn"]["Fn::Sub"]
        stage, method, path = re.fullmatch(r"arn:.*:\$\{__ApiId__\}/(\$\{__Stage__\})/(\w+)(/.*)", arn).groups()
        assert variables_["__ApiId__"] == {"Ref": "Api"}
        found.add((method, path, permission["FunctionName"]["Ref"]))

    # A path parameter is a star in the ARN: it stands for the one segment.
    assert found == {(method, re.sub(r"\{\w+\}", "*", path), name) for (method, path), name in ROUTES.items()}


def test_only_the_listed_origins_get_cross_origin_answers_and_may_send_cookies(stack):
    block = resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["x-amazon-apigateway-cors"]
    condition, cors, _ = block["Fn::If"]

    assert condition == "HasAllowedOrigins"
    assert cors["allowOrigins"] == {"Ref": "AllowedOrigins"}
    assert stack["Parameters"]["AllowedOrigins"]["Type"] == "CommaDelimitedList"
    assert not re.fullmatch(stack["Parameters"]["AllowedOrigins"]["AllowedPattern"], "*")
    assert cors["allowCredentials"] is True
    assert {"GET", "HEAD", "POST", "DELETE"} <= set(cors["allowMethods"])
    sent = {"content-type", "cart-token", "shopper", "if-match", "if-none-match", "idempotency-key", "x-currency"}
    assert sent <= set(cors["allowHeaders"])
    assert cors["exposeHeaders"] == ["Cart-Token", "ETag", "Retry-After"]
    assert {"GET", "POST"} <= set(cors["allowMethods"])


def test_a_flood_of_made_up_sessions_or_events_meets_a_lower_limit_than_the_carts(stack):
    (stage,) = resources(stack, "AWS::ApiGatewayV2::Stage").values()
    parameters = stack["Parameters"]

    limits = {route: settings["ThrottlingRateLimit"]["Ref"] for route, settings in stage["RouteSettings"].items()}
    landing = {f"{method} /finish-order": "LandingRateLimit" for method in ("GET", "HEAD")}
    assert limits == {"POST /stripe/webhook": "WebhookRateLimit", **landing}
    for settings in stage["RouteSettings"].values():
        # Without a limit of its own the burst would be the account's.
        assert settings["ThrottlingBurstLimit"] == settings["ThrottlingRateLimit"]
    # Of one endpoint Stripe takes 25 requests a second. Source: https://docs.stripe.com/rate-limits
    assert parameters["LandingRateLimit"]["Default"] < 25
    assert sum(parameters[name]["Default"] for name in limits.values()) < parameters["ApiRateLimit"]["Default"]


def test_executions_are_set_aside_only_where_a_shopper_waits_for_stripe_and_only_on_request(stack):
    reserved = {
        name: function["ReservedConcurrentExecutions"]
        for name, function in functions(stack).items()
        if "ReservedConcurrentExecutions" in function
    }

    assert set(reserved) == {"Add", "Update", "Checkout", "FinishOrder"}
    for value in reserved.values():
        assert value == {"Fn::If": ["HasStripeConcurrency", {"Ref": "StripeConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert stack["Parameters"]["StripeConcurrency"]["Default"] == ""


def test_the_merchants_routes_ask_for_a_signature_and_no_others_do(stack):
    body = resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]
    signed = {
        (method.upper(), path)
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
        if operation.get("security") == [{"AWS_IAM": []}]
    }

    assert "security" not in body
    assert signed == {route for route in ROUTES if route[1].startswith("/admin/")}
    assert len([key for path in body["paths"].values() for key in path.values() if "security" in key]) == len(signed)
    # Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    assert body["components"]["securitySchemes"]["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_a_domain_takes_the_place_of_the_address_that_aws_gives(stack):
    body = resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]
    (server,) = body["servers"]
    conditions = {
        name: stack["Resources"][name]["Condition"] for name in ("Domain", "DomainMapping", "DomainRecord")
    }

    assert server["x-amazon-apigateway-endpoint-configuration"] == {
        "disableExecuteApiEndpoint": {"Fn::If": ["HasDomain", True, False]}
    }
    assert conditions == {"Domain": "HasDomain", "DomainMapping": "HasDomain", "DomainRecord": "HasHostedZone"}
    mapping = resources(stack, "AWS::ApiGatewayV2::ApiMapping")["DomainMapping"]
    assert mapping["Stage"] == {"Ref": next(iter(resources(stack, "AWS::ApiGatewayV2::Stage")))}
    assert "ApiMappingKey" not in mapping


def test_the_parser_of_api_gateway_finds_nothing_to_complain_of(stack, tmp_path):
    """API Gateway reads the API's definition with Swagger Parser, which is in this tool."""
    body = resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]
    given = {"AWS::StackName": "shop", "AWS::Partition": "aws", "AWS::Region": "us-east-1"}

    def resolved(node):
        match node:
            case {"Ref": name}:
                return given[name]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([\w:.]+)\}", lambda match: given.get(match[1], match[1]), text)
            case {"Fn::If": [_, _, otherwise]}:
                return None if otherwise == {"Ref": "AWS::NoValue"} else otherwise
            case dict():
                return {key: resolved(value) for key, value in node.items()}
            case list():
                return [resolved(item) for item in node]
        return node

    def complaints(definition):
        file = tmp_path / "api.json"
        file.write_text(json.dumps(definition))
        code, output = run(tool("openapi-generator-cli"), "validate", "--recommend", "-i", str(file))
        return (code, re.findall(r"^\s*-\s*(.*)", output, re.M))

    definition = resolved(body)
    assert complaints(definition) == (0, [])
    # It does complain of what SAM declares by itself.
    del definition["paths"]["/orders/{number}"]["get"]["parameters"][0]["schema"]
    code, found = complaints(definition)
    assert code != 0
    assert found


def test_requests_are_throttled_and_logged_without_queries_headers_paths_or_addresses(stack):
    (stage,) = resources(stack, "AWS::ApiGatewayV2::Stage").values()

    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"]
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"]
    log = json.loads(stage["AccessLogSettings"]["Format"])
    # Whose signature a request bears is known of signed ones alone, which are the merchant's.
    # Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
    assert set(log.values()) == {
        "$context.requestTime", "$context.requestId", "$context.routeKey", "$context.status",
        "$context.responseLatency", "$context.responseLength", "$context.integrationStatus",
        "$context.integrationLatency", "$context.integrationErrorMessage", "$context.identity.userArn",
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------------------------------------


def test_one_name_per_endpoint_for_resource_binary_folder_and_event(stack):
    names = {name: binary(stack, name) for name in functions(stack)}

    assert set(names) == set(PERMISSIONS)
    for name, binary_ in names.items():
        assert "".join(word.capitalize() for word in binary_.split("-")) == name
        assert (ROOT / "functions" / binary_).is_dir()
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == set(names.values())


def test_each_event_would_be_routed_to_its_function(stack):
    for name in set(ROUTES.values()):
        event = json.loads((ROOT / "events" / f"{binary(stack, name)}.json").read_text())
        called = event["requestContext"]["http"]
        own = [route for route, function in ROUTES.items() if function == name and not route[1].startswith("/{")]

        assert event["version"] == "2.0"
        assert called["path"] == event["rawPath"]
        assert [
            route
            for method, route in own
            if method == called["method"] and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), event["rawPath"])
        ]


def test_every_function_is_an_arm_binary_with_its_own_log_group(stack):
    groups = resources(stack, "AWS::Logs::LogGroup")

    for name, function in functions(stack).items():
        assert function["Runtime"] == "provided.al2023"
        assert function["Architectures"] == ["arm64"]
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}Logs"}
        assert f"{name}Logs" in groups


def test_no_function_outlives_the_answer_the_api_waits_for(stack):
    for name, function in functions(stack).items():
        assert function["Timeout"] < 30 or name == "Sync"


def test_every_log_group_is_kept_for_a_chosen_time(stack):
    for group in resources(stack, "AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


# ---------------------------------------------------------------------------------------------------------------------
# Permissions and secrets
# ---------------------------------------------------------------------------------------------------------------------


def test_every_function_has_a_role_of_its_own(stack):
    roles = {name: function["Role"]["Fn::GetAtt"] for name, function in functions(stack).items()}

    assert roles == {name: [f"{name}Role", "Arn"] for name in PERMISSIONS}


def test_every_function_may_do_exactly_what_it_needs(stack):
    roles = resources(stack, "AWS::IAM::Role")

    for name, expected in PERMISSIONS.items():
        found = {}
        for statement in statements(roles[f"{name}Role"]):
            assert statement["Effect"] == "Allow"
            for resource in as_list(statement["Resource"]):
                actions = {action.split(":")[1] for action in as_list(statement["Action"])}
                found.setdefault(target(resource), set()).update(actions)
        assert found == expected, name


def test_a_boundary_reaches_every_role(stack):
    roles = resources(stack, "AWS::IAM::Role")
    boundary = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}

    assert set(roles) == {f"{name}Role" for name in [*PERMISSIONS, "SyncTimer"]}
    for name, role in roles.items():
        assert role["PermissionsBoundary"] == boundary, name


def test_no_policy_has_a_wildcard_and_the_only_managed_one_writes_logs(stack):
    for role in resources(stack, "AWS::IAM::Role").values():
        for statement in statements(role):
            assert "*" not in json.dumps(statement)
            assert not {"NotAction", "NotResource"} & set(statement)
        for arn in role.get("ManagedPolicyArns", []):
            assert arn.endswith(":aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert not resources(stack, "AWS::IAM::Policy")
    assert not resources(stack, "AWS::IAM::ManagedPolicy")


def test_traces_are_written_only_where_they_were_asked_for(source, stack):
    assert not [name for name, function in functions(stack).items() if "TracingConfig" in function]

    assert stack["Conditions"][stack["Outputs"]["TracesUrl"]["Condition"]] == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]}

    traced = translated(source, Tracing="Active")

    for name, function in functions(traced).items():
        assert function["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
        managed = resources(traced, "AWS::IAM::Role")[f"{name}Role"]["ManagedPolicyArns"]
        assert [arn.rsplit("/")[-1] for arn in managed] == ["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"]


@pytest.mark.parametrize("parameter", ["StripeSecretKeyParameter", "StripeWebhookSecretParameter"])
def test_a_secrets_name_reaches_only_the_functions_that_may_read_it(stack, parameter):
    setting = {
        "StripeSecretKeyParameter": "STRIPE_SECRET_KEY_PARAMETER",
        "StripeWebhookSecretParameter": "STRIPE_WEBHOOK_SECRET_PARAMETER",
    }[parameter]

    told = {name for name, function in functions(stack).items() if setting in variables(function)}

    assert told == {name for name, permissions in PERMISSIONS.items() if parameter in permissions}
    for name in told:
        assert variables(functions(stack)[name])[setting] == {"Ref": parameter}


def test_no_secret_is_in_the_template(stack):
    for function in functions(stack).values():
        assert not {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"} & set(variables(function))
    assert not re.search(r"(sk|rk)_(test|live)_|whsec_", json.dumps(stack))


# ---------------------------------------------------------------------------------------------------------------------
# Settings
# ---------------------------------------------------------------------------------------------------------------------


def test_every_function_has_the_shops_settings_and_only_checkout_has_those_of_sessions(stack):
    for name, function in functions(stack).items():
        found = set(variables(function))

        assert SHOP_SETTINGS <= found
        assert {setting for setting in found if setting.startswith("CHECKOUT_")} == (
            CHECKOUT_SETTINGS if name == "Checkout" else set()
        )
        assert ("SHOP_ID" in found) == (name in {"Checkout", "FinishOrder", "StripeWebhook", "Sync"})
        assert ("PUBLIC_URL" in found) == (name == "Checkout")
        assert ("SUCCESS_URL" in found) == (name == "FinishOrder")
        assert ("CANCEL_URL" in found) == (name in {"Checkout", "FinishOrder"})
        assert ({"EVENT_BUS", "EVENT_FAILURES_QUEUE"} & found != set()) == (name == "Publish")


def test_every_setting_comes_from_the_parameter_of_its_name(stack):
    for function in functions(stack).values():
        for setting, value in variables(function).items():
            if setting.endswith("_TABLE"):
                assert value == {"Ref": setting.removesuffix("_TABLE").title().replace("_", "")}
                continue
            if setting == "METRICS_NAMESPACE":
                assert value == NAMESPACE
                continue
            if setting == "GLIBC_TUNABLES":
                assert value == "glibc.malloc.tcache_count=200"
                continue
            if setting in ("EVENT_BUS", "EVENT_FAILURES_QUEUE"):
                assert value == {"Ref": {"EVENT_BUS": "Events", "EVENT_FAILURES_QUEUE": "EventFailures"}[setting]}
                continue
            if setting == "SHOP_ID":
                default = {"Fn::Sub": "${AWS::AccountId}-${AWS::Region}-${AWS::StackName}"}
                assert value == {"Fn::If": ["HasShopId", {"Ref": "ShopId"}, default]}
                assert stack["Outputs"]["ShopId"]["Value"] == value
                continue
            parameter = "".join(word.capitalize() for word in setting.split("_"))
            assert value in ({"Ref": parameter}, {"Fn::Join": [",", {"Ref": parameter}]})


def test_every_parameter_is_described_grouped_used_and_has_a_default_that_fits(stack):
    grouped = [
        name
        for group in stack["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]

    assert sorted(grouped) == sorted(stack["Parameters"])
    without_default = set()
    for name, parameter in stack["Parameters"].items():
        assert parameter["Description"]
        if "Default" not in parameter:
            without_default.add(name)
        elif "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"]), name
        elif "AllowedValues" in parameter:
            assert parameter["Default"] in parameter["AllowedValues"], name
        if name.startswith("Checkout"):
            assert parameter["Default"] == "", f"{name}: blank is unset"
    assert without_default == {
        "SuccessUrl", "CancelUrl", "AllowedOrigins", "StripeSecretKeyParameter", "StripeWebhookSecretParameter",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("AllowedOrigins", ["https://shop.example", "http://localhost:8080"], ["shop.example", "https://a.example/", "*"]),
        ("SuccessUrl", ["https://shop.example/thanks/{number}?x=1"], ["", "/thanks", "https://a b"]),
        ("ShopId", ["", "shop-1", "123456789012-eu-central-1-cart,old_id"], ["a b", "a,", ",a", "a, b", "ä"]),
        ("PublicUrl", ["", "https://api.shop.example", "https://shop.example/api"], ["https://a.example/", "api"]),
        ("CheckoutPaymentMethods", ["card", "card,sepa_debit"], ["card,", "Card"]),
        ("CheckoutLocale", ["auto", "de", "fil", "pt-BR", "es-419", "zh-HK"], ["automatic", "de_DE"]),
        ("CheckoutShippingCountries", ["US", "US,CA", "US, CA"], ["us", "US,", "USA"]),
        ("CheckoutShippingRates", ["shr_1", "shr_1,shr_2"], ["x", ",".join(["shr_1"] * 6)]),
        ("CheckoutExpiresAfterMinutes", ["30", "99", "100", "1439", "1440"], ["29", "1441", "0", "030", "9999"]),
        ("CheckoutSessionOverrides", ["{}", ' {"a":{"b":null}}\n'], ["[]", "a"]),
        ("DomainName", ["", "api.shop.example", "xn--br-1ia.example"], ["https://a.example", "A.example", "a.example/x", "a"]),
        (
            "DomainCertificateArn",
            ["", "arn:aws:acm:eu-central-1:123456789012:certificate/5f9f-1"],
            ["5f9f-1", "arn:aws:iam::123456789012:server-certificate/x"],
        ),
        ("DomainHostedZoneId", ["", "Z0123456789ABC"], ["shop.example", "/hostedzone/Z1", "z1"]),
        ("StripeConcurrency", ["", "1", "50"], ["0", "-1", "1.5", "ten"]),
        ("StripeSecretKeyParameter", ["/cartwright/stripe-secret-key", "/key"], ["key", "/a/", "/a*", "sk_test_1"]),
        ("SyncSchedule", ["rate(1 hour)", "cron(0 4 * * ? *)"], ["hourly", "rate()"]),
        ("SyncTag", ["enupal-sync", "enupal_sync"], ["", "a b", "a[b]"]),
        ("DefaultCurrency", ["usd"], ["USD", "us"]),
        ("ShopLocale", ["en-US", "de", "zh-Hant-TW"], ["", "en_US"]),
        ("AlarmTopicArn", ["", "arn:aws:sns:eu-central-1:123456789012:alarms"], ["alarms", "arn:aws:sqs:a:123456789012:b"]),
        (
            "PermissionsBoundaryArn",
            ["", "arn:aws:iam::123456789012:policy/boundaries/shops", "arn:aws:iam::aws:policy/PowerUserAccess"],
            ["shops", "arn:aws:iam::123456789012:role/shops", "arn:aws:iam::123456789012:policy/"],
        ),
    ],
)
def test_a_malformed_parameter_stops_the_deployment(stack, parameter, good, bad):
    pattern = stack["Parameters"][parameter]["AllowedPattern"]

    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


# ---------------------------------------------------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------------------------------------------------


def keys(schema):
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def test_carts_expire_by_themselves(stack):
    carts = resources(stack, "AWS::DynamoDB::Table")["Carts"]

    assert carts["TimeToLiveSpecification"] == {"AttributeName": "exp", "Enabled": True}
    assert keys(carts["KeySchema"]) == {"HASH": "number"}


def test_the_catalogue_is_listed_by_kind(stack):
    catalog = resources(stack, "AWS::DynamoDB::Table")["Catalog"]
    (index,) = catalog["GlobalSecondaryIndexes"]

    assert keys(catalog["KeySchema"]) == {"HASH": "id"}
    assert index["IndexName"] == "by_kind"
    assert keys(index["KeySchema"]) == {"HASH": "kind", "RANGE": "id"}
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_orders_are_kept_restorable_and_encrypted(stack):
    table = stack["Resources"]["Orders"]
    orders = table["Properties"]

    assert keys(orders["KeySchema"]) == {"HASH": "number"}
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert orders["DeletionProtectionEnabled"] is True
    assert orders["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert orders["SSESpecification"] == {"SSEEnabled": True}
    assert "TimeToLiveSpecification" not in orders


def test_tables_cost_nothing_without_shoppers(stack):
    for table in resources(stack, "AWS::DynamoDB::Table").values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_a_failed_sync_ends_in_the_queue_whether_it_was_delivered_or_not(stack):
    queue = {"Fn::GetAtt": ["SyncFailures", "Arn"]}
    (schedule,) = resources(stack, "AWS::Scheduler::Schedule").values()

    assert functions(stack)["Sync"]["DeadLetterConfig"] == {"TargetArn": queue}
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": queue}
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["Sync", "Arn"]}
    assert schedule["ScheduleExpression"] == {"Ref": "SyncSchedule"}
    assert resources(stack, "AWS::SQS::Queue")["SyncFailures"]["SqsManagedSseEnabled"] is True


# The longest name that CloudFormation lets a stack have, and an id of its kind.
# Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
LONGEST = "s" + 127 * "x"
STACK_ID = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{LONGEST}/51af3dc0-da77-11e4-872e-1234567db123"

# The longest names of what is named after the stack, and the characters that they may have.
# Sources: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
NAMED = {
    ("AWS::Scheduler::Schedule", "Name"): r"[0-9a-zA-Z-_.]{1,64}",
    ("AWS::CloudWatch::Dashboard", "DashboardName"): r"[0-9a-zA-Z-_]{1,255}",
    ("AWS::Events::EventBus", "Name"): r"[/.\-_A-Za-z0-9]{1,256}",
    ("AWS::Logs::LogGroup", "LogGroupName"): r"[.\-_/#A-Za-z0-9]{1,512}",
}


def named(value, **pseudo):
    """A name as CloudFormation makes it for a stack, of the functions that the template uses for names."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return pseudo[name.removeprefix("AWS::")]
        case {"Fn::Split": [mark, text]}:
            return named(text, **pseudo).split(mark)
        case {"Fn::Select": [index, items]}:
            return named(items, **pseudo)[int(index)]
        case {"Fn::Sub": [text, variables]}:
            found = {name: named(variable, **pseudo) for name, variable in variables.items()}
        case {"Fn::Sub": text}:
            found = {f"AWS::{name}": replacement for name, replacement in pseudo.items()}
    return re.sub(r"\$\{([\w:]+)\}", lambda match: found[match[1]], text)


def test_stacks_in_an_account_have_names_of_their_own_and_none_is_too_long(stack):
    """A dashboard's name is its account's, the others are a region's."""
    one = {"StackName": LONGEST, "StackId": STACK_ID, "Region": "us-east-1"}
    other = {"StackName": "shop", "StackId": STACK_ID.replace("51af", "0000"), "Region": "us-east-1"}
    elsewhere = {**one, "StackId": STACK_ID.replace("51af", "1111"), "Region": "ap-southeast-2"}
    for (kind, key), allowed in NAMED.items():
        given = {name: properties[key] for name, properties in resources(stack, kind).items() if key in properties}
        assert given, kind
        for name, value in given.items():
            assert re.fullmatch(allowed, named(value, **one)), name
            assert named(value, **one) != named(value, **other), name
            if kind == "AWS::CloudWatch::Dashboard":
                assert named(value, **one) != named(value, **elsewhere), name


def test_no_other_resource_has_a_name_that_another_stack_could_have(stack):
    """CloudFormation names what has no name after the stack, as long as it may be."""
    names = {
        (body["Type"], key)
        for body in stack["Resources"].values()
        for key in body.get("Properties", {})
        if re.fullmatch(r"(\w*Name|Name)", key) and isinstance(body["Properties"][key], dict)
    }

    references = {("AWS::Lambda::Permission", "FunctionName"), ("AWS::Lambda::EventSourceMapping", "FunctionName"),
                  ("AWS::Logs::MetricFilter", "LogGroupName")}  # fmt: skip
    domain = {("AWS::ApiGatewayV2::DomainName", "DomainName"), ("AWS::ApiGatewayV2::ApiMapping", "DomainName"),
              ("AWS::Route53::RecordSet", "Name")}  # fmt: skip
    assert names - references - domain == set(NAMED)


def test_the_outputs_say_what_to_use_and_what_to_register_at_stripe(stack):
    assert set(stack["Outputs"]) == {
        "ApiUrl", "AdminUrl", "WebhookUrl", "SyncFunction", "CartsTable", "CatalogTable", "OrdersTable", "OrderIndexTable",
        "EventBus", "DashboardUrl", "TracesUrl", "ShopId", "DomainTarget",
    }  # fmt: skip
    api = stack["Outputs"]["ApiUrl"]["Value"]
    assert stack["Outputs"]["WebhookUrl"]["Value"]["Fn::Sub"] == ["${Base}/stripe/webhook", {"Base": api}]
    own = {"Fn::If": ["HasDomain", {"Fn::Sub": "https://${DomainName}"}, {"Fn::GetAtt": ["Api", "ApiEndpoint"]}]}
    assert api == {"Fn::If": ["HasPublicUrl", {"Ref": "PublicUrl"}, own]}
    # What is signed names the host that API Gateway sees, which is not that of a CloudFront in front.
    # Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    assert stack["Outputs"]["AdminUrl"]["Value"] == own


# ---------------------------------------------------------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------------------------------------------------------

MAPPINGS = {"PublishOrders": "Orders", "PublishCarts": "Carts"}


def test_what_is_written_is_told_from_the_streams_of_the_tables_and_by_nothing_else(stack):
    mappings = resources(stack, "AWS::Lambda::EventSourceMapping")
    tables = resources(stack, "AWS::DynamoDB::Table")

    assert {name: mapping["EventSourceArn"]["Fn::GetAtt"] for name, mapping in mappings.items()} == {
        name: [table, "StreamArn"] for name, table in MAPPINGS.items()
    }
    for table in MAPPINGS.values():
        assert tables[table]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
        # "No more than two processes should be reading from the same shard at the same time."
        assert list(MAPPINGS.values()).count(table) <= 2
    for mapping in mappings.values():
        assert mapping["FunctionName"] == {"Ref": "Publish"}
    telling = {name for name, role in resources(stack, "AWS::IAM::Role").items() if "events:" in json.dumps(list(statements(role)))}
    assert telling == {"PublishRole"}


def test_nothing_reads_the_streams_unless_events_are_wanted(stack):
    """The streams and the bus stay, so that switching over replaces and loses nothing."""
    conditional = {name for name, body in stack["Resources"].items() if body.get("Condition") == "HasEventPipes"}

    assert stack["Parameters"]["EventPipes"]["Default"] == "NONE"
    assert set(stack["Parameters"]["EventPipes"]["AllowedValues"]) == {"NONE", "RUNNING", "STOPPED"}
    assert stack["Conditions"]["HasEventPipes"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EventPipes"}, "NONE"]}]}
    assert stack["Conditions"]["PublishesEvents"] == {"Fn::Equals": [{"Ref": "EventPipes"}, "RUNNING"]}
    assert conditional == {*MAPPINGS, "EventsFailing"}
    for mapping in resources(stack, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["Enabled"] == {"Fn::If": ["PublishesEvents", True, False]}


def record(kind, item):
    """A record of a table's stream.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    change = {"Keys": {"number": item["number"]}, "StreamViewType": "NEW_IMAGE", "SequenceNumber": "1"}
    if kind != "REMOVE":
        change["NewImage"] = item
    return {"eventName": kind, "eventSource": "aws:dynamodb", "dynamodb": change}


def order(**attributes):
    item = {
        "number": {"S": "55a109cdfba5b6648676ee8c21e22322"}, "f": {"N": "1"}, "status": {"S": "paid"},
        "refunded": {"N": "0"}, "cart": {"S": "be624de5585e915534aa0a3d4297a244"}, "session": {"S": "cs_1"},
        "currency": {"S": "usd"}, "total": {"N": "6400"}, "order": {"S": "{}"},
    }  # fmt: skip
    return item | attributes


CART = {"number": {"S": "be624de5585e915534aa0a3d4297a244"}, "v": {"N": "1"}, "q": {"M": {}}}
NOTE = {
    "number": {"S": "abandoned-cs_1"}, "session": {"S": "cs_1"}, "cart": {"S": "be624de5585e915534aa0a3d4297a244"},
    "recovery_url": {"S": ""},
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "written", "passes"),
    [
        ("Orders", record("INSERT", order(event={"S": "order.paid"})), True),
        ("Orders", record("INSERT", order(status={"S": "awaiting_payment"})), True),
        ("Orders", record("INSERT", order(restored={"S": "2026-11-22T12:00:00Z"})), True),
        ("Orders", record("MODIFY", order(restored={"S": "x"}, event={"S": "order.refunded"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.paid"})), True),
        ("Orders", record("MODIFY", order(event={"S": "payment.failed"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.refunded"})), True),
        ("Orders", record("INSERT", order(event={"S": "order.authorized"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.canceled"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.refund_failed"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.disputed"})), True),
        ("Orders", record("MODIFY", order(event={"S": "order.dispute_closed"})), True),
        ("Orders", record("MODIFY", order()), False),
        ("Orders", record("REMOVE", order()), False),
        ("Carts", record("INSERT", CART), False),
        ("Carts", record("MODIFY", CART), False),
        ("Carts", record("REMOVE", CART), False),
        ("Carts", record("INSERT", NOTE), True),
        ("Carts", record("REMOVE", NOTE), False),
    ],
)
def test_the_function_is_called_for_records_that_tell_something_and_for_no_others(stack, table, written, passes):
    """Which events it makes of them is tested in tests/end_to_end/published.rs."""
    (name,) = [name for name, of in MAPPINGS.items() if of == table]
    filters = resources(stack, "AWS::Lambda::EventSourceMapping")[name]["FilterCriteria"]["Filters"]

    # A mapping has five filters at most.
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    assert len(filters) <= 5
    passed = any(
        EventPattern(pattern, EventPatternParser(pattern).parse()).matches_event(written)
        for pattern in (filter_["Pattern"] for filter_ in filters)
    )

    assert passed is passes


def test_what_the_function_does_not_come_to_is_in_the_queue_before_the_stream_forgets_it(stack):
    """What it comes to is there after an hour: tests/end_to_end/published.rs."""
    for mapping in resources(stack, "AWS::Lambda::EventSourceMapping").values():
        assert set(mapping) == {
            "FunctionName", "EventSourceArn", "Enabled", "FilterCriteria", "StartingPosition", "BatchSize",
            "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "FunctionResponseTypes",
            "DestinationConfig",
        }  # fmt: skip
        # What was written while no mapping was there is told.
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        # A bus takes ten events at once.
        # Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        assert mapping["BatchSize"] <= 10
        assert mapping["MaximumRetryAttempts"] == -1
        # A stream remembers a day. What is older than this is not even tried.
        # Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
        assert 23 * 60 * 60 <= mapping["MaximumRecordAgeInSeconds"] < 24 * 60 * 60
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": ["EventFailures", "Arn"]}}}


# ---------------------------------------------------------------------------------------------------------------------
# Alarms
# ---------------------------------------------------------------------------------------------------------------------


def test_every_alarm_notifies_the_topic_if_there_is_one(stack):
    alarms = resources(stack, "AWS::CloudWatch::Alarm")
    topic = [{"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]}]

    for alarm in alarms.values():
        assert alarm["AlarmDescription"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == topic
    # Where nothing happens, nothing is written: only of the sync no data is a bad sign.
    breaching = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] != "notBreaching"}
    assert breaching == {"SyncStopped"}


def test_alarms_and_dashboard_look_at_metrics_that_the_functions_write(stack):
    source = (ROOT / "shared/tally/src/lib.rs").read_text()
    filters = resources(stack, "AWS::Logs::MetricFilter")
    written = set(re.findall(r'=> "(\w+)",', source)) | set(filters)
    body, variables = resources(stack, "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    events_alarm = variables["EventsAlarm"]["Fn::If"]

    shown = set(re.findall(r'"Cartwright/\$\{AWS::StackName\}", "(\w+)"', body))

    assert shown == written
    for name, filter_ in filters.items():
        (transformation,) = filter_["MetricTransformations"]
        assert (transformation["MetricNamespace"], transformation["MetricName"]) == (NAMESPACE, name)
    assert events_alarm == ["HasEventPipes", {"Fn::Sub": ', "${EventsFailing.Arn}"'}, ""]
    for events in (events_alarm[1]["Fn::Sub"], events_alarm[2]):
        text = body.replace("${EventsAlarm}", events)
        alarms = set(re.findall(r'"\$\{(\w+)\.Arn\}"', text))
        wanted = set(resources(stack, "AWS::CloudWatch::Alarm")) - (set() if events else {"EventsFailing"})
        assert alarms == wanted
        assert len(json.loads(re.sub(r"\$\{[^}]+\}", "x", text))["widgets"]) == 7


def test_the_link_for_stripes_key_asks_for_the_rights_that_the_guide_lists():
    guide = (ROOT / "docs" / "deploy.md").read_text()
    (link,) = re.findall(r"\((https://dashboard\.stripe\.com/apikeys/create\S+)\)", guide)
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)
    table = re.findall(r"^\| .* \| (?:read|write) \| .* \| (.*) \|$", guide, re.M)

    assert asked["name"] == ["Cartwright"]
    assert sorted(asked["permissions[]"]) == sorted(re.findall(r"`(\w+)`", " ".join(table)))


def test_every_alarm_is_explained_in_the_operators_guide(stack):
    guide = (ROOT / "docs/operate.md").read_text()

    for name in resources(stack, "AWS::CloudWatch::Alarm"):
        assert f"`{name}`" in guide, name
