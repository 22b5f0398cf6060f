"""A stack that a stranger deploys, asked for every parameter; its domain; and parameters that are wrong."""

import json
import re
import subprocess

import boto3
import documents
import merchant
import pytest
from samtranslator.yaml_helper import yaml_parse
from stack import ROOT, Shopper

# Deploys nothing, since each is refused.
REFUSED = {
    "CartTtlDays": ({"CartTtlDays": "366"}, "CartTtlDays"),
    "SuccessUrl": ({"SuccessUrl": "shop.example/thanks"}, "SuccessUrl"),
    "AllowedOrigins": ({"AllowedOrigins": "https://shop.example/"}, "AllowedOrigins"),
    "CheckoutLocale": ({"CheckoutLocale": "de_DE"}, "CheckoutLocale"),
    "StripeConcurrency": ({"StripeConcurrency": "0"}, "StripeConcurrency"),
    "a secret that is not there": (
        {"StripeSecretKeyParameter": "/cartwright/none"},
        "/cartwright/none for StripeSecretKeyParameter does not exist",
    ),
    "one secret twice": (
        {"StripeWebhookSecretParameter": "/cartwright/stripe-secret-key"},
        "StripeSecretKeyParameter and StripeWebhookSecretParameter must name different parameters",
    ),
    "a domain without a certificate": ({"DomainName": "api.shop.example"}, "DomainName needs DomainCertificateArn"),
    "a certificate without a domain": (
        {"DomainCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1"},
        "DomainCertificateArn needs DomainName",
    ),
    "a zone without a domain": ({"DomainHostedZoneId": "Z1"}, "DomainHostedZoneId needs DomainName"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_wrong_parameter_stops_the_deployment_and_is_named(stack, case):
    parameters, words = REFUSED[case]
    before = stack.resources()

    with pytest.raises(AssertionError, match=words):
        stack.deploy(**parameters)

    assert stack.resources() == before


def test_a_stranger_is_asked_and_presses_enter(guided, shop):
    assert guided.asked[0] == "Stack Name"
    assert not [question for question in guided.asked if "authentication" in question]
    assert Shopper(guided).cart()["item_count"] == 0
    # Nothing that git keeps was written.
    assert guided.written == {"samconfig.toml"}
    for file in ("samconfig.toml", "shop.toml", "shop-staging.toml"):
        subprocess.run(["git", "check-ignore", "--quiet", file], cwd=ROOT, check=True)
    assert subprocess.run(["git", "check-ignore", "--quiet", "shop.example.toml"], cwd=ROOT).returncode == 1


def test_the_commented_sample_has_every_answer_that_a_deployment_needs():
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    sample = (ROOT / "shop.example.toml").read_text()
    block = sample[sample.index("[default.deploy.parameters.parameter_overrides]") :]
    given = set(re.findall(r"^(\w+) = ", block, re.M))
    suggested = set(re.findall(r"^# (\w+) = ", block, re.M))

    assert given == {name for name, parameter in parameters.items() if "Default" not in parameter}
    assert suggested < set(parameters) - given


def test_a_domain_leads_to_the_api_and_takes_its_place(guided):
    zone = boto3.client("route53").create_hosted_zone(Name="shop.example", CallerReference="1")["HostedZone"]["Id"]
    certificate = boto3.client("acm").request_certificate(DomainName="api.shop.example")["CertificateArn"]

    guided.deploy(
        DomainName="api.shop.example",
        DomainCertificateArn=certificate,
        DomainHostedZoneId=zone.removeprefix("/hostedzone/"),
    )

    outputs = guided.outputs()
    (mapping,) = boto3.client("apigatewayv2").get_api_mappings(DomainName="api.shop.example")["Items"]
    records = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = [record for record in records if record["Type"] == "A"]
    assert (outputs["ApiUrl"], outputs["AdminUrl"], outputs["WebhookUrl"]) == (
        "https://api.shop.example", "https://api.shop.example", "https://api.shop.example/stripe/webhook",
    )  # fmt: skip
    assert mapping["ApiId"] == guided.resources()["Api"]
    assert record["AliasTarget"]["DNSName"].rstrip(".") == outputs["DomainTarget"]


def test_cloudfront_and_a_rate_rule_stand_in_front_of_the_api(catalogue, shop):
    host = catalogue.output("ApiUrl").split("://")[1].split(":")[0]

    documents.run("deploy.md", "aws cloudformation deploy", shop, meant={"<host of ApiUrl>": host})

    cloudformation = boto3.client("cloudformation")
    (edge,) = cloudformation.describe_stacks(StackName="cartwright-edge")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in edge["Outputs"]}
    assert outputs["Url"] == f"https://{outputs['Target']}"
    cloudformation.delete_stack(StackName="cartwright-edge")


def test_a_topic_for_alarms_is_made_and_subscribed(stack, shop):
    topic = documents.run("deploy.md", "topic=", shop, meant={"<address>": "ann@shop.example"}).strip()

    (subscription,) = boto3.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ann@shop.example")
    pattern = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["AlarmTopicArn"]["AllowedPattern"]
    assert re.fullmatch(pattern, topic)
