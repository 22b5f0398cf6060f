"""Back to version 0.1.0 with settings that it does not know, as the guide to updating says, and forth again."""

import documents
import pytest
from conftest import STAGING
from stack import Shopper
from stripe import order_number, wait_for

GUIDE = (documents.FOLDER / "updating.md").read_text()


def test_a_stack_goes_back_to_the_release_before_and_forth_again(staging, released, boundary, stripe):
    shopper = Shopper(staging)
    shopper.add("price_mug")
    session = shopper.checkout()
    stripe.press(session, "pay")
    wait_for(lambda: staging.order(order_number(session)).status == 200)
    order, before = staging.order(order_number(session)).ok(), staging.resources()
    orders = staging.table("OrdersTable").scan()["Count"]
    given = {**STAGING, "PermissionsBoundaryArn": boundary}

    with pytest.raises(AssertionError, match="EventPipes"):
        staging.deploy(released, **given)
    assert 'write `EventPipes = "STOPPED"`' in GUIDE
    staging.deploy(released, **given, EventPipes="STOPPED")
    rolled_back = staging.resources()

    # What this version added is gone, and nothing that holds data or has an address was replaced.
    assert not {"OrderMissed", "NoShipping"} & rolled_back.keys()
    keep = ("Api", "Carts", "Catalog", "Orders", "Events")
    assert {name: rolled_back[name] for name in keep} == {name: before[name] for name in keep}
    assert staging.table("OrdersTable").scan()["Count"] == orders
    staging.deploy(**given, EventPipes="NONE")
    again = staging.resources()
    assert again.keys() == before.keys()
    assert {name: again[name] for name in keep} == {name: before[name] for name in keep}
    assert staging.order(order_number(session)).ok() == order
