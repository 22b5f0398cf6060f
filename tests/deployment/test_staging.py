"""A second stack beside the first one, in the same account and for the same Stripe account."""

import json

import boto3
from conftest import STAGING
from stack import Shopper
from stripe import order_number, wait_for


def buy(stack, stripe):
    """Buys on a stack; the session, once every endpoint has heard of it."""
    shopper = Shopper(stack)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.press(session, "pay")
    for url in stripe.endpoints:
        wait_for(lambda url=url: stripe.of(url, session))
    return session


def test_the_stacks_share_nothing(stack, staging):
    shared = set(stack.resources().values()) & set(staging.resources().values())

    # Both APIs have the stage that needs no name in a path.
    assert shared == {"$default"}


def test_the_boundary_is_every_roles_of_the_stack_that_has_one(stack, staging):
    def bounded(stack):
        roles = [physical for name, physical in stack.resources().items() if name.endswith("Role")]
        assert len(roles) == 13
        described = [boto3.client("iam").get_role(RoleName=role)["Role"] for role in roles]
        return {
            role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "").split("/")[-1] for role in described
        }

    assert (bounded(stack), bounded(staging)) == ({""}, {"cartwright-boundary"})


def test_each_stack_sees_its_own_orders_only(catalogue, staging, stripe):
    for here, there in ((catalogue, staging), (staging, catalogue)):
        session = buy(here, stripe)

        (heard,) = stripe.of(there.output("WebhookUrl"), session)
        assert (heard.status, json.loads(heard.text)["handled"]) == (200, False)
        assert here.order(order_number(session)).ok()["status"] == "paid"
        assert there.order(order_number(session)).status == 404
        # The cart is not known there either, so Stripe is not asked.
        assert Shopper(there).land(session).endswith("?payment=pending")
        assert there.order(order_number(session)).status == 404


def test_a_cart_of_one_stack_is_unknown_to_the_other(catalogue, staging):
    shopper = Shopper(catalogue)
    shopper.add("price_mug")

    assert Shopper(staging, shopper.token).cart()["item_count"] == 0


def test_a_sync_leaves_the_orders_of_the_other_stack_alone(catalogue, staging):
    assert staging.sync()["repaired"] == 0
    assert catalogue.sync()["repaired"] == 0


def test_a_changed_parameter_takes_effect_and_the_others_stay(staging):
    before = staging.resources()

    staging.deploy(AllowedOrigins="https://staging.example")

    def allowed(origin):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = staging.send("OPTIONS", "/cart/add", headers=headers)
        return answer.headers.get("access-control-allow-origin")

    checkout = boto3.client("lambda").get_function_configuration(FunctionName=before["Checkout"])
    assert checkout["Environment"]["Variables"]["STRIPE_SECRET_KEY_PARAMETER"] == STAGING["StripeSecretKeyParameter"]
    assert staging.resources() == before
    assert allowed("https://staging.example") == "https://staging.example"
    assert allowed("https://shop.example") is None
    assert Shopper(staging).add("price_mug")["item_count"] == 1


def test_a_session_of_an_earlier_shop_id_makes_no_order(staging, stripe):
    """The id was changed without listing the earlier one, which the guide warns of."""
    shopper = Shopper(staging)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")
    functions = boto3.client("lambda")
    checkout = staging.resources()["Checkout"]
    variables = functions.get_function_configuration(FunctionName=checkout)["Environment"]["Variables"]
    changed = {"Variables": {**variables, "SHOP_ID": "another"}}
    functions.update_function_configuration(FunctionName=checkout, Environment=changed)

    shopper.send("POST", "/cart/checkout")

    assert staging.order(order_number(session)).status == 404
    functions.update_function_configuration(FunctionName=checkout, Environment={"Variables": variables})
    stripe.release()
    wait_for(lambda: staging.order(order_number(session)).status == 200)
