/** What the shop offers in one currency. */

import { Cart } from './cart.js';

/** Whether `price` can be paid in `currency`: its own, or one of its options. */
const sellsIn = (price, currency) => currencies(price).includes(currency);

const currencies = (price) => [price.currency, ...Object.keys(price.currency_options ?? {})];

export class Catalogue {
  /**
   * Asks what is for sale in `currency`. Where nothing is, it is another one; where nothing is for sale at all, none.
   * @param {string | null} currency
   */
  static async load(currency) {
    const catalogue = new Catalogue(await Cart.products({ currency }), currency);
    if (catalogue.products.length > 0 || catalogue.currencies.length === 0) return catalogue;
    return Catalogue.load(catalogue.currencies[0]);
  }

  constructor(products, currency) {
    this.currency = currency;
    /** In which currencies something is for sale, that of most prices first. @type {string[]} */
    this.currencies = mostFirst(products.flatMap((product) => product.prices.flatMap(currencies)));
    /** Those that have a price in the currency, with such prices only. @type {import('./cart.js').Product[]} */
    this.products = products
      .map((product) => ({ ...product, prices: product.prices.filter((price) => sellsIn(price, currency)) }))
      .filter((product) => product.prices.length > 0);
  }

  /**
   * The price that a line of a cart has, as it stands in the list of products.
   * @param {{ price: string | null, product: string | null }} line
   * @returns {import('./cart.js').Price | undefined}
   */
  price(line) {
    return this.#prices(line).find((price) => price.price === line.price);
  }

  /**
   * What tells a price from the others of its product: its nickname, and nothing where it is the only one.
   * @param {{ price: string | null, product: string | null, nickname: string | null }} line A price, or a line that has one.
   */
  variant(line) {
    const isOne = this.#prices(line).some((other) => other.price !== line.price);
    return (isOne && line.nickname) || '';
  }

  #prices(line) {
    return this.products.find((product) => product.id === line.product)?.prices ?? [];
  }
}

/** Each of `values` once, the most frequent first. */
function mostFirst(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
}

/**
 * How many units of a price the merchant sells at a time; null where there is no bound.
 * @param {import('./cart.js').Price} price
 */
export function boundsOfPrice({ metadata }) {
  const bound = (text) => (/^\s*\d+\s*$/.test(text ?? '') ? Number(text) : null);
  return { minimum: bound(metadata.minimum_quantity), maximum: bound(metadata.maximum_quantity) };
}

/** The most units that a line can hold. */
const MOST = 999_999;

/**
 * How many units of a line can be bought: by the bounds of its price, and by its own.
 * @param {import('./cart.js').Item} line
 */
export function boundsOfLine(line) {
  const { enabled, minimum, maximum } = line.adjustable_quantity;
  const all = [boundsOfPrice(line), enabled ? { minimum, maximum } : {}];
  const given = (name) => all.map((bounds) => bounds[name] ?? null).filter((bound) => bound !== null);
  const [least, most] = [given('minimum'), given('maximum')];
  return { minimum: least.length > 0 ? Math.max(...least) : null, maximum: most.length > 0 ? Math.min(...most) : null };
}

/**
 * The quantity that a step from `quantity` leads to: one more (`step` is 1) or one less (-1), or the nearest that can be
 * bought. 0 where none less can be bought than one; null where the step leads nowhere.
 * @param {{ minimum: number | null, maximum: number | null }} bounds
 */
export function stepped(quantity, step, { minimum, maximum }) {
  const least = Math.max(minimum ?? 1, 1);
  const most = Math.min(maximum ?? MOST, MOST);
  const next = step > 0 ? Math.max(quantity + 1, least) : Math.min(quantity - 1, most);
  if (next >= least && next <= most) return next;
  return step < 0 && least === 1 ? 0 : null;
}

/** `1 item`, `2 items`. */
export function countOfItems(count) {
  return `${count} ${count === 1 ? 'item' : 'items'}`;
}

/** Shows how many items are in the cart, in its badges. */
export function showCount({ item_count }) {
  const [count, word] = countOfItems(item_count).split(' ');
  for (const badge of document.querySelectorAll('[data-count]')) badge.textContent = count;
  for (const slot of document.querySelectorAll('[data-items]')) slot.textContent = word;
}

/** What is told of a line beside its name: which variant it is, and its attributes, such as `Engraving: Ann`. */
export function details(line, variant) {
  const attributes = Object.entries(line.attributes ?? {}).map(([key, value]) => `${titled(key)}: ${value}`);
  return [variant, ...attributes].filter(Boolean).join(' · ');
}

/** `Gift wrap`, of `gift_wrap`. */
export function titled(key) {
  const words = key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
