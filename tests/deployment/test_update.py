"""An update in place: what 0.1.0 stored is served by this version, from the same tables."""

import json

import pytest
from conftest import BEFORE
from stack import Shopper

SHOWN = {name: json.loads((BEFORE / "shown" / f"{name}.json").read_text()) for name in ("carts", "orders")}

# What a shopper recognises. The tests in tests/upgrade compare the rest.
OF_A_CART = ("number", "currency", "item_count", "total_price_minor")
OF_AN_ORDER = ("number", "status", "currency", "total", "refunded", "lines")


def test_nothing_that_holds_data_or_has_an_address_is_replaced(before, stack):
    now = stack.resources()
    keep = ("Api", "Carts", "Catalog", "Orders", "Events", "EventFailures", "SyncFailures")

    assert {name: now[name] for name in keep} == {name: before[name] for name in keep}


@pytest.mark.parametrize("name", sorted(SHOWN["carts"]))
def test_a_cart_is_shown_as_before(stack, name):
    shown = SHOWN["carts"][name]

    cart = Shopper(stack, shown["token"]).cart()

    assert {key: cart[key] for key in OF_A_CART} == {key: shown["cart"][key] for key in OF_A_CART}


@pytest.mark.parametrize("name", sorted(SHOWN["orders"]))
def test_an_order_is_shown_as_before(stack, name):
    shown = SHOWN["orders"][name]["order"]

    order = stack.order(shown["number"]).ok()

    lines = [{key: line[key] for key in then} for line, then in zip(order["lines"], shown["lines"], strict=True)]
    assert {key: order[key] for key in OF_AN_ORDER} | {"lines": lines} == {key: shown[key] for key in OF_AN_ORDER}


def test_the_catalogue_takes_what_stripe_has_today(catalogue):
    """The sync takes off the shelf what only the shop of 0.1.0 sold."""
    products = {product["id"] for product in catalogue.products()}

    assert "prod_mug" in products
    assert catalogue.sync()["retired"] == 0
