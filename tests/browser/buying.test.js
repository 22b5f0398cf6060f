/** From the shop to Stripe's page and back. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { SHOP, shopping, stripe } from './shopper.js';

shopping('an order has what the cart had', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.set('Stoneware mug', 3);
  await shopper.add('Mountain poster');
  assert.deepEqual(await shopper.seen(), { lines: { 'Stoneware mug': 3, 'Mountain poster': 1 }, total: '$54.50' });

  await shopper.checkOut();
  await shopper.press('Pay');

  const order = await shopper.thanked('Thank you');
  assert.equal(order.number, new URL(shopper.page.url()).searchParams.get('order'));
  // Crockford's base 32: https://www.crockford.com/base32.html
  assert.match(order.reference, /^[0-9A-HJKMNP-TV-Z]{10}$/);
  assert.deepEqual(order.lines.sort(), ['Mountain poster × 1', 'Stoneware mug × 3']);
  assert.deepEqual(order.totals, { Total: '$54.50' });
  assert.match(order.status, /is paid/);
  await shopper.screenshot('thank-you');

  await shopper.page.getByRole('link', { name: 'Cart 0 items' }).waitFor();
  await shopper.page.getByRole('link', { name: 'Back to the shop' }).click();
  await shopper.ready();
  assert.deepEqual((await shopper.seen()).lines, {});
});

shopping('a delayed payment is under way until it arrives', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  const session = await shopper.checkOut();
  await shopper.press('Pay later');

  const pending = await shopper.thanked('Thank you');
  assert.match(pending.status, /under way/);
  assert.equal(new URL(shopper.page.url()).searchParams.get('payment'), 'pending');
  await stripe(`/c/settle/${session}`, { outcome: 'succeed' });

  await shopper.page.getByText('Your order is paid').waitFor();
});

shopping('a delayed payment that fails is said to have failed', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  const session = await shopper.checkOut();
  await shopper.press('Pay later');
  await shopper.thanked('Thank you');

  await stripe(`/c/settle/${session}`, { outcome: 'fail' });

  await shopper.thanked('The payment did not arrive');
});

shopping('a declined card leaves the shopper at Stripe, where the next try pays', async (shopper) => {
  await shopper.visit();
  await shopper.add('Organic cotton T-shirt');
  const session = await shopper.checkOut();

  await shopper.press('Fail');
  await shopper.page.getByRole('alert').filter({ hasText: 'declined' }).waitFor();
  assert.equal(await shopper.atStripe(), session);
  await shopper.press('Pay');

  assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$32.00' });
});

shopping('who goes back from Stripe finds the cart as it was', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.add('Mountain poster');
  const before = await shopper.seen();
  await shopper.checkOut();

  await shopper.page.getByRole('link', { name: 'Back' }).first().click();
  await shopper.ready();

  await shopper.page.getByText('Nothing was charged').waitFor();
  assert.equal(shopper.page.url(), `${SHOP}/`);
  assert.deepEqual(await shopper.seen(), before);
  await shopper.checkOut();
});

shopping('the browser’s own back button leads to a cart that can be checked out again', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  const session = await shopper.checkOut();

  await shopper.page.goBack();
  await shopper.ready();

  assert.equal(await shopper.checkOut(), session);
});

shopping('a promotion code lowers what is paid', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.cart.getByText('I have a promotion code').click();
  await shopper.cart.getByLabel('Promotion code').fill('USEDUP');
  await shopper.cart.getByRole('button', { name: 'Check out' }).click();
  await shopper.problem.filter({ hasText: 'This promotion code cannot be used' }).waitFor();
  shopper.excuse(/400 .*\/cart\/checkout/);

  await shopper.cart.getByLabel('Promotion code').fill('WELCOME10');
  await shopper.checkOut();
  await shopper.press('Pay');

  const { totals } = await shopper.thanked('Thank you');
  assert.deepEqual(totals, { Subtotal: '$12.00', 'Discount (WELCOME10)': '− $1.20', Total: '$10.80' });
});

shopping('a keyboard is enough to buy', async (shopper) => {
  const { page, cart } = shopper;
  await shopper.visit();

  await shopper.tabTo(page.getByRole('link', { name: 'Skip to the products' }));
  await page.keyboard.press('Enter');
  await shopper.tabTo(shopper.product('Stoneware mug').getByRole('button', { name: 'Add to cart' }));
  await page.keyboard.press('Enter');
  await shopper.line('Stoneware mug').waitFor();
  await shopper.tabTo(shopper.line('Stoneware mug').getByRole('button', { name: 'One more' }));
  await page.keyboard.press('Enter');
  await shopper.total.filter({ hasText: '$24.00' }).waitFor();
  await shopper.tabTo(cart.getByRole('checkbox', { name: 'This is a gift' }));
  await page.keyboard.press('Space');
  await shopper.tabTo(cart.getByRole('button', { name: 'Check out' }));
  await page.keyboard.press('Enter');

  await shopper.atStripe();
  await shopper.tabTo(page.getByRole('button', { name: 'Pay $24.00' }));
  await page.keyboard.press('Enter');
  assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$24.00' });
});

shopping('an order that the shop has not heard of yet is waited for', async (shopper) => {
  await shopper.visit();
  await shopper.add('Stoneware mug');
  const session = await shopper.checkOut();
  const number = createHash('sha256').update(session).digest('hex').slice(0, 32);
  const waiting = await shopper.page.context().newPage();

  await waiting.goto(`${SHOP}/thank-you.html?order=${number}&payment=pending`);
  await waiting.getByText('We have not heard of your payment yet').waitFor();
  await shopper.press('Pay');

  await waiting.getByText('Your order is paid').waitFor();
});

shopping('an order is shown before its products answer, and without those that do not', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await shopper.product('Tasting club').getByRole('radio', { name: 'Yearly' }).check();
  await shopper.add('Tasting club');
  await shopper.add('Stoneware mug');
  await shopper.checkOut();
  const asked = [];
  let arrived;
  const held = new Promise((resolve) => { arrived = resolve; });
  await page.route(/\/products\b/, (route) => {
    const path = new URL(route.request().url()).pathname;
    asked.push(path);
    // The other one is never answered.
    if (path === '/products/prod_club') arrived(route);
  });
  await shopper.press('Pay');

  const { totals } = await shopper.thanked('Thank you');
  assert.deepEqual(totals, { Total: '$62.00' });
  const club = page.getByRole('list', { name: 'Items' }).getByRole('listitem').filter({ hasText: 'Tasting club' });
  assert.equal(await club.locator('[data-details]').textContent(), '');
  await (await held).continue();
  await club.getByText('Yearly').waitFor();
  assert.deepEqual(asked.sort(), ['/products/prod_club', '/products/prod_mug']);
  await page.unroute(/\/products\b/);

  for (const answer of [{ status: 500, json: {} }, { status: 200, json: {} }, { status: 200, body: 'no JSON' }, null]) {
    await page.route(/\/products\b/, (route) => (answer ? route.fulfill(answer) : route.abort()));
    const over = page.waitForEvent(answer ? 'requestfinished' : 'requestfailed', (request) => request.url().includes('/products/'));
    await Promise.all([over, page.reload()]);
    assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$62.00' });
    assert.equal(await club.locator('[data-details]').textContent(), '');
    await page.unroute(/\/products\b/);
  }
  shopper.excuse(/\/products\/|TypeError/);
});

shopping('an order is shown under any language that the page says it has', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.checkOut();
  await shopper.press('Pay');
  await shopper.thanked('Thank you');
  const html = await (await fetch(`${SHOP}/thank-you.html`)).text();
  // That of the browser is `en-US`.
  for (const [lang, day] of [['en', /^\w+ \d+, \d{4}$/], ['de', /^\d+\. \S+ \d{4}$/], ['de_DE', /^\w+ \d+, \d{4}$/], ['', /^\w+ \d+, \d{4}$/]]) {
    const body = html.replace('<html lang="en"', `<html lang="${lang}"`);
    await page.route('**/thank-you.html?**', (route) => route.fulfill({ contentType: 'text/html', body }));
    await page.reload();
    assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$12.00' }, lang);
    assert.match(await page.locator('#date').textContent(), day, lang);
    await page.unroute('**/thank-you.html?**');
  }
});

shopping('who left the checkout keeps the rest of the address', async (shopper) => {
  const { page } = shopper;
  for (const [before, after] of [['?cancelled=1&utm=x#products', '?utm=x#products'], ['?a=1&cancelled=1&b=2', '?a=1&b=2'], ['?cancelled=1', ''], ['?utm=x#cart', '?utm=x#cart']]) {
    await shopper.visit(`/${before}`);
    assert.equal(page.url(), `${SHOP}/${after}`);
    assert.equal(await page.getByText('Nothing was charged').isVisible(), before.includes('cancelled'));
  }
});

shopping('a tax that is in the prices is not added to them', async (shopper) => {
  const { page } = shopper;
  await shopper.visit();
  await shopper.add('Stoneware mug');
  await shopper.checkOut();
  await shopper.press('Pay');
  await shopper.thanked('Thank you');
  // As `taxes` of openapi.yaml has them. The sum is the order's, and what is made of it the page's own.
  const tax = (amount, inclusive, name) => ({ amount, amount_with_currency: `$${amount / 100}.00`, name, percentage: '10', inclusive });
  for (const [taxes, expected] of [
    [[], { Tax: '$3.00' }],
    [[tax(300, false, 'Sales tax')], { Tax: '$3.00' }],
    [[tax(300, true, 'VAT')], { 'Tax (included)': '$3.00' }],
    [[tax(100, true, 'VAT'), tax(200, true, null)], { 'Tax (included)': '$3.00' }],
    [[tax(300, true, 'VAT'), tax(0, false, 'Sales tax')], { 'Tax (included)': '$3.00' }],
    [[tax(100, true, 'VAT'), tax(200, false, null)], { 'VAT (included)': '$1.00', Tax: '$2.00' }],
  ]) {
    await page.route('**/orders/*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...await response.json(), tax: 300, tax_with_currency: '$3.00', taxes } });
    });
    await page.reload();
    assert.deepEqual((await shopper.thanked('Thank you')).totals, { Subtotal: '$12.00', ...expected, Total: '$12.00' });
    await page.unroute('**/orders/*');
  }
});

shopping('an unknown order is said to be unknown', async (shopper) => {
  await shopper.page.goto(`${SHOP}/thank-you.html?order=${'0'.repeat(32)}`);

  await shopper.page.getByRole('heading', { name: 'We cannot find this order' }).waitFor();

  assert.equal(await shopper.page.locator('#order').isVisible(), false);
  shopper.excuse(/404 .*\/orders\//);
});
