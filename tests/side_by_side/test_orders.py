"""From one cart to an order, with every step by either version."""

import json

import pytest
from shop import BOTH, RELEASED, THIS, event, every_order, order_number, press, row, still_says, stripe

PAID = "checkout.session.completed"


def checked_out(shop, adds, checks_out, **further):
    """A session that a shopper has got, and the shopper."""
    shopper = shop.shopper()
    shopper.add(adds, "price_mug", {"price": "price_tshirt", "quantity": 2, "description": "red"}).ok()
    shopper.update(adds, {}, metadata={"is_gift": "yes"}).ok()
    return shopper, shopper.checkout(checks_out, **further).ok()


def shown_alike(shop, session):
    """The order, which both versions show alike; the new one may say more."""
    before, now = (shop.order(version, session).ok() for version in BOTH)
    still_says(now, before, "order")
    return now


def refund(session, amount):
    intent = stripe("GET", f"/v1/checkout/sessions/{session['id']}")["payment_intent"]
    refund = stripe("POST", "/v1/refunds", payment_intent=intent, amount=amount)
    return event("charge.refunded", refund["charge"])


def marks(session):
    """The marks of an order, which a client does not see: those that 0.1.0 knows, and those that it does not."""
    stored = row("orders", order_number(session))
    return json.loads(stored["order"]["S"])["marks"], json.loads(stored.get("marks", {"S": "[]"})["S"])


@pytest.mark.parametrize(("adds", "checks_out", "sells", "lands", "pays_back"), every_order(5))
def test_a_purchase_through_both_makes_one_order(shop, adds, checks_out, sells, lands, pays_back):
    shopper, session = checked_out(shop, adds, checks_out)
    press(session, "pay")

    sold = shop.deliver(sells, event(PAID, session["id"])).ok()
    landed = shop.land(lands, session)

    assert sold["received"] is True
    assert landed == f"http://127.0.0.1:3000/thanks/{order_number(session)}"
    order = shown_alike(shop, session)
    assert (order["status"], order["total"], marks(session)) == ("paid", 7600, ([], []))
    assert [(line["price"], line["quantity"], line["description"]) for line in order["lines"]] == [
        ("price_mug", 1, None),
        ("price_tshirt", 2, "red"),
    ]
    assert json.loads(row("orders", order["number"])["order"]["S"])["metadata"]["is_gift"] == "yes"
    for version in BOTH:
        assert (shopper.cart(version)["status"], shopper.cart(version)["items"]) == ("completed", [])

    shop.deliver(pays_back, refund(session, 600)).ok()
    order = shown_alike(shop, session)
    assert (order["status"], order["refunded"]) == ("partially_refunded", 600)


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_one_session_of_a_cart_can_be_paid(shop, first, second):
    shopper, session = checked_out(shop, first, first)

    again = shopper.checkout(second).ok()

    status = stripe("GET", f"/v1/checkout/sessions/{session['id']}")["status"]
    assert status == ("open" if again["id"] == session["id"] else "expired")
    assert (again["id"] == session["id"]) == (first == second)


@pytest.mark.parametrize(("checks_out", "changes", "sells"), every_order(3))
def test_what_was_added_after_the_checkout_stays_in_the_cart(shop, checks_out, changes, sells):
    shopper, session = checked_out(shop, checks_out, checks_out)
    shopper.add(changes, "price_poster").ok()
    shopper.update(changes, {"price_tshirt": {"description": "green"}}).ok()
    press(session, "pay")

    shop.deliver(sells, event(PAID, session["id"])).ok()

    assert [line["description"] for line in shown_alike(shop, session)["lines"]] == [None, "red"]
    for version in BOTH:
        assert [item["price"] for item in shopper.cart(version)["items"]] == ["price_poster"]


@pytest.mark.parametrize(("tells", "again"), every_order(2))
def test_an_abandoned_cart_is_recorded_once(shop, tells, again):
    shopper, session = checked_out(shop, tells, tells)
    stripe("POST", f"/v1/checkout/sessions/{session['id']}/expire")
    expired = event("checkout.session.expired", session["id"])

    shop.deliver(tells, expired).ok()
    recorded = row("carts", f"abandoned-{session['id']}")
    shop.deliver(again, expired).ok()

    assert row("carts", f"abandoned-{session['id']}") == recorded
    assert "x" not in row("carts", shopper.cart(again)["number"])["pc"]["M"]
    assert shopper.checkout(again).ok()["id"] != session["id"]


@pytest.mark.parametrize("pays_back", BOTH)
def test_an_order_with_a_mark_of_the_new_version_is_shown_repaired_and_paid_back(shop, pays_back):
    """0.1.0 does not know the mark: it does not see it, and does not lose it."""
    _, session = checked_out(shop, THIS, THIS, CHECKOUT_SHIPPING_RATES="shr_unknown")
    press(session, "pay")
    shop.deliver(THIS, event(PAID, session["id"])).ok()
    assert marks(session) == ([], ["no_shipping"])

    shop.land(pays_back, session)
    shop.sync(pays_back)
    shop.deliver(pays_back, refund(session, 7600)).ok()

    assert shown_alike(shop, session)["status"] == "refunded"
    assert marks(session) == ([], ["no_shipping"])


@pytest.mark.parametrize(("sells", "lands", "pays_back"), every_order(3))
def test_an_order_without_its_buyer_stays_so_whichever_version_goes_on(shop, sells, lands, pays_back):
    """0.1.0 does not know that it is anonymous: it shows the order, follows its money, and writes nothing else."""
    shopper, session = checked_out(shop, THIS, THIS)
    press(session, "pay")
    shop.deliver(sells, event(PAID, session["id"])).ok()
    number, cart = order_number(session), shopper.cart(THIS)["number"]
    assert "shopper@example.com" in json.dumps(row("orders", number))

    shop.anonymise(session).ok()
    shop.deliver(sells, event(PAID, session["id"])).ok()
    shop.land(lands, session)
    shop.sync(lands)
    shop.deliver(pays_back, refund(session, 600)).ok()

    order = shown_alike(shop, session)
    assert (order["status"], order["refunded"], order["total"]) == ("partially_refunded", 600, 7600)
    assert [line["description"] for line in order["lines"]] == [None, None]
    stored = json.dumps([row("orders", number), row("carts", cart)])
    assert not [text for text in ("shopper@example.com", "red", "is_gift") if f'"{text}"' in stored], stored
    assert "anonymised" in row("orders", number)


@pytest.mark.parametrize("sells", BOTH)
def test_a_cart_whose_sessions_were_guessed_at_is_changed_and_sold_by_either(shop, sells):
    """0.1.0 does not know the counter: it neither reads nor loses it."""
    shopper, session = checked_out(shop, THIS, THIS)
    assert shop.land(THIS, {**session, "id": "cs_test_made_up"}) == "http://127.0.0.1:3000/"
    number = shopper.cart(THIS)["number"]
    counted = {name: row("carts", number)[name] for name in ("gh", "gn")}

    for version in BOTH:
        shopper.add(version, "price_poster").ok()
        shopper.update(version, {"price_tshirt": {"quantity": 0}, "price_mug": {"quantity": 2}}).ok()
    session = shopper.checkout(sells).ok()
    press(session, "pay")
    shop.deliver(sells, event(PAID, session["id"])).ok()

    assert shown_alike(shop, session)["item_count"] == 4
    assert {name: row("carts", number)[name] for name in ("gh", "gn")} == counted


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_a_missed_payment_is_repaired_by_the_sync_of_either(shop, first, second):
    _, session = checked_out(shop, first, first)
    press(session, "pay")

    shop.sync(second)

    assert shown_alike(shop, session)["status"] == "paid"


@pytest.mark.parametrize(("first", "second"), every_order(2))
def test_this_version_lists_all_after_a_sync_of_either_and_0_1_0_after_its_own(shop, first, second):
    """A sync of this version empties the rows that 0.1.0 lists."""
    sold = {product["id"]: set() for product in stripe("GET", "/v1/products", active="true", limit=100)["data"]}
    for price in stripe("GET", "/v1/prices", active="true", limit=100)["data"]:
        if price["product"] in sold:
            sold[price["product"]].add(price["id"])
    assert any(len(prices) > 1 for prices in sold.values())

    for version in (first, second, RELEASED):
        shop.sync(version)
        before, now = (shop.ask(shown, "GET", "/products", query="limit=100").ok() for shown in BOTH)
        listed = {product["id"]: {price["id"] for price in product["prices"]} for product in now["data"]}
        assert listed == sold, f"after the sync of {version}"
        if version == RELEASED:
            still_says(now, before, "products")
        else:
            assert before["data"] == []


@pytest.mark.parametrize(("hears", "hears_later", "adds"), every_order(3))
def test_an_event_about_a_price_reaches_both(shop, hears, hears_later, adds):
    price = stripe("POST", "/v1/prices", product="prod_mug", currency="usd", unit_amount=1300)["id"]
    created = event("price.created", price)
    shop.deliver(hears, created).ok()
    shopper = shop.shopper()
    assert shopper.add(adds, price).ok()["items"][0]["price"] == price

    stripe("POST", f"/v1/prices/{price}", active="false")
    shop.deliver(hears_later, event("price.updated", price)).ok()
    # Again, and late.
    shop.deliver(hears, created).ok()

    for version in BOTH:
        assert shopper.cart(version)["items"][0]["available"] is False
        assert shopper.add(version, price).error(404) == "price_not_found"
