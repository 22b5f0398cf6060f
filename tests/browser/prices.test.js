/** Lines whose price another one replaced. */

import assert from 'node:assert/strict';

import { PHONE, SHOP, shopping, stripe, until } from './shopper.js';

let made = 0;

/**
 * A test with two units of a product of its own in the cart, at $12.00 each. `replace` has a price with other fields take the
 * place of the product's, and answers the id of that.
 *
 * @param {string} title
 * @param {(shopper: import('./shopper.js').Shopper, vase: { name: string, price: string,
 *   replace: (fields: Record<string, string>) => Promise<string> }) => Promise<void>} steps
 */
function withVase(title, steps, options) {
  shopping(title, async (shopper) => {
    const { page } = shopper;
    made += 1;
    const [name, key] = [`Vase ${made}`, `vase_${made}_${Date.now()}`];
    // A page of the shop's that asks for no products, which the browser would keep for a while.
    const body = '<!doctype html><link rel="icon" href="data:,"><title>Blank</title>';
    await page.route(`${SHOP}/blank`, (route) => route.fulfill({ contentType: 'text/html', body }));
    await page.goto(`${SHOP}/blank`);
    const product = await stripe('/v1/products', { name });
    const price = (fields) => stripe('/v1/prices', {
      product: product.id, currency: 'usd', lookup_key: key, transfer_lookup_key: 'true', ...fields,
    });
    try {
      let { id } = await price({ unit_amount: '1200' });
      const first = id;
      const replace = async (fields) => {
        const old = id;
        ({ id } = await price(fields));
        await stripe(`/v1/prices/${old}`, { active: 'false' });
        await until(page, async (id) => {
          const { warnings } = await (await fetch('/cart', { cache: 'no-store' })).json();
          return warnings.some(({ successor }) => successor === id);
        }, id);
        return id;
      };
      await until(page, async (id) => {
        const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
        return data.some((product) => product.id === id);
      }, product.id);
      await shopper.visit();
      await shopper.add(name);
      await shopper.add(name);
      await steps(shopper, { name, price: first, replace });
    } finally {
      await stripe(`/v1/products/${product.id}`, { active: 'false' });
    }
  }, options);
}

/** What the page sends to check out. */
function checkouts({ page }) {
  const sent = [];
  page.on('request', (request) => request.url().endsWith('/cart/checkout') && sent.push(request.postDataJSON()));
  return sent;
}

/** Adds a unit as another tab would. */
function addElsewhere({ page }, price) {
  return page.evaluate(async (price) => (await import('/cart.js')).Cart.add([{ price }]), price);
}

const question = ({ page }) => page.getByRole('dialog', { name: 'Prices have changed' });

withVase('a price that rose is shown at its line, and paid after a yes', async (shopper, { name, price, replace }) => {
  const { page, cart } = shopper;
  const sent = checkouts(shopper);
  const note = shopper.line(name).locator('[data-changed]');
  assert.equal(await note.textContent(), '');
  const successor = await replace({ unit_amount: '1500' });
  await page.reload();
  await shopper.ready();

  assert.equal(await note.textContent(), 'Now $15.00 instead of $12.00 each.');
  assert.deepEqual(await shopper.seen(), { lines: { [name]: 2 }, total: '$30.00' });
  assert.equal(await cart.getByText('not available any more').filter({ visible: true }).count(), 0);
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).waitFor();
  assert.deepEqual(await question(shopper).getByRole('listitem').locator('[data-name], [data-changed]').allTextContents(), [name, 'Now $15.00 instead of $12.00 each.']);
  assert.equal(await question(shopper).locator('[data-total]').textContent(), '$30.00');
  await shopper.screenshot('price-rose');

  // Whoever does not want it has the cart as it was.
  await question(shopper).getByRole('button', { name: 'Back to the cart' }).click();
  await question(shopper).waitFor({ state: 'hidden' });
  assert.deepEqual(await shopper.seen(), { lines: { [name]: 2 }, total: '$30.00' });
  const focused = () => page.evaluate(() => document.activeElement.id);
  assert.equal(await focused(), 'checkout');
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).waitFor();
  await page.keyboard.press('Escape');
  await question(shopper).waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'checkout');
  const { version } = await page.evaluate(async () => (await fetch('/cart')).json());
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();

  await shopper.atStripe();
  assert.deepEqual(sent, [{}, {}, {}, { accept_version: version, accept_successors: { [price]: successor } }]);
  await page.getByRole('button', { name: 'Pay $30.00' }).waitFor();
  shopper.excuse(/409 .*\/cart\/checkout/);
  await shopper.press('Pay');
  assert.deepEqual((await shopper.thanked('Thank you')).totals, { Total: '$30.00' });
});

withVase('a yes is to what was shown, and to nothing that came after', async (shopper, { name, replace }) => {
  const { page, cart } = shopper;
  const sent = checkouts(shopper);
  await replace({ unit_amount: '1500' });
  // The page has not been told: it asks before it shows the question.
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).waitFor();
  assert.equal(await shopper.line(name).locator('[data-changed]').textContent(), 'Now $15.00 instead of $12.00 each.');

  await addElsewhere(shopper, 'price_mug');
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();
  await question(shopper).locator('[data-total]').filter({ hasText: '$42.00' }).waitFor();
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();

  await shopper.atStripe();
  assert.equal(sent[2].accept_version, sent[1].accept_version + 1);
  await page.getByRole('button', { name: 'Pay $42.00' }).waitFor();
  shopper.excuse(/409 .*\/cart\/checkout/);
});

withVase('a price that rises again before the yes is asked for again', async (shopper, { replace }) => {
  const { page, cart } = shopper;
  await replace({ unit_amount: '1500' });
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).locator('[data-total]').filter({ hasText: '$30.00' }).waitFor();

  // The cart is the same version of itself.
  await replace({ unit_amount: '1700' });
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();
  await question(shopper).locator('[data-total]').filter({ hasText: '$34.00' }).waitFor();
  await question(shopper).getByText('Now $17.00 instead of $12.00 each.').waitFor();
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();

  await shopper.atStripe();
  await page.getByRole('button', { name: 'Pay $34.00' }).waitFor();
  shopper.excuse(/409 .*\/cart\/checkout/);
});

withVase('a price that fell is shown, and nothing is asked', async (shopper, { name, replace }) => {
  await replace({ unit_amount: '999' });
  await shopper.page.reload();
  await shopper.ready();

  assert.equal(await shopper.line(name).locator('[data-changed]').textContent(), 'Now $9.99 instead of $12.00 each.');
  await shopper.checkOut();
  await shopper.page.getByRole('button', { name: 'Pay $19.98' }).waitFor();
});

withVase('fractions of a minor unit are shown as the API writes them', async (shopper, { name, replace }) => {
  const { page } = shopper;
  await replace({ unit_amount_decimal: '0.35' });
  await page.reload();
  await shopper.ready();

  assert.equal(await shopper.line(name).locator('[data-changed]').textContent(), 'Now $0.0035 instead of $12.00 each.');
  // What the API says of the amounts is what is shown, whatever it is.
  await page.route('**/cart', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const warning of body.warnings) Object.assign(warning, { from_with_currency: '12 Taler', to_with_currency: '7 Taler' });
    await route.fulfill({ response, json: body });
  });
  await page.reload();
  await shopper.ready();
  assert.equal(await shopper.line(name).locator('[data-changed]').textContent(), 'Now 7 Taler instead of 12 Taler each.');
});

withVase('a price that no single amount says is shown to have changed', async (shopper, { name, replace }) => {
  const { page, cart } = shopper;
  await replace({
    billing_scheme: 'tiered', tiers_mode: 'graduated',
    'tiers[0][up_to]': '1', 'tiers[0][unit_amount]': '2000', 'tiers[1][up_to]': 'inf', 'tiers[1][unit_amount]': '1000',
  });
  await page.reload();
  await shopper.ready();
  await page.getByRole('button', { name: 'Cart 2 items' }).tap();

  await shopper.line(name).getByText('Its price has changed.').waitFor();
  await cart.getByRole('button', { name: 'Check out' }).tap();
  await question(shopper).getByText('Its price has changed.').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  await shopper.screenshot('phone-price-rose');
  await question(shopper).getByRole('button', { name: 'Check out at these prices' }).tap();
  await shopper.atStripe();
  await page.getByRole('button', { name: 'Pay $30.00' }).waitFor();
  shopper.excuse(/409 .*\/cart\/checkout/);
}, PHONE);

withVase('with a line that is gone, no yes is asked for', async (shopper, { name, replace }) => {
  const { page, cart } = shopper;
  const { id } = await stripe('/v1/prices', { unit_amount: '100', currency: 'usd', 'product_data[name]': 'Last season' });
  await until(page, async (price) => {
    const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
    return data.some((product) => product.prices.some((other) => other.id === price));
  }, id);
  await addElsewhere(shopper, id);
  await page.reload();
  await shopper.ready();
  await stripe(`/v1/prices/${id}`, { active: 'false' });
  await until(page, async (id) => {
    const { warnings } = await (await fetch('/cart', { cache: 'no-store' })).json();
    return warnings.some(({ code, price }) => code === 'price_inactive' && price === id);
  }, id);
  await replace({ unit_amount: '1500' });

  await cart.getByRole('button', { name: 'Check out' }).click();
  await shopper.problem.filter({ hasText: 'Remove it to check out' }).waitFor();
  assert.equal(await question(shopper).count(), 0);
  await shopper.line('Last season').getByRole('button', { name: 'Remove' }).click();
  await shopper.answered();
  await cart.getByRole('button', { name: 'Check out' }).click();
  await question(shopper).waitFor();
  shopper.excuse(/409 .*\/cart\/checkout/);
});

/** What is in sight and reaches beyond the screen, or has a text that reaches beyond itself. */
function overflowing({ page }) {
  // A plain button hangs over by half a letter's height, so that its text is in line with the others.
  return page.evaluate(() => [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && !element.closest('.sr-only, .skip, svg, [popover]:not(:popover-open)'))
    .filter((element) => {
      const { left, right } = element.getBoundingClientRect();
      const isWide = !element.matches('input, select') && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 8;
      return left < -0.5 || right > innerWidth + 0.5 || isWide;
    })
    .map((element) => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 20)} ${element.scrollWidth} in ${element.clientWidth}`));
}

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitän';

for (const width of [320, 360, 1100]) {
  shopping(`long words are broken, with ${width} pixels`, async (shopper) => {
    const { page, cart } = shopper;
    const fits = async (where) => assert.deepEqual(await overflowing(shopper), [], where);
    // Without the browser's cache of products.
    await page.route('**/products?**', (route) => route.continue());
    await shopper.visit();
    const product = await stripe('/v1/products', {
      name: `Very long product name ${LONG}`, description: LONG, unit_label: LONG.toLowerCase(), 'metadata[personal]': LONG.slice(0, 30).toLowerCase(),
    });
    const key = `long_${width}_${Date.now()}`;
    const price = (unit_amount, more) => stripe('/v1/prices', {
      product: product.id, currency: 'usd', unit_amount, lookup_key: key, transfer_lookup_key: 'true', nickname: LONG, ...more,
    });
    try {
      const { id } = await price('999999', { 'metadata[minimum_quantity]': '2' });
      await stripe('/v1/prices', { product: product.id, currency: 'usd', unit_amount: '100', nickname: LONG + LONG });
      await until(page, async (id) => {
        const { data } = await (await fetch('/products?limit=100', { cache: 'no-store' })).json();
        return data.some((product) => product.id === id && product.prices.length === 2);
      }, product.id);
      await shopper.visit();
      const card = page.locator(`.product[data-product="${product.id}"]`);
      await card.getByRole('textbox').fill(LONG.slice(0, 40));
      await card.locator(`input[value="${id}"]`).check();
      await card.getByRole('button', { name: 'Add to cart' }).click();
      await page.getByText('Added to cart').waitFor();
      await fits('products, and what is told of them');

      await stripe(`/v1/prices/${id}`, { active: 'false' });
      const { id: successor } = await price('9999999', {});
      await until(page, async (id) => {
        const { warnings } = await (await fetch('/cart', { cache: 'no-store' })).json();
        return warnings.some(({ successor }) => successor === id);
      }, successor);
      await shopper.visit();
      if (width < 1024) await page.getByRole('button', { name: /^Cart/ }).click();
      await cart.getByRole('button', { name: 'Remove' }).waitFor();
      await fits('the cart');
      await shopper.screenshot(`long-cart-${width}`);
      await cart.getByRole('button', { name: 'Check out' }).click();
      await question(shopper).waitFor();
      await fits('the question');
      await shopper.screenshot(`long-question-${width}`);
      await question(shopper).getByRole('button', { name: 'Check out at these prices' }).click();
      await shopper.atStripe();
      await page.route('**/orders/*', async (route) => {
        const response = await route.fetch();
        const order = await response.json();
        const shipping = { shipping: 500, shipping_with_currency: '$5.00', shipping_option: { name: LONG } };
        await route.fulfill({ response, json: { ...order, ...shipping } });
      });
      await shopper.press('Pay');
      await shopper.thanked('Thank you');
      await page.getByText(`Shipping (${LONG})`).waitFor();
      await fits('the order');
      await shopper.screenshot(`long-order-${width}`);
      shopper.excuse(/409 .*\/cart\/checkout/);
    } finally {
      await stripe(`/v1/products/${product.id}`, { active: 'false' });
    }
  }, { viewport: { width, height: 800 }, reducedMotion: 'reduce' });
}
