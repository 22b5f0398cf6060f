/** The page of products and its cart. */

import { Cart, CartError } from './cart.js';

const element = (id) => document.getElementById(id);
const panel = element('cart');
const lines = element('lines');
const notice = element('notice');

/** The cart as the API last answered it. @type {import('./cart.js').CartBody} */
let cart;
/** The prices on the page by id: those say how they are written. @type {Map<string, import('./cart.js').Price>} */
const prices = new Map();
/** Quantities that the shopper has set and the API has not been told yet. @type {Map<string, number>} */
const wanted = new Map();

// ---------------------------------------------------------------------------------------------------------------------
// What the shopper does
// ---------------------------------------------------------------------------------------------------------------------

let queue = Promise.resolve();

/** Does one thing after the other, so that the last answer is the cart's last state. */
function act(work) {
  queue = queue.then(async () => {
    panel.setAttribute('aria-busy', 'true');
    try {
      await work();
    } catch (error) {
      await recover(error);
    } finally {
      panel.removeAttribute('aria-busy');
    }
  });
  return queue;
}

async function recover(error) {
  complain(error);
  wanted.clear();
  // What is shown must be what the API has, whatever went wrong. If it does not answer, that has been said.
  await Cart.get().then(show, () => cart && show(cart));
}

function add(price, name) {
  return act(async () => {
    show(await Cart.add([{ price, quantity: 1 }]));
    tell(`Added to cart: ${name}. ${summary()}`);
  });
}

/** Shows the quantity at once; several clicks in a row are sent as one update. */
function setQuantity(price, quantity) {
  wanted.set(price, quantity);
  show(cart);
  return act(async () => {
    if (wanted.size === 0) return;
    const updates = Object.fromEntries([...wanted].map(([price, quantity]) => [price, { quantity }]));
    wanted.clear();
    show(await Cart.update({ updates }));
    tell(summary(), { seen: false });
  });
}

function setGift(isGift) {
  const { is_gift, ...metadata } = cart.metadata;
  return act(async () => show(await Cart.update({ metadata: isGift ? { ...metadata, is_gift: 'yes' } : metadata })));
}

function clear() {
  return act(async () => {
    show(await Cart.clear());
    tell('Your cart is empty.', { seen: false });
    element('cart-title').focus();
  });
}

function checkOut() {
  const button = element('checkout');
  button.disabled = true;
  return act(async () => {
    const promotion_code = element('promotion-code').value.trim();
    const session = await Cart.checkout(promotion_code ? { promotion_code } : {});
    location.assign(session.url);
  });
}

function refresh() {
  return act(async () => show(await Cart.get()));
}

// ---------------------------------------------------------------------------------------------------------------------
// What the shopper sees
// ---------------------------------------------------------------------------------------------------------------------

/** Shows a cart, with quantities that are on their way already in place. */
function show(answer) {
  cart = answer;
  const { items, products, currency } = cart;
  const shown = new Map([...lines.children].map((line) => [line.dataset.price, line]));
  const hadFocus = document.activeElement?.closest('.line');

  // Lines that stay are changed in place: they may hold the focus.
  const current = items.map((item) => {
    const line = shown.get(item.price) ?? newLine(item.price, products[item.product]);
    shown.delete(item.price);
    const quantity = line.querySelector('input');
    const value = String(wanted.get(item.price) ?? item.quantity);
    if (quantity.value !== value) quantity.value = value;
    fill(line, 'unit', asks({ ...prices.get(item.price), ...item }, products[item.product], { currency, each: ' each' }));
    line.querySelector('[data-gone]').hidden = item.available;
    line.querySelector('[data-unit]').hidden = !item.available;
    line.querySelector('[data-stepper]').hidden = !item.available;
    return line;
  });
  for (const gone of shown.values()) gone.remove();
  current.forEach((line, index) => lines.children[index] === line || lines.insertBefore(line, lines.children[index] ?? null));
  if (hadFocus && !hadFocus.isConnected) element('cart-title').focus();

  const unavailable = items.some((item) => !item.available);
  element('empty').hidden = items.length > 0;
  element('filled').hidden = items.length === 0;
  element('unavailable').hidden = !unavailable;
  element('checkout').disabled = unavailable;
  element('gift').checked = cart.metadata.is_gift === 'yes';
  element('total').value = cart.total_price_with_currency;
  for (const count of document.querySelectorAll('[data-count]')) count.textContent = cart.item_count;
}

function newLine(price, product) {
  const line = element('line').content.cloneNode(true).firstElementChild;
  const name = product?.name ?? price;
  line.dataset.price = price;
  fill(line, 'name', name);
  line.querySelector('[data-stepper]').setAttribute('aria-label', `Quantity of ${name}`);
  line.querySelector('[data-picture]').append(...picture(product));
  return line;
}

function showProducts(products) {
  const buyable = products.filter((product) => product.prices.length > 0);
  const pictured = (product) => product.images.length > 0;
  const cards = buyable.sort((a, b) => pictured(b) - pictured(a) || a.name.localeCompare(b.name)).map(card);
  element('products').replaceChildren(...cards);
  element('products').removeAttribute('aria-busy');
  if (cards.length === 0) {
    element('no-products').textContent = 'There is nothing in the catalogue yet.';
    element('no-products').hidden = false;
  }
}

function card(product) {
  const card = element('product').content.cloneNode(true).firstElementChild;
  card.dataset.product = product.id;
  fill(card, 'name', product.name);
  fill(card, 'description', product.description ?? '');
  card.querySelector('[data-picture]').append(...picture(product));

  // What fits the cart comes first.
  const fitting = (price) => price.currency === cart?.currency;
  const ordered = [...product.prices].sort((a, b) => fitting(b) - fitting(a));
  const choices = ordered.map((price, index) => {
    prices.set(price.id, price);
    const choice = element('price').content.cloneNode(true).firstElementChild;
    const radio = choice.querySelector('input');
    radio.value = price.id;
    radio.checked = index === 0;
    radio.hidden = ordered.length === 1;
    fill(choice, 'label', asks(price, product));
    return choice;
  });
  card.querySelector('[data-prices]').append(...choices);
  card.querySelector('[data-prices]').classList.toggle('several', choices.length > 1);

  card.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    add(new FormData(event.target).get('price'), product.name);
  });
  return card;
}

/** A product's image; without one, its first letter on a colour of its own. */
function picture(product) {
  const letter = document.createElement('span');
  letter.className = 'letter';
  letter.textContent = (product?.name ?? '?').trim().charAt(0);
  letter.setAttribute('aria-hidden', 'true');
  const hue = [...(product?.id ?? '')].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 360, 0);
  letter.style.setProperty('--hue', hue);
  if (!product?.images?.[0]) return [letter];

  const image = new Image();
  image.alt = '';
  image.loading = 'lazy';
  image.addEventListener('error', () => image.replaceWith(letter));
  image.src = product.images[0];
  return [image];
}

function fill(root, name, text) {
  for (const slot of root.querySelectorAll(`[data-${name}]`)) {
    if (slot.textContent !== text) slot.textContent = text;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Words
// ---------------------------------------------------------------------------------------------------------------------

/** What a price asks, in words: "$12.00", "$5.00 / month", "$7.00 per 6". `each` is for where many are seen. */
function asks(price, product, { currency = price.currency, each = '' } = {}) {
  const own = currency === price.currency;
  const amounts = own ? price : (price.currency_options?.[currency] ?? price);
  const written = own && price.unit_price_with_currency;
  if (amounts.custom_unit_amount) {
    const { preset } = amounts.custom_unit_amount;
    return preset ? `You choose, ${money(preset, currency)} suggested` : 'You choose the amount';
  }

  const { recurring, transform_quantity } = price;
  const isMetered = recurring?.usage_type === 'metered';
  const unit = product?.unit_label ? ` per ${product.unit_label}` : '';
  const every = recurring ? ` / ${recurring.interval_count > 1 ? `${recurring.interval_count} ${recurring.interval}s` : recurring.interval}` : '';
  if (price.billing_scheme === 'tiered') return `Priced by quantity${every}`;
  // For one unit the API writes what is paid: nothing for metered use, rounded for fractions of a cent.
  const isPlain = written && !isMetered && amounts.unit_amount !== null;
  const amount = isPlain ? written : money(amounts.unit_amount_decimal ?? amounts.unit_amount, currency);
  const packages = transform_quantity ? ` per ${transform_quantity.divide_by}` : '';
  return `${amount}${packages || unit || (every ? '' : each)}${every}${isMetered ? ', billed by use' : ''}`;
}

/** How many decimals Stripe's amounts have, where it is not two: https://docs.stripe.com/currencies#zero-decimal */
const DIGITS = Object.fromEntries([
  ...'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' ').map((currency) => [currency, 0]),
  ...'bhd jod kwd omr tnd'.split(' ').map((currency) => [currency, 3]),
]);

/** An amount that the API has not written itself. Only shown, never reckoned with. */
function money(minor, currency) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: 'currency', currency, maximumFractionDigits: 14 });
  return format.format(Number(minor) / 10 ** (DIGITS[currency] ?? 2));
}

function summary() {
  return `${cart.item_count} ${cart.item_count === 1 ? 'item' : 'items'}, ${cart.total_price_with_currency}.`;
}

/** Errors that a shopper can do something about. */
const ADVICE = {
  mixed_currency: ({ currency, own_currency }) => own_currency
    ? 'This item cannot be paid together with what is in your cart. Check out or clear your cart first.'
    : `Your cart is in ${currency.toUpperCase()}, and this item has no price in that currency. Check out or clear your cart first.`,
  mixed_interval: () => 'Your cart already has a subscription that renews at another interval. Check out or clear your cart first.',
  custom_amount_alone: () => 'An item whose price you name is paid for alone, one at a time. Check out or clear your cart first.',
  cart_changed: () => 'Something in your cart is not available any more. Remove it to check out.',
  price_not_found: () => 'Sorry, this is not for sale any more.',
  server_error: () => 'Something went wrong at our end. Please try again.',
};

function complain(error) {
  if (!(error instanceof CartError)) console.error(error);
  notify('problem', ADVICE[error.code]?.(error.details) ?? error.message);
}

/** Says something good, for screen readers alone where it can be seen anyway. */
function tell(message, { seen = true } = {}) {
  notify('news', message, { seen });
}

let ending;

function notify(kind, message, { seen = true } = {}) {
  clearTimeout(ending);
  notice.classList.toggle('sr-only', !seen);
  notice.dataset.kind = kind;
  // Again: whatever came to the top layer later would be above it.
  notice.hidePopover();
  notice.showPopover();
  element('news').textContent = kind === 'news' ? message : '';
  element('problem').textContent = kind === 'problem' ? message : '';
  // A problem stays until the next news.
  if (kind === 'news') ending = setTimeout(() => notice.hidePopover(), 4000);
}

// ---------------------------------------------------------------------------------------------------------------------
// Wiring
// ---------------------------------------------------------------------------------------------------------------------

lines.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  const line = event.target.closest('.line');
  if (!button || !line) return;
  const quantity = line.querySelector('input');
  const next = 'remove' in button.dataset ? 0 : Math.max(0, quantity.valueAsNumber + Number(button.dataset.step));
  setQuantity(line.dataset.price, Number.isInteger(next) ? next : 1);
});

lines.addEventListener('change', (event) => {
  const line = event.target.closest('.line');
  if (event.target.reportValidity()) setQuantity(line.dataset.price, event.target.valueAsNumber);
  else show(cart);
});

element('gift').addEventListener('change', (event) => setGift(event.target.checked));
element('clear').addEventListener('click', clear);
element('checkout').addEventListener('click', checkOut);
element('promotion-code').addEventListener('keydown', (event) => event.key === 'Enter' && !element('checkout').disabled && checkOut());

// Back from Stripe the browser may show the page as it was left; another tab may have changed the cart.
addEventListener('pageshow', (event) => event.persisted && refresh());
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refresh());
matchMedia('(min-width: 64rem)').addEventListener('change', () => panel.hidePopover());

if (new URLSearchParams(location.search).has('cancelled')) {
  element('cancelled').hidden = false;
  history.replaceState(null, '', location.pathname);
}

try {
  const [products] = await Promise.all([Cart.products(), refresh()]);
  showProducts(products);
  // Again, now that it is known how prices are written.
  if (cart) show(cart);
} catch (error) {
  showProducts([]);
  complain(error);
}
