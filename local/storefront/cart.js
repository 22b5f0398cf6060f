/**
 * A client of the cart API, without dependencies and without markup: copy it into any shop.
 *
 *     import { Cart } from './cart.js';
 *     const cart = await Cart.add([{ price: 'price_mug', quantity: 2 }]);
 *     location.assign((await Cart.checkout()).url);
 *
 * On the API's own origin a cookie says whose cart it is. Where the API is on another one (`Cart.base`, or `data-api`
 * on the page's <html>), the cart's token is kept in localStorage and travels in the header `Cart-Token`; the API must
 * list the shop's origin in `ALLOWED_ORIGINS`.
 *
 * It can be imported on a server too, to read products and orders: set `Cart.base` there. A server works for many
 * visitors, so no token is kept or sent there.
 *
 * Every method rejects with a {@link CartError}.
 */

/**
 * @typedef {object} Price A price of Stripe's: https://docs.stripe.com/api/prices/object
 * @property {string} price Its id.
 * @property {string | null} nickname What tells it from other prices of its product.
 * @property {string} currency Its own; it may have others in `currency_options`.
 * @property {string} product
 * @property {number | null} unit_amount In minor units.
 * @property {string | null} unit_amount_decimal
 * @property {{ interval: string, interval_count: number, usage_type: string } | null} recurring
 * @property {'per_unit' | 'tiered'} billing_scheme
 * @property {{ divide_by: number, round: 'up' | 'down' } | null} transform_quantity
 * @property {{ preset: number | null } | null} [custom_unit_amount]
 * @property {Record<string, object>} [currency_options]
 * @property {string | null} unit_price_with_currency What one unit costs. In a list of products: in the currency that was
 *   asked for, and where units come in packages, what a package costs. Null where no single amount says it.
 * @property {Record<string, string>} metadata `minimum_quantity` and `maximum_quantity` bound what can be bought.
 *
 * @typedef {object} Product A product of Stripe's: https://docs.stripe.com/api/products/object
 * @property {string} id
 * @property {string} name
 * @property {string | null} description
 * @property {string[]} images
 * @property {string | null} unit_label
 * @property {Record<string, string>} metadata
 * @property {Price[]} [prices] Not on the products of a cart.
 *
 * @typedef {object} Line What a line of the cart has beside the fields of its price. Its amounts are in the cart's currency,
 *   and null while it is not available.
 * @property {string} id What `update` knows it by.
 * @property {number} quantity
 * @property {Record<string, string>} attributes What tells it from other lines of its price.
 * @property {string | null} description
 * @property {{ enabled: boolean, minimum?: number, maximum?: number }} adjustable_quantity
 * @property {boolean} available
 * @property {number | null} total_price_minor
 * @property {number | null} total_price
 * @property {string | null} total_price_with_currency
 *
 * @typedef {Price & Line} Item
 *
 * @typedef {object} CartBody
 * @property {string | null} number Null while there is no cart.
 * @property {number} version Another after each change; 0 while there is no cart.
 * @property {'active' | 'checkout' | 'completed'} status
 * @property {Record<string, string>} metadata
 * @property {number} total_price
 * @property {string} total_price_with_currency
 * @property {{ interval: string, interval_count: number, total_price_with_currency: string } | null} recurring What is paid
 *   again at each renewal.
 * @property {string} currency
 * @property {number} item_count
 * @property {Item[]} items
 * @property {Record<string, Product>} products By id.
 * @property {{ code: string, price: string, id: string, minimum?: number | null, maximum?: number | null,
 *   successor?: string, from?: number | null, to?: number | null, from_with_currency?: string | null,
 *   to_with_currency?: string | null }[]} warnings With `price_changed`, the line is shown at the price `successor`. What a unit
 *   cost and costs (`from`, `to`) is in minor units of the cart's currency; it is null where no single amount says it.
 *
 * @typedef {object} Order Amounts are in minor units; beside each stands `<name>_with_currency`.
 * @property {string} number
 * @property {'awaiting_payment' | 'authorized' | 'payment_failed' | 'canceled' | 'paid' | 'partially_refunded' | 'refunded'} status
 * @property {string} currency
 * @property {number} item_count
 * @property {OrderLine[]} lines
 * @property {string} subtotal_with_currency What the lines' subtotals add up to.
 * @property {string} total_with_currency
 * @property {string} created_at
 *
 * @typedef {object} OrderLine
 * @property {string | null} price
 * @property {string | null} product
 * @property {string} name
 * @property {string | null} nickname
 * @property {string | null} description
 * @property {Record<string, string>} attributes
 * @property {number} quantity
 * @property {string} subtotal_with_currency Before discounts and taxes.
 * @property {string} total_with_currency
 */

/** Why the API refused, or could not be asked. Programs go by `code`; `message` is for people. */
export class CartError extends Error {
  /**
   * @param {{ message: string, code: string, details?: object, status?: number, retryAfter?: number | null }} body
   */
  constructor({ message, code, details = {}, status = 0, retryAfter = null }) {
    super(message);
    this.name = 'CartError';
    this.code = code;
    this.details = details;
    this.status = status;
    /** The seconds after which another try makes sense, where the API says so. */
    this.retryAfter = retryAfter;
  }
}

/** Where the page says that the API is; empty for the page's own origin, and where there is no page. */
const baseOfPage = () => (globalThis.document?.documentElement.dataset.api ?? '').replace(/\/+$/, '');

/** Whether this works for one visitor, as in a page or a worker. A server has no location. */
const hasVisitor = () => globalThis.location !== undefined;

const isElsewhere = () => !hasVisitor() || new URL(Cart.base || '/', location.href).origin !== location.origin;

const STORAGE_KEY = 'cart-token';

/** The token of a cart behind an API on another origin. Without localStorage it lasts as long as the page. */
const token = {
  value: null,
  read() {
    if (!hasVisitor()) return null;
    try {
      return localStorage.getItem(STORAGE_KEY) ?? this.value;
    } catch {
      return this.value;
    }
  },
  write(value) {
    if (!hasVisitor()) return;
    this.value = value;
    try {
      localStorage.setItem(STORAGE_KEY, value);
    } catch {
      // Blocked, or full.
    }
  },
};

let base;

export const Cart = {
  /** Where the API is, without a slash at the end; empty for the page's own origin. */
  get base() {
    return base ?? baseOfPage();
  },
  set base(url) {
    base = url.replace(/\/+$/, '');
  },

  /**
   * The currency of the cart that the next change opens, if it opens one; null for that of its first price.
   * @type {string | null}
   */
  currency: null,

  /**
   * The cart.
   * @returns {Promise<CartBody>}
   */
  get() {
    return request('GET', '/cart');
  },

  /**
   * Adds items, all or none of them. Units of one price with other `attributes` are another line.
   * @param {{ price: string, quantity?: number, attributes?: Record<string, string>, description?: string,
   *   adjustable_quantity?: object }[]} items
   * @returns {Promise<CartBody>}
   */
  add(items) {
    return change('/cart/add', { items });
  },

  /**
   * Sets quantities (0 removes) and descriptions of lines, by the lines' ids, and metadata (which replace those that the
   * cart had).
   * @param {{ updates?: Record<string, { quantity?: number, description?: string }>, metadata?: Record<string, string> }} changes
   * @returns {Promise<CartBody>}
   */
  update(changes) {
    return change('/cart/update', changes);
  },

  /**
   * Empties the cart.
   * @returns {Promise<CartBody>}
   */
  clear() {
    return change('/cart/clear');
  },

  /**
   * A Stripe Checkout Session for the cart: send the shopper to its `url`.
   *
   * Where prices rose since they were put into the cart, it rejects with `cart_changed` and `details.successors`. Show the
   * shopper the cart with its warnings `price_changed`. Their yes is its `version`, and the `successor` of each such line by the
   * line's `id`. The lines in `details.lines` cannot be bought any more, whatever the shopper says.
   * @param {{ email?: string, promotion_code?: string, accept_version?: number,
   *   accept_successors?: Record<string, string> }} [wishes]
   * @returns {Promise<{ id: string, url: string }>}
   */
  checkout(wishes = {}) {
    return change('/cart/checkout', wishes);
  },

  /**
   * All products that are for sale, with all their prices, which are written in `currency` where they can be paid in it.
   * Without one they are written in their own.
   * @param {{ currency?: string | null }} [options]
   * @returns {Promise<Product[]>}
   */
  async products({ currency } = {}) {
    const query = new URLSearchParams({ limit: 100, ...(currency && { currency }) });
    const products = [];
    for (let page = { has_more: true, data: [] }; page.has_more; products.push(...page.data)) {
      if (page.data.length > 0) query.set('starting_after', page.data.at(-1).id);
      page = await request('GET', `/products?${query}`);
    }
    return products;
  },

  /**
   * One product, as in the list. It rejects with `product_not_found` where it is not for sale, and where its id has a slash.
   * @param {string} id
   * @param {{ currency?: string | null }} [options]
   * @returns {Promise<Product>}
   */
  product(id, { currency } = {}) {
    return request('GET', `/products/${encodeURIComponent(id)}${currency ? `?currency=${currency}` : ''}`);
  },

  /**
   * An order, as the thank-you page shows it.
   * @param {string} number
   * @returns {Promise<Order>}
   */
  order(number) {
    return request('GET', `/orders/${encodeURIComponent(number)}`);
  },
};

/** Ends when the last change has been answered. */
let turns = Promise.resolve();

/**
 * Sends a visitor's changes one after the other. Side by side, changes without a cart would open one each, and only the last
 * one would be kept. Whether there is a cart only the answer says: it may have expired, or another tab has paid or forgotten it.
 */
function change(path, body) {
  const send = () => request('POST', path, body);
  if (!hasVisitor()) return send();
  const answer = turns.then(send);
  turns = answer.then(() => {}, () => {});
  return answer;
}

async function request(method, path, body) {
  const elsewhere = isElsewhere();
  const held = elsewhere ? token.read() : null;
  const headers = {
    ...(body && { 'Content-Type': 'application/json' }),
    ...(held && { 'Cart-Token': held }),
    ...(Cart.currency && path.startsWith('/cart') && { 'X-Currency': Cart.currency }),
  };

  let response;
  let answer;
  try {
    response = await fetch(Cart.base + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      credentials: elsewhere ? 'omit' : 'same-origin',
    });
    answer = await response.json();
  } catch {
    // No network, or an answer from something that is not the API.
    throw new CartError({ message: 'The shop cannot be reached. Please try again.', code: 'unreachable', status: response?.status });
  }

  const received = response.headers.get('Cart-Token');
  if (elsewhere && received) token.write(received);
  if (!response.ok) {
    const { status } = response;
    // Where API Gateway turns requests away, its answer has no code.
    const code = status === 429 ? 'too_many_requests' : 'unknown';
    const retryAfter = Number(response.headers.get('Retry-After')) || null;
    throw new CartError({ code, message: 'Something went wrong.', ...answer, status, retryAfter });
  }
  return answer;
}
