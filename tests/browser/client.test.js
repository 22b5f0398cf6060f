/** `cart.js`, as a front-end of one's own has it: in a page without a shop, and without a page. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SHOP, serveElsewhere, shopping } from './shopper.js';

/** A blank page of the shop's, with what `cart.js` exports in `window`. The API is at `api`, or else where the page is. */
async function open({ page }, api = '') {
  const body = `<!doctype html><html data-api="${api}"><title>Blank</title>`;
  await page.route(`${SHOP}/blank`, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(`${SHOP}/blank`);
  await page.evaluate(async () => Object.assign(window, await import('/cart.js')));
}

async function source() {
  return (await fetch(`${SHOP}/cart.js`)).text();
}

for (const where of ['here', 'elsewhere']) {
  shopping(`changes side by side make one cart, also of who has none yet, with the API ${where}`, async (shopper) => {
    const { page } = shopper;
    if (where === 'here') await open(shopper);
    else await open(shopper, (await serveElsewhere(page)).api);

    const { first, then } = await page.evaluate(async () => {
      const add = () => window.Cart.add([{ price: 'price_mug' }]);
      const first = await Promise.all(Array.from({ length: 5 }, add));
      const then = await Promise.all([window.Cart.update({ updates: { price_mug: { quantity: 3 } } }), window.Cart.get()]);
      return { first, then };
    });

    assert.equal(new Set([...first, ...then].map((cart) => cart.number)).size, 1);
    assert.deepEqual(first.map((cart) => cart.item_count), [1, 2, 3, 4, 5]);
    assert.equal(then[0].item_count, 3);
    if (where === 'elsewhere') shopper.excuse(/^loaded http:\/\/api\.example\//);
  });
}

/** How a visitor comes to have no cart any more behind the page's back. */
const LOST = {
  'was forgotten': ({ page }) => page.evaluate(() => fetch('/cart/clear', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"forget":true}',
  })),
  // An expired cart is none, as if there were no cookie: https://www.rfc-editor.org/rfc/rfc6265#section-5.3
  expired: ({ page }) => page.context().clearCookies(),
  'was paid': async ({ page }) => {
    const other = await page.context().newPage();
    await other.goto(await page.evaluate(async () => (await (await fetch('/cart/checkout', { method: 'POST' })).json()).url));
    await other.getByRole('button', { name: /^Pay \D*\d/ }).click();
    await other.getByRole('heading', { level: 1, name: 'Thank you' }).waitFor();
    await other.close();
  },
};

for (const [how, lose] of Object.entries(LOST)) {
  shopping(`changes side by side make one cart, also where the page's own ${how} elsewhere`, async (shopper) => {
    const { page } = shopper;
    await open(shopper);
    const before = await page.evaluate(() => window.Cart.add([{ price: 'price_mug' }]));
    await lose(shopper);

    const carts = await page.evaluate(() => Promise.all([1, 2, 3, 4].map(() => window.Cart.add([{ price: 'price_mug' }]))));

    assert.deepEqual(carts.map((cart) => cart.item_count), [1, 2, 3, 4]);
    assert.equal(new Set(carts.map((cart) => cart.number)).size, 1);
    assert.notEqual(carts[0].number, before.number);
    assert.deepEqual(await page.evaluate(async () => (await window.Cart.get()).item_count), 4);
  });
}

shopping('a change that is refused does not hold up the next, and a paid cart is followed by one other', async (shopper) => {
  const { page } = shopper;
  await open(shopper);

  const [refused, added] = await page.evaluate(() => Promise.allSettled([
    window.Cart.add([{ price: 'price_none' }]).catch(({ code, status }) => { throw [code, status]; }),
    window.Cart.add([{ price: 'price_mug' }]),
  ]));
  assert.deepEqual(refused.reason, ['price_not_found', 404]);
  assert.equal(added.value.item_count, 1);
  shopper.excuse(/404 .*\/cart\/add/);

  await page.goto((await page.evaluate(() => window.Cart.checkout())).url);
  await shopper.press('Pay');
  await shopper.thanked('Thank you');
  await open(shopper);
  const carts = await page.evaluate(async () => [
    await window.Cart.get(),
    ...await Promise.all([window.Cart.add([{ price: 'price_mug' }]), window.Cart.add([{ price: 'price_mug' }])]),
  ]);
  assert.deepEqual(carts.map((cart) => cart.item_count), [0, 1, 2]);
  assert.equal(carts[0].number, added.value.number);
  assert.notEqual(carts[1].number, added.value.number);
  assert.equal(carts[2].number, carts[1].number);
});

shopping('too many requests are one error, whoever turns them away', async (shopper) => {
  const { page } = shopper;
  await open(shopper);
  const refusals = [
    // API Gateway's own: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
    { status: 429, json: { message: 'Too Many Requests' } },
    { status: 429, headers: { 'Retry-After': '7' }, json: { status: 429, error: true, message: 'x', code: 'too_many_requests', details: {}, request_id: 'x' } },
  ];
  await page.route('**/cart/add', (route) => route.fulfill(refusals.shift()));

  const add = () => page.evaluate(() => window.Cart.add([{ price: 'price_mug' }]).catch(({ code, status, retryAfter }) => [code, status, retryAfter]));
  const errors = [await add(), await add()];

  assert.deepEqual(errors, [['too_many_requests', 429, null], ['too_many_requests', 429, 7]]);
  shopper.excuse(/429/);
});

test('without a page it reads products and orders, and keeps no visitor’s token for the next', async () => {
  assert.equal(globalThis.document, undefined);
  assert.equal(globalThis.location, undefined);

  const { Cart } = await import(`data:text/javascript,${encodeURIComponent(await source())}`);

  assert.equal(Cart.base, '');
  Cart.base = `${SHOP}/`;
  assert.equal(Cart.base, SHOP);
  Cart.currency = 'eur';
  const shirt = (await Cart.products({ currency: 'eur' })).find((product) => product.id === 'prod_tshirt');
  assert.match(shirt.prices[0].unit_price_with_currency, /^€\s?29\.00$/);
  await assert.rejects(Cart.order('0'.repeat(32)), { name: 'CartError', code: 'order_not_found', status: 404 });
  const [ann, bob] = await Promise.all([Cart.add([{ price: 'price_tshirt' }]), Cart.add([{ price: 'price_tshirt' }])]);
  assert.notEqual(ann.number, bob.number);
  assert.equal(ann.currency, 'eur');
  assert.equal((await Cart.get()).number, null);
});
