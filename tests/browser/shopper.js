/** A shopper: a browser of their own at the sample shop, and what they do there. */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

export const SHOP = (process.env.CARTWRIGHT_URL ?? 'http://127.0.0.1:3000').replace(/\/$/, '');
export const STRIPE = (process.env.STRIPE_API_URL ?? 'http://127.0.0.1:12111').replace(/\/$/, '');
const STRIPE_KEY = process.env.STRIPE_SECRET_KEY ?? 'sk_test_cartwright';
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const { SCREENSHOTS } = process.env;

/** No condition takes longer. */
const PATIENCE = 20_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A small phone, as an option of `shopping`. */
export const PHONE = { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
});

after(() => browser?.close());

/**
 * A test in a browser of its own. It fails as well if the shop's pages complained on the console, or loaded anything
 * from elsewhere, which `shopper.excuse` forgives.
 *
 * @param {string} name
 * @param {(shopper: Shopper) => Promise<void>} steps
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export function shopping(name, steps, options = {}) {
  test(name, async () => {
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: 'en-US', ...options });
    const shopper = new Shopper(await context.newPage());
    try {
      await steps(shopper);
      assert.deepEqual(shopper.complaints, []);
    } catch (error) {
      await shopper.screenshot(`failed: ${name}`);
      throw error;
    } finally {
      await context.close();
    }
  });
}

export class Shopper {
  /** What the shop's pages complained about. @type {string[]} */
  complaints = [];

  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
    this.cart = page.getByRole('complementary', { name: 'Your cart' });
    this.total = this.cart.locator('#total');
    this.problem = page.getByRole('alert');
    page.setDefaultTimeout(PATIENCE);
    page.on('console', (message) => {
      const isOfShop = message.location().url.startsWith(SHOP);
      if (isOfShop && ['error', 'warning'].includes(message.type())) this.complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (![SHOP, STRIPE, 'data:'].some((known) => url.startsWith(known))) this.complaints.push(`loaded ${url}`);
    });
  }

  /** Forgets the complaints that match. There must be at least one. */
  excuse(pattern) {
    const rest = this.complaints.filter((complaint) => !pattern.test(complaint));
    assert.ok(rest.length < this.complaints.length, `no complaint matches ${pattern}: ${this.complaints}`);
    this.complaints = rest;
  }

  /** Opens the shop and waits until all is there. */
  async visit(path = '/') {
    await this.page.goto(SHOP + path);
    await this.ready();
  }

  /** The products are there and every change has been answered. */
  async ready() {
    await this.page.locator('#products:not([aria-busy])').waitFor({ state: 'attached' });
    await this.answered();
  }

  /** The API has answered every change. */
  async answered() {
    await this.page.locator('#cart:not([aria-busy])').waitFor({ state: 'attached' });
  }

  product(name) {
    return this.page.getByRole('list', { name: 'Products' }).getByRole('listitem').filter({ has: this.page.getByRole('heading', { name, exact: true }) });
  }

  line(name) {
    return this.cart.getByRole('listitem').filter({ has: this.page.getByRole('heading', { name, exact: true }) });
  }

  quantity(name) {
    return this.line(name).getByRole('spinbutton');
  }

  async add(name) {
    await this.product(name).getByRole('button', { name: 'Add to cart' }).click();
    await this.answered();
  }

  /** Sets a line's quantity by typing it. */
  async set(name, quantity) {
    await this.quantity(name).fill(String(quantity));
    await this.quantity(name).press('Enter');
    await this.answered();
  }

  /** What the cart shows: names with quantities, and the total. */
  async seen() {
    const lines = {};
    for (const line of await this.cart.getByRole('list', { name: 'Items in the cart' }).getByRole('listitem').all()) {
      lines[await line.getByRole('heading').textContent()] = Number(await line.locator('input').inputValue());
    }
    return { lines, total: await this.total.textContent() };
  }

  /** Goes to Stripe's page; answers the session's id. */
  async checkOut() {
    await this.cart.getByRole('button', { name: 'Check out' }).click();
    return this.atStripe();
  }

  async atStripe() {
    await this.page.waitForURL(`${STRIPE}/c/pay/**`);
    return new URL(this.page.url()).pathname.split('/').pop();
  }

  /** Presses a button on Stripe's page: `Pay` (with the amount), `Pay later` or `Fail`. */
  async press(button) {
    const name = button === 'Pay' ? /^Pay \D*\d/ : button;
    await this.page.getByRole('button', { name }).click();
  }

  /** Waits for the thank-you page with this title; answers what it shows. */
  async thanked(title) {
    const { page } = this;
    await page.waitForURL(`${SHOP}/thank-you.html?**`);
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    await page.locator('#order').waitFor();
    const rows = await page.locator('#totals > *').allTextContents();
    return {
      number: await page.locator('#number').textContent(),
      reference: await page.locator('#called').textContent(),
      lines: await page.getByRole('list', { name: 'Items' }).locator('div').allTextContents(),
      totals: Object.fromEntries(rows.flatMap((label, index) => (index % 2 ? [] : [[label, rows[index + 1]]]))),
      status: await page.locator('#status').textContent(),
    };
  }

  /** Presses Tab until the element has the focus. */
  async tabTo(locator) {
    const has = () => locator.evaluate((element) => element === document.activeElement);
    for (let presses = 0; presses < 200; presses += 1) {
      await this.page.keyboard.press('Tab');
      if (await has()) return;
    }
    assert.fail(`Tab never reaches ${locator}`);
  }

  /** Keeps a picture of what is on the screen, if SCREENSHOTS says where. */
  async screenshot(name) {
    if (!SCREENSHOTS) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name.replace(/[^\w-]+/g, '-')}.png`), animations: 'disabled' });
  }
}

/**
 * Serves the API to `page` under another origin too, as if it were deployed there.
 *
 * @param {import('playwright-core').Page} page
 * @returns That origin, and the headers and path of each request that is sent to it.
 */
export async function serveElsewhere(page) {
  const api = 'http://api.example';
  const sent = [];
  await page.route(`${api}/**`, async (route) => {
    const request = route.request();
    sent.push({ ...(await request.allHeaders()), path: new URL(request.url()).pathname });
    const response = await route.fetch({ url: request.url().replace(api, SHOP) });
    const allowed = { 'access-control-allow-origin': SHOP, 'access-control-expose-headers': 'Cart-Token, ETag' };
    await route.fulfill({ response, headers: { ...response.headers(), ...allowed } });
  });
  return { api, sent };
}

/**
 * Waits until the page says yes to `condition`, a function of `arg` that may answer a promise. Playwright's `waitForFunction`
 * takes any promise for a yes.
 *
 * @param {import('playwright-core').Page} page
 */
export async function until(page, condition, arg) {
  const end = Date.now() + PATIENCE;
  while (!(await page.evaluate(condition, arg))) {
    if (Date.now() > end) throw new Error(`this never came true: ${condition}`);
  }
}

/** Sends a form to the Stripe sandbox; answers the object that it says, if it says one. */
export async function stripe(path, fields) {
  const response = await fetch(STRIPE + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${STRIPE_KEY}` },
    body: new URLSearchParams(fields),
    redirect: 'manual',
  });
  const text = await response.text();
  assert.ok(response.status < 400, `${path}: ${response.status} ${text}`);
  return /json/.test(response.headers.get('content-type')) ? JSON.parse(text) : null;
}
