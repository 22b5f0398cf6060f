/**
 * The page after paying: `thank-you.html?order={number}`. With `&payment=pending` the money is under way, or the shop has
 * not heard of the payment yet.
 */

import { Cart, CartError } from './cart.js';
import { Catalogue, details, showCount } from './catalogue.js';

const element = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const number = query.get('order') ?? '';

/** A delayed payment takes days: this is for one that is confirmed while the shopper watches. */
const LOOKS = 40;
const PAUSE = 1500;

/** What an order's status means to who made it: a title and a sentence. */
const STATUS = {
  awaiting_payment: () => ['Thank you', 'We have your order. Your payment is under way: as soon as it arrives, we send your things.'],
  authorized: () => ['Thank you', 'We have your order. Your bank holds the amount, and we take it when we send your things.'],
  canceled: () => ['Your order is canceled', 'Nothing was charged, and your bank releases what it held.'],
  payment_failed: () => ['The payment did not arrive', 'Your order is on hold, and nothing was charged. Please order again with another payment method.'],
  paid: () => ['Thank you', 'Your order is paid, and we are packing it.'],
  partially_refunded: (order) => ['Your order', `We have refunded ${order.refunded_with_currency} to you.`],
  refunded: () => ['Your order', 'We have refunded your order in full.'],
};

function say(title, sentence) {
  // Only what changes is read out.
  if (element('title').textContent !== title) element('title').textContent = title;
  if (element('status').textContent !== sentence) element('status').textContent = sentence;
}

/** The order's products, as far as they are known: they say whether what was bought is one of several variants. */
let catalogue = new Catalogue([], null);
/** Whether they have been asked for. */
let isAsked = false;

/** Names the variants of what was bought, as the products answer. What cannot be read is not named, and no more than that. */
function nameVariants({ currency, lines }) {
  if (isAsked) return;
  isAsked = true;
  // Only a nickname tells variants apart.
  const ids = new Set(lines.filter(({ product, nickname }) => product && nickname).map(({ product }) => product));
  for (const id of ids) {
    Cart.product(id, { currency }).then((product) => {
      catalogue = new Catalogue([...catalogue.products, product], currency);
      showDetails(lines);
    }).catch((error) => error instanceof CartError || console.error(error));
  }
}

function showDetails(lines) {
  const rows = element('lines').querySelectorAll('[data-details]');
  lines.forEach((line, index) => { rows[index].textContent = details(line, catalogue.variant(line)); });
}

function show(order) {
  say(...(STATUS[order.status] ?? (() => ['Your order', '']))(order));

  element('lines').replaceChildren(...order.lines.map((line) => {
    const row = element('line').content.cloneNode(true).firstElementChild;
    const fill = (name, text) => { row.querySelector(`[data-${name}]`).textContent = text; };
    fill('name', line.name);
    fill('quantity', `× ${line.quantity}`);
    // Before discounts and taxes, which stand below.
    fill('subtotal', line.subtotal_with_currency);
    fill('description', line.description ?? '');
    return row;
  }));
  showDetails(order.lines);

  // The sum alone, where it is made of nothing but lines.
  const parts = ['discount', 'shipping', 'tax'].filter((part) => order[part] !== 0);
  const row = (label, amount, className = '') => {
    const [term, value] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = label;
    value.textContent = amount;
    term.className = value.className = className;
    return [term, value];
  };
  element('totals').replaceChildren(
    ...(parts.length ? row('Subtotal', order.subtotal_with_currency) : []),
    ...(order.discount !== 0 ? row(named('Discount', order.discounts[0]?.code), `− ${order.discount_with_currency}`) : []),
    ...(order.shipping !== 0 ? row(named('Shipping', order.shipping_option?.name), order.shipping_with_currency) : []),
    ...taxes(order).flatMap(([label, amount]) => row(label, amount)),
    ...row('Total', order.total_with_currency, 'grand'),
    ...(order.refunded !== 0 ? row('Refunded', `− ${order.refunded_with_currency}`) : []),
  );

  element('called').textContent = order.reference;
  element('number').textContent = order.number;
  element('date').dateTime = order.created_at;
  element('date').textContent = day(order.created_at);
  element('order').hidden = element('reference').hidden = false;
}

/** The taxes with their labels: in one sum, or each where only some of them are in the prices already. */
function taxes({ tax, tax_with_currency, taxes }) {
  const labelled = (label, { inclusive } = {}) => named(label, inclusive && 'included');
  const charged = taxes.filter(({ amount }) => amount !== 0);
  if (new Set(charged.map(({ inclusive }) => inclusive)).size > 1) {
    return charged.map((each) => [labelled(each.name ?? 'Tax', each), each.amount_with_currency]);
  }
  return tax === 0 ? [] : [[labelled('Tax', charged[0]), tax_with_currency]];
}

/** A time's day, in the page's language, or in the browser's where the page's is none. */
function day(time) {
  const written = (locale) => new Date(time).toLocaleDateString(locale, { dateStyle: 'long' });
  try {
    return written(document.documentElement.lang);
  } catch {
    return written();
  }
}

/** `Shipping (Express)`, where it has a name of its own. */
function named(label, name) {
  return name ? `${label} (${name})` : label;
}

/** The order, or null where it is still to come. */
async function find() {
  try {
    return await Cart.order(number);
  } catch (error) {
    if (error.code === 'order_not_found' && query.get('payment') === 'pending') return null;
    throw error;
  }
}

/** Shows the order, and looks again for a while as long as it is still to come, or its payment is under way. */
async function follow() {
  element('again').hidden = true;
  for (let look = 1; look <= LOOKS; look += 1) {
    const order = await find();
    if (order) {
      show(order);
      nameVariants(order);
    } else {
      say('One moment …', 'We have not heard of your payment yet. If you have paid, your order will be here soon.');
    }
    if (order && order.status !== 'awaiting_payment') return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  element('again').hidden = false;
}

async function start() {
  try {
    await follow();
  } catch (error) {
    if (!(error instanceof CartError)) console.error(error);
    if (error.code === 'order_not_found') {
      say('We cannot find this order', 'The address is not complete, or it is not from this shop. If you have paid, your receipt is in your mail.');
    } else {
      say('We cannot show your order', 'That says nothing about your payment. Please look again in a moment.');
      element('again').hidden = false;
    }
  }
}

element('again').addEventListener('click', start);
start();

// What was paid has left the cart. An unknown count is no reason to complain here.
Cart.get().then(showCount, () => {});
