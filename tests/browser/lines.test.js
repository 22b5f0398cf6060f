/** Lines of cart and order, as the API counts them, in one currency at a time. */

import assert from 'node:assert/strict';

import { shopping, stripe, until } from './shopper.js';

/** Without the spaces that keep amounts on one line. */
const plain = (text) => text.replaceAll('\u00a0', ' ');

/** What the API says, asked from the page. */
function api({ page }, path) {
  return page.evaluate(async (path) => (await fetch(path, { cache: 'no-store' })).json(), path);
}

const sum = (amounts) => amounts.reduce((sum, amount) => sum + amount, 0);

shopping('every line shows what it comes to, and the cart what is paid again', async (shopper) => {
  const { cart } = shopper;
  await shopper.visit();
  for (const name of ['Stoneware mug', 'Workshop seats', 'Pencils', 'Glass beads', 'Letterpress cards', 'Photo storage', 'Tasting club']) {
    await shopper.add(name);
  }
  await shopper.set('Workshop seats', 6);
  await shopper.set('Pencils', 7);
  await shopper.set('Glass beads', 1000);
  await shopper.set('Letterpress cards', 51);
  await shopper.set('Tasting club', 3);

  const said = await api(shopper, '/cart');
  const shown = await cart.locator('.line [data-total]').allTextContents();
  assert.deepEqual(shown, said.items.map((item) => item.total_price_with_currency));
  assert.equal(sum(said.items.map((item) => item.total_price_minor)), said.total_price_minor);
  assert.equal(await shopper.total.textContent(), said.total_price_with_currency);
  assert.equal(await cart.locator('#renewal').textContent(), `Renews at ${said.recurring.total_price_with_currency} / month, plus what is used`);
  // From the catalogue: two boxes; a thousand at 0.35 cents.
  for (const [name, unit, total] of [['Pencils', '$7.00 per 6', '$14.00'], ['Glass beads', '$0.0035 each', '$3.50']]) {
    assert.equal(await shopper.line(name).locator('[data-unit]').textContent(), unit);
    assert.equal(await shopper.line(name).locator('[data-total]').textContent(), total);
  }
  await shopper.screenshot('lines');
});

shopping('two engravings of one mug are two lines, changed and paid apart', async (shopper) => {
  const { cart, page } = shopper;
  const engraved = (text) => cart.getByRole('listitem').filter({ hasText: `Engraving: ${text}` });
  const field = shopper.product('Stoneware mug').getByLabel('Engraving');
  await shopper.visit();
  for (const text of ['Ann', 'Bob', ' Ann ', '', 'Cid']) {
    await field.fill(text);
    await shopper.add('Stoneware mug');
    assert.equal(await field.inputValue(), '', 'the next one has a text of its own');
  }

  await engraved('Ann').getByRole('button', { name: 'One more' }).click();
  await engraved('Bob').getByRole('button', { name: 'One more' }).click();
  await engraved('Cid').getByRole('button', { name: 'Remove Stoneware mug Engraving: Cid' }).click();
  await shopper.answered();

  const { items } = await api(shopper, '/cart');
  assert.deepEqual(items.map(({ attributes, quantity }) => [attributes, quantity]), [[{ engraving: 'Ann' }, 3], [{ engraving: 'Bob' }, 2], [{}, 1]]);
  assert.deepEqual(await cart.locator('.line [data-total]').allTextContents(), items.map((item) => item.total_price_with_currency));
  await shopper.screenshot('engravings');
  await shopper.checkOut();
  await shopper.press('Pay');
  await shopper.thanked('Thank you');
  const texts = await page.getByRole('list', { name: 'Items' }).locator('[data-details]').allTextContents();
  assert.deepEqual(texts.sort(), ['', 'Engraving: Ann', 'Engraving: Bob']);
});

shopping('each line is called by what tells it from the others, and by its latest name', async (shopper) => {
  const { page, cart } = shopper;
  const names = () => cart.getByRole('group').evaluateAll((groups) => groups.map((group) => group.getAttribute('aria-label')));
  await shopper.visit();
  for (const text of ['', 'Ann', 'Bob']) {
    await shopper.product('Stoneware mug').getByLabel('Engraving').fill(text);
    await shopper.add('Stoneware mug');
  }
  assert.deepEqual((await names()).filter((name) => name?.startsWith('Quantity')), [
    'Quantity of Stoneware mug', 'Quantity of Stoneware mug, Engraving: Ann', 'Quantity of Stoneware mug, Engraving: Bob',
  ]);

  // As if the merchant had renamed it.
  await page.route('**/cart', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    Object.assign(body.products.prod_mug, { name: 'Clay mug', images: [] });
    await route.fulfill({ response, json: body });
  });
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await shopper.line('Clay mug').first().waitFor();
  assert.equal(await shopper.line('Stoneware mug').count(), 0);
  assert.deepEqual((await names()).filter((name) => name?.startsWith('Quantity')), [
    'Quantity of Clay mug', 'Quantity of Clay mug, Engraving: Ann', 'Quantity of Clay mug, Engraving: Bob',
  ]);
  await cart.getByRole('button', { name: 'Remove Clay mug Engraving: Bob' }).waitFor();
  assert.deepEqual(await cart.locator('.line [data-picture]').allTextContents(), ['C', 'C', 'C']);
});

shopping('the lines of an order add up to its subtotal, whatever is taken off', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Mountain poster');
  await shopper.product('Tasting club').getByRole('radio', { name: 'Every three months' }).check();
  await shopper.add('Tasting club');
  await shopper.cart.getByText('I have a promotion code').click();
  await shopper.cart.getByLabel('Promotion code').fill('WELCOME10');
  await shopper.checkOut();
  await shopper.press('Pay');

  const { number, totals } = await shopper.thanked('Thank you');
  const order = await api(shopper, `/orders/${number}`);
  const rows = page.getByRole('list', { name: 'Items' }).getByRole('listitem');
  assert.ok(order.discount > 0);
  assert.equal(sum(order.lines.map((line) => line.subtotal)), order.subtotal);
  assert.deepEqual(await rows.locator('[data-subtotal]').allTextContents(), order.lines.map((line) => line.subtotal_with_currency));
  assert.deepEqual(totals, {
    Subtotal: order.subtotal_with_currency,
    'Discount (WELCOME10)': `− ${order.discount_with_currency}`,
    Total: order.total_with_currency,
  });
  assert.deepEqual(await rows.filter({ hasText: 'Tasting club' }).locator('[data-details]').allTextContents(), ['Every three months']);
  await shopper.screenshot('thank-you-discount');
});

shopping('variants of a product are told apart by name', async (shopper) => {
  await shopper.visit();
  const club = shopper.product('Tasting club');

  assert.deepEqual((await club.locator('[data-variant]').allTextContents()).sort(), ['Every three months', 'Monthly', 'Yearly']);
  await club.getByRole('radio', { name: 'Yearly' }).check();
  await shopper.add('Tasting club');

  assert.equal(await shopper.line('Tasting club').locator('[data-details]').first().textContent(), 'Yearly');
  assert.deepEqual(await shopper.product('Stoneware mug').locator('[data-variant]').allTextContents(), [''], 'there is one mug only');
});

shopping('the shop is in one currency, and opens the cart in it', async (shopper) => {
  const { page, cart } = shopper;
  const currency = page.getByLabel('Prices in');
  await shopper.visit();
  assert.equal(await currency.inputValue(), 'usd');
  await currency.selectOption('eur');
  await shopper.ready();

  const { data } = await api(shopper, '/products?limit=100');
  const sold = data.filter((product) => product.prices.some((price) => price.currency === 'eur' || price.currency_options?.eur));
  const headings = page.getByRole('list', { name: 'Products' }).getByRole('heading');
  assert.deepEqual((await headings.allTextContents()).sort(), sold.map((product) => product.name).sort());
  const labels = (await page.locator('#products [data-label]').allTextContents()).map(plain);
  assert.ok(labels.length > 5 && labels.every((label) => label.includes('€') || label === 'Priced by quantity'), labels.join());
  await shopper.screenshot('shop-euro');

  await shopper.add('Organic cotton T-shirt');
  assert.equal((await api(shopper, '/cart')).currency, 'eur');
  assert.deepEqual(await shopper.seen(), { lines: { 'Organic cotton T-shirt': 1 }, total: '€29.00' });
  assert.equal(await shopper.line('Organic cotton T-shirt').locator('[data-unit]').textContent(), '€29.00 each');
  await shopper.add('Letterpress cards');
  await shopper.add('Stoneware mug');
  await shopper.problem.filter({ hasText: 'cannot be paid together' }).waitFor();
  shopper.excuse(/400 .*\/cart\/add/);

  await currency.selectOption('gbp');
  await shopper.problem.filter({ hasText: 'Your cart is in EUR' }).waitFor();
  await shopper.visit();
  assert.equal(await currency.inputValue(), 'eur');
  await cart.getByRole('button', { name: 'Clear the cart' }).click();
  await cart.getByText('It is empty').waitFor();
  await currency.selectOption('jpy');
  await shopper.ready();
  await shopper.add('Sencha, 100 g');
  assert.equal((await shopper.seen()).total, '¥500');
});

/** Bounds the quantity of a price in the list of products; an empty text takes a bound away. */
async function bound({ page }, price, bounds) {
  await stripe(`/v1/prices/${price}`, Object.fromEntries(Object.entries(bounds).map(([key, value]) => [`metadata[${key}]`, value])));
  await until(page, async ({ id, bounds }) => {
    const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
    const { metadata } = data.flatMap((product) => product.prices).find((price) => price.id === id);
    return Object.entries(bounds).every(([key, value]) => (metadata[key] ?? '') === value);
  }, { id: price, bounds });
}

shopping('a quantity that the merchant does not sell is refused with the bounds', async (shopper) => {
  await shopper.visit();
  await shopper.add('Glass beads');
  await shopper.set('Glass beads', 9);
  try {
    await bound(shopper, 'price_beads', { maximum_quantity: '3' });

    await shopper.set('Glass beads', 5);
    await shopper.problem.filter({ hasText: 'You can buy at most 3 of this' }).waitFor();
    assert.deepEqual((await shopper.seen()).lines, { 'Glass beads': 9 });
    await shopper.line('Glass beads').getByText('You can buy at most 3 of this').waitFor();
    await shopper.set('Glass beads', 3);
    assert.deepEqual((await shopper.seen()).lines, { 'Glass beads': 3 });
    assert.equal(await shopper.line('Glass beads').getByText('You can buy').count(), 0);
    shopper.excuse(/400 .*\/cart\/update/);
  } finally {
    await bound(shopper, 'price_beads', { maximum_quantity: '' });
  }
});

shopping('the buttons of a line stop at its bounds and say which they are', async (shopper) => {
  const { page } = shopper;
  const line = shopper.line('Glass beads');
  const [less, more] = ['One less', 'One more'].map((name) => line.getByRole('button', { name }));
  const press = async (button) => {
    await button.focus();
    await page.keyboard.press('Enter');
    await shopper.answered();
    assert.ok(await button.evaluate((button) => button === document.activeElement), 'the focus stays');
  };
  const sees = async (quantity, isLess, isMore) => {
    assert.deepEqual((await shopper.seen()).lines, { 'Glass beads': quantity });
    assert.deepEqual([await less.isEnabled(), await more.isEnabled()], [isLess, isMore]);
  };
  let sent = 0;
  page.on('request', (request) => { sent += Number(request.url().endsWith('/cart/update')); });
  await page.route('**/products?**', (route) => route.continue());
  try {
    await shopper.visit();
    await bound(shopper, 'price_beads', { minimum_quantity: '6', maximum_quantity: '8' });
    await shopper.visit();
    await shopper.add('Glass beads');
    await sees(6, false, true);
    await press(less);
    await page.getByRole('status').filter({ hasText: 'You can buy 6 to 8 of this.' }).waitFor();
    assert.equal(sent, 0);
    await press(more);
    await press(more);
    await sees(8, true, false);
    await press(more);
    assert.equal(sent, 2);

    // A line that its bounds left behind goes back inside by one step.
    for (const [minimum, maximum, button, quantity] of [['2', '4', less, 4], ['7', '9', more, 7]]) {
      await bound(shopper, 'price_beads', { minimum_quantity: minimum, maximum_quantity: maximum });
      await shopper.visit();
      await press(button);
      await sees(quantity, quantity !== 7, quantity !== 4);
    }
    await line.getByRole('button', { name: 'Remove' }).click();
    await shopper.cart.getByText('It is empty').waitFor();
  } finally {
    await bound(shopper, 'price_beads', { minimum_quantity: '', maximum_quantity: '' });
  }
});

shopping('a line’s own bounds stop its buttons too', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await page.evaluate(async () => {
    const { Cart } = await import('/cart.js');
    const adjustable_quantity = { enabled: true, minimum: 2, maximum: 2 };
    await Cart.add([{ price: 'price_poster', quantity: 2, adjustable_quantity }, { price: 'price_mug' }]);
  });
  await shopper.visit();

  for (const [name, isEnabled] of [['Mountain poster', false], ['Stoneware mug', true]]) {
    for (const button of ['One less', 'One more']) {
      assert.equal(await shopper.line(name).getByRole('button', { name: button }).isEnabled(), isEnabled, `${name}: ${button}`);
    }
  }
  await shopper.line('Stoneware mug').getByRole('button', { name: 'One less' }).click();
  await shopper.answered();
  assert.deepEqual((await shopper.seen()).lines, { 'Mountain poster': 2 }, 'the last one is removed');
});

shopping('the first add is of as many as are sold at a time, and each price says how many', async (shopper) => {
  const { page } = shopper;
  const mug = shopper.product('Stoneware mug');
  const range = shopper.product('Glass beads').locator('[data-bounds]');
  const quantities = async () => (await api(shopper, '/cart')).items.map(({ quantity }) => quantity);
  // Which also turns off the browser's cache, where products may wait for a minute.
  await page.route('**/products?**', (route) => route.continue());
  await shopper.visit();
  try {
    await bound(shopper, 'price_beads', { minimum_quantity: '6', maximum_quantity: '12' });
    await bound(shopper, 'price_mug', { minimum_quantity: ' 3 ' });
    await shopper.visit();
    assert.equal(await range.textContent(), '6 to 12');
    assert.equal(await mug.locator('[data-bounds]').textContent(), 'at least 3');
    assert.equal(await shopper.product('Mountain poster').locator('[data-bounds]').textContent(), '');

    await shopper.add('Glass beads');
    assert.deepEqual(await quantities(), [6]);
    await shopper.add('Glass beads');
    assert.deepEqual(await quantities(), [7]);
    // Each line has to have the least by itself.
    for (const text of ['', 'Ann', 'Ann', '']) {
      await mug.getByLabel('Engraving').fill(text);
      await shopper.add('Stoneware mug');
    }
    assert.deepEqual(await quantities(), [7, 4, 4]);
    // More clicks than answers.
    await shopper.cart.getByRole('button', { name: 'Clear the cart' }).click();
    for (let clicks = 0; clicks < 3; clicks += 1) await shopper.product('Glass beads').getByRole('button', { name: 'Add to cart' }).click();
    await shopper.answered();
    assert.deepEqual(await quantities(), [8]);
    await shopper.screenshot('bounds');

    // Of a line from before there was a least, what is missing is added.
    await shopper.add('Mountain poster');
    await bound(shopper, 'price_poster', { minimum_quantity: '5', maximum_quantity: '5' });
    await page.reload();
    await shopper.ready();
    assert.equal(await shopper.product('Mountain poster').locator('[data-bounds]').textContent(), 'exactly 5');
    await shopper.add('Mountain poster');
    assert.deepEqual(await quantities(), [8, 5]);
  } finally {
    for (const price of ['price_beads', 'price_mug', 'price_poster']) await bound(shopper, price, { minimum_quantity: '', maximum_quantity: '' });
  }
});

shopping('too many texts and too many requests are refused in plain words', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  // 33 times 500 bytes is beyond 16 KB.
  const filled = await page.evaluate(async () => {
    const { Cart } = await import('/cart.js');
    const item = (index) => ({ price: 'price_mug', attributes: { engraving: `${index} `.padEnd(490, 'x') } });
    return Cart.add(Array.from({ length: 32 }, (_, index) => item(index)));
  });
  assert.equal(filled.items.length, 32);

  for (let adds = 0; adds < 20 && !(await shopper.problem.isVisible()); adds += 1) {
    await shopper.product('Stoneware mug').getByLabel('Engraving').fill(`${adds}`.padEnd(40, 'y'));
    await shopper.add('Stoneware mug');
  }
  await shopper.problem.filter({ hasText: 'texts in your cart are too long' }).waitFor();
  shopper.excuse(/400 .*\/cart\/add/);

  for (const [seconds, when] of [['1', 'in a second'], ['2', 'in 2 seconds'], ['20', 'in 20 seconds'], ['100', 'in 2 minutes']]) {
    await page.route('**/cart/add', (route) => route.fulfill({
      status: 429,
      headers: { 'Retry-After': seconds },
      json: { status: 429, error: true, message: 'Too many requests', code: 'too_many_requests', details: {}, request_id: 'x' },
    }));
    await shopper.add('Mountain poster');
    await shopper.problem.filter({ hasText: `try again ${when}.` }).waitFor();
    await page.unroute('**/cart/add');
  }
  shopper.excuse(/429 .*\/cart\/add/);
});
