/** A front-end as it was written for Enupal's plugin: jQuery, PHP's brackets, and Enupal's URLs. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

import { SHOP, STRIPE, shopping } from './shopper.js';

const JQUERY = createRequire(import.meta.url).resolve('jquery');
const CART = '/enupal-stripe/cart';

/** A blank page of the shop's with jQuery. */
async function open(shopper) {
  await shopper.page.route(`${SHOP}/blank`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Blank</title>' }));
  await shopper.page.goto(`${SHOP}/blank`);
  await shopper.page.addScriptTag({ path: JQUERY });
}

/** `$.ajax` in the page: the answer, or what Enupal's script reads from an error. */
function ajax(shopper, type, url, data) {
  return shopper.page.evaluate(
    ([type, url, data]) =>
      new Promise((resolve) => {
        window.$.ajax({ type, url, data, dataType: 'json', success: resolve, error: (failed) => resolve({ failed: failed.responseJSON }) });
      }),
    [type, url, data],
  );
}

shopping('an Enupal front-end fills, changes, clears and checks out its cart', async (shopper) => {
  await open(shopper);

  const items = [
    { price: 'price_mug', quantity: 2, adjustable_quantity: { enabled: true } },
    { price: 'price_poster', quantity: 1, adjustable_quantity: { enabled: true, minimum: 1, maximum: 5 } },
  ];
  const added = await ajax(shopper, 'POST', `${CART}/add`, { items });
  assert.equal(added.item_count, 3);
  assert.equal(added.total_price, 42.5);
  assert.equal(added.total_price_with_currency, '$42.50');
  assert.match(added.number, /^[0-9a-f]{32}$/);
  assert.deepEqual(added.items.map((item) => item.adjustable_quantity.enabled), [true, true]);

  const updates = { price_mug: { quantity: 3, description: 'x' } };
  const updated = await ajax(shopper, 'POST', `${CART}/update`, { updates, metadata: { is_gift: 'yes' } });
  assert.equal(updated.item_count, 4);
  assert.equal(updated.total_price_with_currency, '$54.50');
  assert.deepEqual(updated.metadata, { is_gift: 'yes' });
  assert.equal(updated.items.find((item) => item.price === 'price_mug').description, 'x');

  const got = await ajax(shopper, 'GET', CART);
  assert.deepEqual(got, updated);

  const session = await ajax(shopper, 'POST', `${CART}/checkout`, null);
  assert.equal(new URL(session.url).origin, STRIPE);
  assert.equal(session.metadata.stripe_payments_cart_number, added.number);

  const cleared = await ajax(shopper, 'POST', `${CART}/clear`, null);
  assert.equal(cleared.number, added.number);
  assert.equal(cleared.item_count, 0);
  assert.equal(cleared.total_price, 0);
  assert.deepEqual(cleared.metadata, {});
});

shopping('an Enupal front-end reads the errors that it knows', async (shopper) => {
  await open(shopper);

  const unknown = await ajax(shopper, 'POST', `${CART}/add`, { items: [{ price: 'price_none', quantity: 1 }] });
  const empty = await ajax(shopper, 'POST', `${CART}/checkout`, null);

  assert.equal(unknown.failed.status, 404);
  assert.equal(unknown.failed.error, true);
  assert.equal(unknown.failed.message, 'Cannot find price: price_none');
  assert.equal(empty.failed.status, 400);
  assert.equal(empty.failed.message, 'Cart is empty');
  shopper.excuse(/404 .*\/cart\/add|400 .*\/cart\/checkout/);
});

shopping('what an Enupal front-end sells is paid like everything else', async (shopper) => {
  await open(shopper);
  await ajax(shopper, 'POST', `${CART}/add`, { items: [{ price: 'price_tshirt', quantity: 2 }] });
  const session = await ajax(shopper, 'POST', `${CART}/checkout`, null);

  await shopper.page.goto(session.url);
  await shopper.press('Pay');

  assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$64.00' });
});
