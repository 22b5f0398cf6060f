"""Secrets are rotated as the guide says."""

import boto3
import documents
import pytest
from conftest import WEBHOOK_SECRET
from stack import Shopper
from stripe import KEY, order_number

RESTART = "for function in"


@pytest.fixture
def store_and_restart(stack, folder):
    """Stores a secret and restarts the functions, which read it when they start."""

    def change(name, value):
        boto3.client("ssm").put_parameter(Name=f"/cartwright/{name}", Value=value, Type="SecureString", Overwrite=True)
        documents.run("operate.md", RESTART, folder, meant={"<stack>": stack.name})

    return change


@pytest.fixture
def paid(catalogue, stripe):
    """An event that no endpoint has heard of."""
    shopper = Shopper(catalogue)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")
    event = stripe.held(session)
    stripe.drop()
    return session, event


def test_the_webhooks_secret_is_rolled_without_losing_an_event(catalogue, stripe, paid, store_and_restart):
    session, event = paid
    url, new = catalogue.output("WebhookUrl"), "whsec_rolled_at_stripe"

    store_and_restart("stripe-webhook-secret", f"{new},{WEBHOOK_SECRET}")
    assert [stripe.deliver_to(url, secret, event).status for secret in (WEBHOOK_SECRET, new)] == [200, 200]
    store_and_restart("stripe-webhook-secret", new)
    assert [stripe.deliver_to(url, secret, event).status for secret in (WEBHOOK_SECRET, new)] == [400, 200]

    stripe.register(url, new)
    assert catalogue.order(order_number(session)).ok()["status"] == "paid"


def test_checkouts_fail_until_a_deleted_key_is_replaced_and_carts_work(shopper, store_and_restart):
    store_and_restart("stripe-secret-key", "deleted-at-stripe")
    shopper.add("price_mug")

    refused = shopper.send("POST", "/cart/checkout")
    store_and_restart("stripe-secret-key", KEY)

    assert (refused.status, shopper.cart()["item_count"]) == (500, 1)
    assert shopper.checkout()["object"] == "checkout.session"
