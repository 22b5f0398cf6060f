"""Releases of a stack with the patch for gradual deployment."""

import boto3
import documents
from stack import ROOT, Shopper


def test_a_setting_is_live_with_the_next_release(gradual):
    first = gradual.live()
    gradual.release(number=False, CartTtlDays="8")
    same = gradual.live()
    gradual.release(CartTtlDays="8")
    second = gradual.live()

    def settings(versions):
        return {function["Environment"]["Variables"]["CART_TTL_DAYS"] for function in versions}

    assert len(first) == len(second) == 12
    # Why each deployment has a number: the setting of before goes on.
    assert settings(first) == settings(same) == {"7"}
    assert settings(second) == {"8"}
    assert Shopper(gradual).cart()["item_count"] == 0


def test_the_api_calls_what_is_live(gradual):
    routes = boto3.client("apigatewayv2").get_integrations(ApiId=gradual.resources()["Api"])["Items"]

    called = {route["IntegrationUri"].split("/invocations")[0].split(":")[-1] for route in routes}
    assert called == {"live"}


def test_every_role_has_the_boundary_also_that_of_the_releases(gradual, boundary):
    iam, physical = boto3.client("iam"), gradual.resources()
    roles = {name: iam.get_role(RoleName=physical[name])["Role"] for name in physical if name.endswith("Role")}

    assert "ReleaseRole" in roles
    assert {role["PermissionsBoundary"]["PermissionsBoundaryArn"] for role in roles.values()} == {boundary}


def test_the_patch_is_taken_back_after_releases(gradual):
    documents.run("pipeline.md", "git apply --reverse", gradual.checkout, meant={})

    assert (gradual.checkout / "template.yaml").read_bytes() == (ROOT / "template.yaml").read_bytes()
    gradual.release(number=False)

    routes = boto3.client("apigatewayv2").get_integrations(ApiId=gradual.resources()["Api"])["Items"]
    assert not [route for route in routes if ":live" in route["IntegrationUri"]]
    assert Shopper(gradual).cart()["item_count"] == 0
