"""One cart, changed by both versions in turn, and its row."""

import pytest
from shop import BOTH, RELEASED, THIS, every_order, row, still_says

GIFT = {"is_gift": "yes"}


def shown_alike(shopper):
    """The cart, which both versions show alike; the new one may say more."""
    before, now = (shopper.cart(version) for version in BOTH)
    still_says(now, before, "cart")
    return now


def lines(cart):
    return {item["price"]: (item["quantity"], item["description"]) for item in cart["items"]}


@pytest.mark.parametrize(("opens", "adds", "sets", "describes", "removes"), every_order(5))
def test_every_change_is_understood_by_both(shop, opens, adds, sets, describes, removes):
    shopper = shop.shopper()

    shopper.add(opens, "price_mug", metadata=GIFT).ok()
    assert lines(shown_alike(shopper)) == {"price_mug": (1, None)}

    shopper.add(adds, {"price": "price_mug", "quantity": 2}, {"price": "price_tshirt", "description": "red"}).ok()
    assert lines(shown_alike(shopper)) == {"price_mug": (3, None), "price_tshirt": (1, "red")}

    shopper.update(sets, {"price_tshirt": {"quantity": 4}, "price_club_monthly": {"quantity": 1}}).ok()
    assert lines(shown_alike(shopper))["price_tshirt"] == (4, "red")

    limits = {"enabled": True, "minimum": 1, "maximum": 9}
    shopper.update(describes, {"price_mug": {"description": "blue", "adjustable_quantity": limits}}).ok()
    assert lines(shown_alike(shopper))["price_mug"] == (3, "blue")

    shopper.update(removes, {"price_tshirt": {"quantity": 0}}, metadata={}).ok()
    cart = shown_alike(shopper)
    assert lines(cart) == {"price_mug": (3, "blue"), "price_club_monthly": (1, None)}
    assert (cart["version"], cart["metadata"]) == (5, {})


@pytest.mark.parametrize(("fills", "empties", "refills"), every_order(3))
@pytest.mark.parametrize("how", ["clear", "remove"])
def test_an_emptied_cart_takes_another_currency(shop, how, fills, empties, refills):
    shopper = shop.shopper()
    shopper.add(fills, "price_mug", "price_tshirt").ok()

    if how == "clear":
        shopper.clear(empties).ok()
    else:
        shopper.update(empties, {"price_mug": {"quantity": 0}, "price_tshirt": {"quantity": 0}}).ok()
    shopper.add(refills, "price_mug_eur").ok()

    cart = shown_alike(shopper)
    assert (cart["currency"], lines(cart)) == ("eur", {"price_mug_eur": (1, None)})


@pytest.mark.parametrize(("opens", "in_between"), every_order(2))
def test_what_the_released_version_mixes_is_seen(shop, opens, in_between):
    """0.1.0 lets a price with another own currency in. The row's own currency is then not the lines' any more."""
    shopper = shop.shopper()
    shopper.add(opens, "price_mug_eur", currency="eur").ok()
    shopper.update(in_between, {"price_mug_eur": {"quantity": 2}}).ok()

    shopper.add(RELEASED, "price_tshirt").ok()

    items = {item["price"]: item["available"] for item in shopper.cart(THIS)["items"]}
    assert sorted(items.values()) == [False, True], items
    for refused in ("price_mug_eur", "price_tshirt"):
        assert shopper.add(THIS, refused).status in (200, 400)
    assert shopper.checkout(THIS).status in (400, 409)
    shopper.update(RELEASED, {"price_tshirt": {"quantity": 0}}).ok()
    shopper.add(THIS, "price_mug_eur").ok()
    assert shopper.add(THIS, "price_tshirt").error(400) == "mixed_currency"
    shopper.checkout(THIS).ok()


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_a_named_request_takes_effect_once(shop, first, second):
    shopper = shop.shopper()
    added = shopper.add(first, "price_mug", key="add").ok()
    assert shopper.add(second, "price_mug", key="add").ok()["version"] == added["version"] == 1

    changes = [
        lambda version: shopper.update(version, {"price_mug": {"quantity": 5}}, key="update"),
        lambda version: shopper.add(version, {"price": "price_tshirt", "description": "red"}, key="more"),
        lambda version: shopper.clear(version, key="clear"),
    ]
    for change in changes:
        version = change(first).ok()["version"]
        assert change(second).ok()["version"] == version

    assert shopper.add(second, "price_poster", key="add").error(422) == "idempotency_mismatch"


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_a_request_that_opens_a_cart_opens_one(shop, first, second):
    key = f"open-{first}-{second}-0123456789abcdef"
    one, again = shop.shopper(), shop.shopper()

    opened = one.add(first, "price_mug", key=key).ok()
    repeated = again.add(second, "price_mug", key=key).ok()

    assert (repeated["number"], repeated["version"], again.token) == (opened["number"], 1, one.token)


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_a_named_checkout_is_answered_with_its_session(shop, first, second):
    shopper = shop.shopper()
    shopper.add(first, "price_mug").ok()

    session = shopper.checkout(first, key="checkout").ok()

    assert shopper.checkout(second, key="checkout").ok()["id"] == session["id"]


def without_new(stored):
    """A cart's row without what 0.1.0 does not know and what differs from run to run."""
    assert stored.get("la", {"M": {}}) == {"M": {}}
    kept = {name: value for name, value in stored.items() if name not in ("la", "lb", "own", "ov", "tx", "sh", "sn")}
    if "pc" in kept:
        kept["pc"] = {name: value for name, value in kept["pc"]["M"].items() if name not in ("c", "m", "l")}
        kept["pc"].update(dict.fromkeys({"s", "h", "x"} & kept["pc"].keys(), "differs"))
    kept.update(dict.fromkeys(("number", "created", "updated", "exp"), "differs"))
    kept["o"] = sorted(kept["o"]["M"])
    kept["k"] = sorted(kept["k"]["M"])
    return {name: value for name, value in kept.items() if name not in ("w0", "w1", "w2", "w3")}


def test_a_row_is_written_as_before(shop):
    """What needs nothing new is written in format 1, and what is new stands in attributes and members of its own."""
    stored = []
    for version in BOTH:
        shopper = shop.shopper()
        shopper.add(version, "price_mug", {"price": "price_tshirt", "description": "red"}, metadata=GIFT, key="a").ok()
        limits = {"enabled": True, "maximum": 9}
        shopper.update(version, {"price_mug": {"quantity": 2, "adjustable_quantity": limits}}).ok()
        shopper.add(version, "price_club_monthly").ok()
        shopper.checkout(version, key="b").ok()
        stored.append(row("carts", shopper.cart(version)["number"]))

    before, now = (without_new(item) for item in stored)
    assert now == before
    assert now["f"] == {"N": "1"}
