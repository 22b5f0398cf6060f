"""Purchases over HTTP, in each of the ways in which a shop hears of a payment."""

import json

import documents
from stack import Shopper
from stripe import order_number, wait_for


def bought(stack, session):
    """The order of a session, once it is there."""
    return wait_for(lambda: (answer := stack.order(order_number(session))).status == 200 and answer.json())


def test_a_cart_is_filled_changed_and_cleared(shopper):
    shopper.add("price_mug", 2)
    # A function that has not seen these prices yet looks at the cart first.
    shopper.add("price_tshirt")
    cart = shopper.update(updates={"price_mug": {"quantity": 3}})

    assert [(item["price"], item["quantity"]) for item in cart["items"]] == [("price_mug", 3), ("price_tshirt", 1)]
    assert shopper.cart()["total_price_minor"] == 3 * 1200 + 3200
    assert shopper.clear()["item_count"] == 0


def test_a_cart_is_cleared_at_one_of_several_versions(shopper):
    """Which of them the cart is at is looked up first."""
    shopper.add("price_mug")

    cleared = shopper.send("POST", "/cart/clear", headers={"If-Match": '"7", "1"'}).ok()

    assert (cleared["version"], cleared["item_count"]) == (2, 0)


def test_a_clear_that_is_sent_again_shows_what_was_added_since(shopper):
    key = {"Idempotency-Key": "clear"}
    shopper.add("price_mug")
    assert shopper.send("POST", "/cart/clear", headers=key).ok()["item_count"] == 0
    added = shopper.add("price_tshirt")

    again = shopper.send("POST", "/cart/clear", headers=key).ok()

    assert again == added
    assert (again["total_price_minor"], again["warnings"]) == (3200, [])


def test_a_cart_is_opened_by_an_update(catalogue):
    shopper = Shopper(catalogue)

    assert shopper.update(updates={"price_poster": {"quantity": 1}})["item_count"] == 1


def test_a_cart_beyond_what_one_expression_says_is_changed(shopper, stripe):
    """Removing a line and setting a recurring one is decided on the cart that is read first."""
    shopper.add("price_mug")

    cart = shopper.update(updates={"price_mug": {"quantity": 0}, "price_club_monthly": {"quantity": 1}})

    assert [item["price"] for item in cart["items"]] == ["price_club_monthly"]


def test_a_price_that_no_event_told_of_is_asked_for(catalogue, stripe):
    prices = {}
    stripe.hold_back()
    for verb in ("add", "update"):
        prices[verb] = stripe.post("/v1/prices", product="prod_mug", currency="usd", unit_amount=1300)["id"]

    added = Shopper(catalogue).add(prices["add"])
    updated = Shopper(catalogue).update(updates={prices["update"]: {"quantity": 1}})
    stripe.release()

    assert added["total_price_minor"] == updated["total_price_minor"] == 1300


def test_the_webhook_tells_of_an_order(shopper, catalogue, stripe):
    shopper.add("price_mug", 2)
    session = shopper.checkout()
    assert shopper.checkout()["id"] == session["id"]

    stripe.press(session, "pay")
    order = bought(catalogue, session)

    assert (order["status"], order["total"]) == ("paid", 2400)
    assert shopper.land(session) == f"https://shop.example/thanks/{order['number']}"
    assert shopper.cart()["item_count"] == 0


def test_the_landing_page_makes_the_order_that_no_webhook_brought(shopper, catalogue, stripe):
    shopper.add("price_sticker", 10)
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")
    assert catalogue.order(order_number(session)).status == 404

    landed = shopper.land(session)
    stripe.release()

    assert landed == f"https://shop.example/thanks/{order_number(session)}"
    assert catalogue.order(order_number(session)).ok()["status"] == "paid"


def test_the_landing_page_does_not_take_another_shops_session_for_the_carts_own(shopper, catalogue, stripe):
    shopper.add("price_mug")
    session = shopper.checkout()
    metadata = {f"metadata[{key}]": value for key, value in session["metadata"].items()}
    form = {
        "mode": "payment",
        "success_url": session["success_url"],
        "line_items[0][price]": "price_mug",
        "line_items[0][quantity]": 1,
        **metadata,
        "metadata[stripe_payments_shop]": "another-shop",
    }
    foreign = stripe.post("/v1/checkout/sessions", **form)
    stripe.press(foreign, "pay")

    landed = shopper.land(foreign)

    assert landed == "https://shop.example/cart"
    assert catalogue.order(order_number(foreign)).status == 404


def test_the_checkout_makes_the_order_of_a_cart_that_was_paid(shopper, catalogue, stripe):
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")

    again = shopper.send("POST", "/cart/checkout")
    stripe.release()

    assert (again.status, again.json()["code"]) == (409, "cart_closed")
    assert catalogue.order(order_number(session)).ok()["status"] == "paid"


def test_the_sync_makes_the_order_that_no_webhook_brought(shopper, catalogue, stripe):
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.hold_back()
    stripe.press(session, "pay")

    report = catalogue.sync()
    stripe.release()

    assert report["repaired"] == 1
    assert catalogue.order(order_number(session)).ok()["status"] == "paid"


def test_the_sync_finds_a_refund_that_no_webhook_told_of(shopper, catalogue, stripe):
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.press(session, "pay")
    number = bought(catalogue, session)["number"]
    payment = catalogue.table("OrderIndexTable").scan()["Items"]
    (payment,) = [row["way"] for row in payment if row["order"].endswith(number) and row["way"].startswith("payment")]
    stripe.hold_back()
    stripe.post("/v1/refunds", payment_intent=payment.removeprefix("payment_intent#"), amount=100)

    report = catalogue.sync()
    stripe.drop()

    assert report["repaired"] == 1
    order = catalogue.order(number).ok()
    assert (order["status"], order["refunded"]) == ("partially_refunded", 100)


def test_a_delayed_payment_is_brought_up_to_date_by_the_webhook_or_by_the_sync(catalogue, stripe):
    orders = []
    for told in (True, False):
        shopper = Shopper(catalogue)
        shopper.add("price_mug")
        session = shopper.checkout()
        stripe.press(session, "pay_later")
        assert bought(catalogue, session)["status"] == "awaiting_payment"

        if not told:
            stripe.hold_back()
        stripe.settle(session)
        if not told:
            catalogue.sync()
            stripe.release()
        orders.append(order_number(session))

    for number in orders:
        wait_for(lambda number=number: catalogue.order(number).ok()["status"] == "paid")


def test_a_subscription_is_bought(shopper, catalogue, stripe):
    shopper.add("price_club_monthly")
    session = shopper.checkout()

    stripe.press(session, "pay")

    assert bought(catalogue, session)["total"] == 500


def test_a_refund_is_shown(shopper, catalogue, stripe):
    shopper.add("price_mug", 2)
    session = shopper.checkout()
    stripe.press(session, "pay")
    number = bought(catalogue, session)["number"]
    intent = catalogue.table("OrdersTable").get_item(Key={"number": number})["Item"]["order"]

    stripe.post("/v1/refunds", payment_intent=json.loads(intent)["payment"]["payment_intent"], amount=1000)

    order = wait_for(lambda: (order := catalogue.order(number).ok())["refunded"] and order)
    assert (order["status"], order["refunded"]) == ("partially_refunded", 1000)


def test_a_price_that_was_archived_just_now_cannot_be_bought(shopper, stripe):
    shopper.add("price_poster")
    stripe.hold_back()
    stripe.post("/v1/prices/price_poster", active="false")

    refused = shopper.send("POST", "/cart/checkout")
    stripe.release()

    assert (refused.status, refused.json()["code"]) == (409, "cart_changed")
    assert shopper.cart()["items"][0]["available"] is False


def test_a_change_at_stripe_reaches_the_catalogue(catalogue, stripe):
    stripe.post("/v1/products/prod_mug", name="Earthenware mug")
    stripe.post("/v1/prices/price_sticker", nickname="One sticker")

    def told():
        names = [product["name"] for product in catalogue.products()]
        nicknames = [price["nickname"] for product in catalogue.products() for price in product["prices"]]
        return "Earthenware mug" in names and "One sticker" in nicknames

    wait_for(told)
    assert catalogue.product("prod_mug")["name"] == "Earthenware mug"


def test_a_page_whose_time_is_over_abandons_the_cart(shopper, catalogue, stripe):
    shopper.add("price_mug")
    session = shopper.checkout()

    def at_its_end(event):
        """The merchant ended it early, since nothing here waits for a day."""
        if event["data"]["object"]["id"] == session["id"]:
            event["created"] = event["data"]["object"]["expires_at"]

    stripe.hold_back()
    stripe.post(f"/v1/checkout/sessions/{session['id']}/expire")
    stripe.held(session)
    stripe.release(at_its_end)

    note = {"number": f"abandoned-{session['id']}"}
    wait_for(lambda: "Item" in catalogue.table("CartsTable").get_item(Key=note))


def test_a_cart_whose_order_came_first_has_no_second_one(shopper, catalogue, stripe):
    """A webhook may come between a checkout's look at the cart and its order: the cart is put back to that moment."""
    shopper.add("price_mug")
    session = shopper.checkout()
    carts = catalogue.table("CartsTable")
    cart = carts.get_item(Key={"number": shopper.cart()["number"]})["Item"]
    stripe.press(session, "pay")
    order = bought(catalogue, session)
    carts.put_item(Item=cart)

    again = shopper.send("POST", "/cart/checkout")

    assert again.status == 503
    assert catalogue.order(order["number"]).ok() == order


def test_a_landing_makes_an_order_again_that_is_gone(shopper, catalogue, stripe):
    """Its cart says that it was placed, and stays as it is."""
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.press(session, "pay")
    number = bought(catalogue, session)["number"]
    orders = catalogue.table("OrdersTable")
    order = orders.get_item(Key={"number": number})["Item"]
    orders.delete_item(Key={"number": number})

    landed = shopper.land(session)

    assert landed == f"https://shop.example/thanks/{number}"
    again = orders.get_item(Key={"number": number})["Item"]
    assert {name: again[name] for name in ("status", "total", "session")} == {
        name: order[name] for name in ("status", "total", "session")
    }


def test_a_request_that_is_sent_twice_opens_one_cart(catalogue):
    headers = {"Content-Type": "application/json", "Idempotency-Key": "0f9c1c54-6a0e-4e0b-9d5e-3a3a3a3a3a3a"}
    body = json.dumps({"items": [{"price": "price_mug", "quantity": 1}]})

    first, second = [catalogue.send("POST", "/cart/add", body, headers) for _ in range(2)]

    assert first.ok()["number"] == second.ok()["number"]
    assert first.headers["cart-token"] == second.headers["cart-token"]


def test_a_front_end_of_the_shop_may_call_and_others_may_not(catalogue):
    def asked(origin):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "cart-token",
        }
        return catalogue.send("OPTIONS", "/cart/add", headers=headers).headers

    assert asked("https://shop.example")["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in asked("https://other.example")


def test_the_path_of_an_enupal_front_end_leads_to_the_same_cart(shopper):
    shopper.add("price_mug")

    assert shopper.send("GET", "/enupal-stripe/cart").ok()["item_count"] == 1


def test_the_first_order_is_bought_as_the_guide_says(catalogue, stripe, folder):
    meant = {"<ApiUrl>": catalogue.output("ApiUrl")}
    (product,) = json.loads(documents.run("deploy.md", 'curl -s "<ApiUrl>/products', folder, meant=meant))["data"]

    printed = documents.run("deploy.md", "token=", folder, meant={**meant, "<price>": product["prices"][0]["id"]})

    session = json.loads(printed)
    stripe.press(session, "pay")
    assert bought(catalogue, session)["status"] == "paid"
