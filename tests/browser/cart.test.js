/** What can be done with the cart in the shop. */

import assert from 'node:assert/strict';

import { PHONE, serveElsewhere, shopping, stripe, until } from './shopper.js';

shopping('quantities go up, down, and away', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Stoneware mug');
  await shopper.add('Mountain poster');
  const button = (name) => shopper.line('Stoneware mug').getByRole('button', { name });

  // Faster than the API answers.
  for (let clicks = 0; clicks < 5; clicks += 1) await button('One more').click();
  await button('One less').click();
  await shopper.answered();
  assert.deepEqual(await shopper.seen(), { lines: { 'Stoneware mug': 6, 'Mountain poster': 1 }, total: '$90.50' });

  await shopper.set('Stoneware mug', 0);
  assert.deepEqual(await shopper.seen(), { lines: { 'Mountain poster': 1 }, total: '$18.50' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'cart-title', 'the focus stays in the cart');

  await shopper.line('Mountain poster').getByRole('button', { name: 'Remove Mountain poster' }).click();
  await shopper.cart.getByText('It is empty').waitFor();
});

shopping('a quantity that is none is not sent', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');

  for (const wrong of ['', '-1', '1.5', '1000000']) {
    await shopper.set('Stoneware mug', wrong);
    assert.deepEqual(await shopper.seen(), { lines: { 'Stoneware mug': 1 }, total: '$12.00' }, wrong);
  }
});

shopping('clearing empties the cart for good', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Mountain poster');

  await shopper.cart.getByRole('button', { name: 'Clear the cart' }).click();
  await shopper.cart.getByText('It is empty').waitFor();

  await shopper.page.reload();
  await shopper.ready();
  assert.deepEqual((await shopper.seen()).lines, {});
});

shopping('the cart is still there tomorrow, and it is still a gift', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Tasting club');
  await shopper.add('Workshop seats');
  await shopper.set('Workshop seats', 6);
  await shopper.cart.getByRole('checkbox', { name: 'This is a gift' }).check();
  await shopper.answered();

  await shopper.visit();

  // Six seats: five at $20, the sixth at $15 with a fee of $5.
  assert.deepEqual(await shopper.seen(), { lines: { 'Stoneware mug': 1, 'Tasting club': 1, 'Workshop seats': 6 }, total: '$137.00' });
  await shopper.screenshot('shop');
  assert.ok(await shopper.cart.getByRole('checkbox', { name: 'This is a gift' }).isChecked());
  const cart = await shopper.page.evaluate(async () => (await fetch('/cart')).json());
  assert.deepEqual(cart.metadata, { is_gift: 'yes' });
});

shopping('every kind of price says what it asks', async (shopper) => {
  await shopper.visit();
  const prices = {
    'Stoneware mug': ['$12.00'],
    'Tasting club': ['$5.00 / month', '$14.00 / 3 months', '$50.00 / year'],
    'Glass beads': ['$0.0035'],
    'Letterpress cards': ['Priced by quantity'],
    'Pencils': ['$7.00 per 6'],
    'Photo storage': ['$0.04 per GB / month, billed by use'],
    'Plant a tree': ['You choose, $15.00 suggested'],
  };

  for (const [name, expected] of Object.entries(prices)) {
    const shown = await shopper.product(name).locator('[data-label]').allTextContents();
    assert.deepEqual(shown.map((text) => text.replaceAll('\u00a0', ' ')).sort(), [...expected].sort(), name);
  }
});

shopping('the price that is chosen is the one that is added', async (shopper) => {
  await shopper.visit();

  await shopper.product('Tasting club').getByRole('radio', { name: '$50.00 / year' }).check();
  await shopper.add('Tasting club');

  await shopper.line('Tasting club').getByText('$50.00 / year').waitFor();
  assert.equal((await shopper.seen()).total, '$50.00');
});

shopping('what does not fit the cart is refused in plain words, and the cart stays', async (shopper) => {
  await shopper.visit();
  await shopper.product('Tasting club').getByRole('radio', { name: '$5.00 / month' }).check();
  await shopper.add('Tasting club');
  const before = await shopper.seen();

  await shopper.product('Tasting club').getByRole('radio', { name: '$50.00 / year' }).check();
  await shopper.add('Tasting club');
  await shopper.problem.filter({ hasText: 'renews at another interval' }).waitFor();
  await shopper.add('Plant a tree');
  await shopper.problem.filter({ hasText: 'paid for alone' }).waitFor();

  assert.deepEqual(await shopper.seen(), before);
  shopper.excuse(/400 .*\/cart\/add/);
  await shopper.page.getByRole('button', { name: 'Close' }).click();
  await shopper.problem.waitFor({ state: 'hidden' });
});

shopping('what is not for sale any more is marked, counts for nothing, and has to go before checkout', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Die-cut sticker');
  const checkOut = shopper.cart.getByRole('button', { name: 'Check out' });
  try {
    await stripe('/v1/prices/price_sticker', { active: 'false' });
    await until(shopper.page, async () => (await (await fetch('/cart')).json()).warnings.length > 0);
    await shopper.page.reload();
    await shopper.ready();

    await shopper.cart.getByText('Remove it to check out').waitFor();
    await shopper.line('Die-cut sticker').getByText('Not available any more').waitFor();
    assert.equal(await shopper.total.textContent(), '$12.00');
    assert.ok(await checkOut.isDisabled());
    await shopper.line('Die-cut sticker').getByRole('button', { name: 'Remove' }).click();
    await shopper.answered();
    assert.ok(await checkOut.isEnabled());
  } finally {
    await stripe('/v1/prices/price_sticker', { active: 'true' });
    await until(shopper.page, async () => {
      const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
      return data.some((product) => product.prices.some((price) => price.id === 'price_sticker'));
    });
  }
});

shopping('an API that does not answer is said not to, and the next try works', async (shopper) => {
  await shopper.visit();
  await shopper.page.route('**/cart/add', (route) => route.abort());
  await shopper.add('Stoneware mug');
  await shopper.problem.filter({ hasText: 'cannot be reached' }).waitFor();
  shopper.excuse(/ERR_FAILED/);
  await shopper.page.unroute('**/cart/add');

  await shopper.add('Stoneware mug');

  assert.deepEqual((await shopper.seen()).lines, { 'Stoneware mug': 1 });
  await shopper.problem.waitFor({ state: 'hidden' });
});

shopping('products that cannot be read are not taken for none, and the next try reads them', async (shopper) => {
  const { page } = shopper;
  const [none, unread] = [page.getByText('There is nothing in the catalogue yet'), page.getByText('We cannot show our products')];
  for (const answer of [{ status: 500, json: { code: 'server_error', message: 'Server Error' } }, { status: 200, body: 'no JSON' }, null]) {
    await page.route('**/products?**', (route) => (answer ? route.fulfill(answer) : route.abort()));
    await shopper.visit();

    await unread.waitFor();
    assert.equal(await none.isVisible(), false);
    await shopper.tabTo(page.getByRole('button', { name: 'Try again' }));
    await page.keyboard.press('Enter');
    await shopper.ready();
    assert.ok(await unread.isVisible());
    assert.ok(await page.getByRole('button', { name: 'Try again' }).evaluate((button) => button === document.activeElement));
    await page.unroute('**/products?**');
    await page.keyboard.press('Enter');
    await shopper.product('Stoneware mug').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'products');
    assert.equal(await unread.isVisible(), false);
  }
  await page.route('**/products?**', (route) => route.fulfill({ json: { data: [], has_more: false } }));
  await shopper.visit();
  await none.waitFor();
  assert.equal(await unread.isVisible(), false);
  shopper.excuse(/\/products/);
});

shopping('with the API on another origin the cart’s token travels in a header', async (shopper) => {
  const { page } = shopper;
  const { api, sent } = await serveElsewhere(page);
  // As if the page had been written so.
  await page.addInitScript((api) => {
    new MutationObserver((_, observer) => {
      document.documentElement.dataset.api = api;
      observer.disconnect();
    }).observe(document, { childList: true });
  }, `${api}/`);

  await shopper.visit();
  await shopper.add('Stoneware mug');
  await page.reload();
  await shopper.ready();
  await shopper.add('Stoneware mug');

  assert.deepEqual((await shopper.seen()).lines, { 'Stoneware mug': 2 });
  const posts = sent.filter(({ path }) => path === '/cart/add');
  assert.equal(posts[0]['cart-token'], undefined);
  assert.match(posts[1]['cart-token'], /^[\w-]{22}$/);
  assert.ok(sent.every((headers) => headers.cookie === undefined));
  shopper.excuse(/^loaded http:\/\/api\.example\//);
});

shopping('on a phone the cart is a drawer, and nothing scrolls sideways', async (shopper) => {
  const { page, cart } = shopper;
  const fits = async () => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.viewport.width);
  await shopper.visit();
  await fits();
  await shopper.add('Stoneware mug');
  await shopper.add('Photo storage');
  await shopper.screenshot('phone');
  assert.equal(await cart.isVisible(), false);

  await page.getByRole('button', { name: 'Cart 2 items' }).tap();
  await cart.waitFor();
  await fits();
  assert.equal(await cart.evaluate((panel) => panel.scrollWidth - panel.clientWidth), 0);
  await shopper.screenshot('phone-cart');
  await shopper.line('Photo storage').getByRole('button', { name: 'Remove' }).tap();
  await shopper.answered();
  await cart.getByRole('button', { name: 'Check out' }).tap();
  await shopper.atStripe();
  await shopper.press('Pay');
  await shopper.thanked('Thank you');
  await fits();
  await shopper.screenshot('phone-thank-you');
}, PHONE);

shopping('one item is not called items', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  for (const counted of ['1 item', '2 items']) {
    await shopper.add('Stoneware mug');
    await page.getByRole('button', { name: `Cart ${counted}`, exact: true }).waitFor();
    await page.getByRole('status').filter({ hasText: `Stoneware mug. ${counted}, $` }).waitFor();
  }
  await page.getByRole('button', { name: 'Cart 2 items' }).click();
  await shopper.cart.getByRole('heading', { name: 'Your cart 2 items', exact: true }).waitFor();
  await shopper.set('Stoneware mug', 1);
  await shopper.cart.getByRole('heading', { name: 'Your cart 1 item', exact: true }).waitFor();
  await page.goto(new URL('/thank-you.html?order=0', page.url()).href);
  await page.getByRole('link', { name: 'Cart 1 item', exact: true }).waitFor();
  shopper.excuse(/\/orders\//);
}, { viewport: { width: 800, height: 700 } });

shopping('a button is busy until what it asked for is answered, and keeps the focus', async (shopper) => {
  const { page, cart } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  const line = shopper.line('Stoneware mug');
  const buttons = [
    ['/cart/add', shopper.product('Stoneware mug').getByRole('button', { name: 'Add to cart' })],
    ['/cart/update', line.getByRole('button', { name: 'One more' })],
    ['/cart/update', line.getByRole('button', { name: 'One less' })],
    ['/cart/checkout', cart.getByRole('button', { name: 'Check out' })],
  ];

  for (const [path, button] of buttons) {
    const { promise: answered, resolve: answer } = deferred();
    await page.route(`**${path}`, async (route) => {
      await answered;
      await (path.endsWith('checkout') ? route.fulfill({ status: 500, json: {} }) : route.continue());
    });
    const busy = () => button.getAttribute('aria-busy');
    assert.equal(await busy(), null);
    await button.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.equal(await busy(), 'true', path);
    assert.equal(await page.locator('button[aria-busy]').count(), 1);
    answer();
    await shopper.answered();
    assert.equal(await busy(), null, path);
    assert.ok(await button.evaluate((button) => button === document.activeElement), path);
    await page.unroute(`**${path}`);
  }
  shopper.excuse(/\/cart\/checkout/);
});

/** A promise, and what fulfils it. */
function deferred() {
  let resolve;
  return { promise: new Promise((fulfil) => { resolve = fulfil; }), resolve };
}

shopping('the drawer opens and closes by keyboard, and gives the focus back', async (shopper) => {
  const { page, cart } = shopper;
  await shopper.visit();
  const button = page.getByRole('button', { name: 'Cart 0 items' });

  await shopper.tabTo(button);
  await page.keyboard.press('Enter');
  await cart.waitFor();
  await shopper.tabTo(cart.getByRole('button', { name: 'Close' }));
  await page.keyboard.press('Escape');
  await cart.waitFor({ state: 'hidden' });

  assert.ok(await button.evaluate((element) => element === document.activeElement));
}, { viewport: { width: 800, height: 700 } });

shopping('a checkout that is refused leaves the focus where it was', async (shopper) => {
  const { page, cart } = shopper;
  const button = cart.getByRole('button', { name: 'Check out' });
  const hasFocus = (locator) => locator.evaluate((element) => element === document.activeElement);
  const refuse = (answer) => page.route('**/cart/checkout', (route) => (answer ? route.fulfill(answer) : route.abort()));
  let sent = 0;
  page.on('request', (request) => { sent += Number(request.url().endsWith('/cart/checkout')); });
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Die-cut sticker');
  await shopper.tabTo(button);
  for (const answer of [{ status: 500, json: {} }, { status: 429, json: {} }, null]) {
    await refuse(answer);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await shopper.answered();
    assert.ok(await hasFocus(button), JSON.stringify(answer));
    assert.ok(await button.isEnabled());
    await page.unroute('**/cart/checkout');
  }
  assert.equal(sent, 3, 'a second press does nothing while the first is under way');
  await cart.getByText('I have a promotion code').click();
  await cart.getByLabel('Promotion code').fill('UNKNOWN');
  await shopper.tabTo(button);
  await page.keyboard.press('Enter');
  await shopper.problem.filter({ hasText: 'promotion code' }).waitFor();
  assert.ok(await hasFocus(button));
  await cart.getByLabel('Promotion code').fill('');
  try {
    await stripe('/v1/prices/price_sticker', { active: 'false' });
    await until(page, async () => (await (await fetch('/cart', { cache: 'no-store' })).json()).warnings.length > 0);
    await shopper.tabTo(button);
    await page.keyboard.press('Enter');
    await cart.getByText('Remove it to check out').waitFor();
    await shopper.answered();
    assert.ok(await hasFocus(button), 'also where it cannot be pressed again');
    assert.ok(await button.isDisabled());
    const before = sent;
    await page.keyboard.press('Enter');
    await cart.getByLabel('Promotion code').press('Enter');
    await shopper.answered();
    assert.equal(sent, before);
  } finally {
    await stripe('/v1/prices/price_sticker', { active: 'true' });
    await until(page, async () => {
      const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
      return data.some((product) => product.prices.some((price) => price.id === 'price_sticker'));
    });
  }
  shopper.excuse(/\/cart\/checkout/);
});

shopping('what had the focus and is gone gives it to the cart', async (shopper) => {
  const { page, cart } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.tabTo(cart.getByRole('checkbox', { name: 'This is a gift' }));

  // As another tab does, whose changes are seen when this one is looked at again.
  await page.evaluate(() => fetch('/cart/clear', { method: 'POST' }));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await cart.getByText('It is empty').waitFor();

  assert.equal(await page.evaluate(() => document.activeElement.id), 'cart-title');
});

shopping('the shop is there in the dark', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Tasting club');

  const [paper, ink] = await shopper.page.evaluate(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    return [backgroundColor, color].map((text) => Number(text.match(/\d+/)[0]));
  });

  assert.ok(paper < 64 && ink > 192, `paper ${paper}, ink ${ink}`);
  await shopper.visit();
  await shopper.screenshot('shop-dark');
}, { colorScheme: 'dark' });
