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
 * Every method rejects with a {@link CartError}.
 */

/**
 * @typedef {object} Price A price of Stripe's: https://docs.stripe.com/api/prices/object
 * @property {string} price Its id.
 * @property {string} currency
 * @property {string} product
 * @property {number | null} unit_amount In minor units.
 * @property {string | null} unit_amount_decimal
 * @property {{ interval: string, interval_count: number, usage_type: string } | null} recurring
 * @property {'per_unit' | 'tiered'} billing_scheme
 * @property {{ divide_by: number, round: 'up' | 'down' } | null} transform_quantity
 * @property {{ preset: number | null } | null} [custom_unit_amount]
 * @property {Record<string, object>} [currency_options]
 * @property {string | null} [unit_price_with_currency] What one costs, where it comes with a product.
 *
 * @typedef {object} Product A product of Stripe's: https://docs.stripe.com/api/products/object
 * @property {string} id
 * @property {string} name
 * @property {string | null} description
 * @property {string[]} images
 * @property {string | null} unit_label
 * @property {Price[]} [prices] Not on the products of a cart.
 *
 * @typedef {Price & { quantity: number, description: string | null, available: boolean }} Item
 *
 * @typedef {object} CartBody
 * @property {string | null} number Null while there is no cart.
 * @property {Record<string, string>} metadata
 * @property {number} total_price
 * @property {string} total_price_with_currency
 * @property {string} currency
 * @property {number} item_count
 * @property {Item[]} items
 * @property {Record<string, Product>} products By id.
 * @property {{ code: string, price: string }[]} warnings
 *
 * @typedef {object} Order Amounts are in minor units; beside each stands `<name>_with_currency`.
 * @property {string} number
 * @property {'awaiting_payment' | 'authorized' | 'payment_failed' | 'canceled' | 'paid' | 'partially_refunded' | 'refunded'} status
 * @property {number} item_count
 * @property {{ price: string, name: string, description: string | null, quantity: number, total_with_currency: string }[]} lines
 * @property {string} total_with_currency
 * @property {string} created_at
 */

/** Why the API refused, or could not be asked. Programs go by `code`; `message` is for people. */
export class CartError extends Error {
  /**
   * @param {{ message: string, code: string, details?: object, status?: number }} body
   */
  constructor({ message, code, details = {}, status = 0 }) {
    super(message);
    this.name = 'CartError';
    this.code = code;
    this.details = details;
    this.status = status;
  }
}

const STORAGE_KEY = 'cart-token';

/** The token of a cart behind an API on another origin. Without localStorage it lasts as long as the page. */
const token = {
  value: null,
  read() {
    try {
      return localStorage.getItem(STORAGE_KEY) ?? this.value;
    } catch {
      return this.value;
    }
  },
  write(value) {
    this.value = value;
    try {
      localStorage.setItem(STORAGE_KEY, value);
    } catch {
      // Blocked, or full.
    }
  },
};

export const Cart = {
  /** Where the API is, without a slash at the end; empty for the page's own origin. */
  base: (document.documentElement.dataset.api ?? '').replace(/\/+$/, ''),

  /**
   * The cart.
   * @returns {Promise<CartBody>}
   */
  get() {
    return request('GET', '/cart');
  },

  /**
   * Adds items, all or none of them.
   * @param {{ price: string, quantity?: number, description?: string, adjustable_quantity?: object }[]} items
   * @returns {Promise<CartBody>}
   */
  add(items) {
    return request('POST', '/cart/add', { items });
  },

  /**
   * Sets quantities (0 removes), attributes of lines, and metadata (which replace those that the cart had).
   * @param {{ updates?: Record<string, { quantity?: number, description?: string }>, metadata?: Record<string, string> }} changes
   * @returns {Promise<CartBody>}
   */
  update(changes) {
    return request('POST', '/cart/update', changes);
  },

  /**
   * Empties the cart.
   * @returns {Promise<CartBody>}
   */
  clear() {
    return request('POST', '/cart/clear');
  },

  /**
   * A Stripe Checkout Session for the cart: send the shopper to its `url`.
   * @param {{ email?: string, promotion_code?: string }} [wishes]
   * @returns {Promise<{ id: string, url: string }>}
   */
  checkout(wishes = {}) {
    return request('POST', '/cart/checkout', wishes);
  },

  /**
   * All products that are for sale, with their prices.
   * @returns {Promise<Product[]>}
   */
  async products() {
    const products = [];
    for (let page = { has_more: true, data: [] }; page.has_more; products.push(...page.data)) {
      const after = page.data.at(-1);
      page = await request('GET', `/products?limit=100${after ? `&starting_after=${encodeURIComponent(after.id)}` : ''}`);
    }
    return products;
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

async function request(method, path, body) {
  const isElsewhere = new URL(Cart.base || '/', location.href).origin !== location.origin;
  const headers = {};
  if (body) headers['Content-Type'] = 'application/json';
  if (isElsewhere && token.read()) headers['Cart-Token'] = token.read();

  let response;
  let answer;
  try {
    response = await fetch(Cart.base + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      credentials: isElsewhere ? 'omit' : 'same-origin',
    });
    answer = await response.json();
  } catch {
    // No network, or an answer from something that is not the API.
    throw new CartError({ message: 'The shop cannot be reached. Please try again.', code: 'unreachable', status: response?.status });
  }

  const received = response.headers.get('Cart-Token');
  if (isElsewhere && received) token.write(received);
  if (!response.ok) throw new CartError({ code: 'unknown', message: 'Something went wrong.', ...answer, status: response.status });
  return answer;
}
