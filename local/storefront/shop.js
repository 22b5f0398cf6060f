/** The page of products and its cart. */

import { Cart, CartError } from './cart.js';
import { Catalogue, boundsOfLine, boundsOfPrice, countOfItems, details, showCount, stepped, titled } from './catalogue.js';

const element = (id) => document.getElementById(id);
const panel = element('cart');
const lines = element('lines');
const notice = element('notice');
const changes = element('changes');

/** The cart as the API last answered it. @type {import('./cart.js').CartBody} */
let cart;
/** What is on the page. */
let catalogue = new Catalogue([], null);
/** Quantities of lines that the shopper has set and the API has not been told yet. @type {Map<string, number>} */
const wanted = new Map();

/** The currency that the shopper chose, also on an earlier visit. */
const currencyOfLastVisit = {
  read() {
    try {
      return localStorage.getItem('currency');
    } catch {
      return null;
    }
  },
  write(currency) {
    try {
      localStorage.setItem('currency', currency);
    } catch {
      // Blocked, or full.
    }
  },
};

// ---------------------------------------------------------------------------------------------------------------------
// What the shopper does
// ---------------------------------------------------------------------------------------------------------------------

let queue = Promise.resolve();

/** How much that was asked for with a button is not done yet. @type {Map<Element, number>} */
const tasks = new Map();

/**
 * Does one thing after the other, so that the last answer is the cart's last state. The `button` that asked for it is busy until
 * it is done, and keeps the focus.
 */
function act(work, button = null) {
  occupy(button, 1);
  queue = queue.then(async () => {
    panel.setAttribute('aria-busy', 'true');
    try {
      await work();
    } catch (error) {
      await recover(error);
    } finally {
      panel.removeAttribute('aria-busy');
      occupy(button, -1);
    }
  });
  return queue;
}

function occupy(button, more) {
  if (!button) return;
  const count = (tasks.get(button) ?? 0) + more;
  if (count > 0) {
    tasks.set(button, count);
    button.setAttribute('aria-busy', 'true');
  } else {
    tasks.delete(button);
    button.removeAttribute('aria-busy');
  }
}

async function recover(error) {
  complain(error);
  wanted.clear();
  element('currency').value = catalogue.currency;
  // What is shown must be what the API has, whatever went wrong. If it does not answer, that has been said.
  await Cart.get().then(show, () => cart && show(cart));
}

/**
 * Adds one unit of `price`, of the product called `name`, or as many as make the least that can be bought. What was typed for
 * it in `field` is not meant for the next one.
 */
function add(price, attributes, name, field, button) {
  return act(async () => {
    const quantity = Math.max(1, (boundsOfPrice(price).minimum ?? 1) - held(price, attributes));
    show(await Cart.add([{ price: price.price, quantity, attributes }]));
    field.value = '';
    tell(`Added to cart: ${name}. ${summary()}`);
  }, button);
}

/** Shows the quantity at once; several clicks in a row are sent as one update. */
function setQuantity(id, quantity, button) {
  wanted.set(id, quantity);
  show(cart);
  return act(async () => {
    const sent = [...wanted];
    if (sent.length === 0) return;
    const answer = await Cart.update({ updates: Object.fromEntries(sent.map(([id, quantity]) => [id, { quantity }])) });
    // A click while it was on its way counts from what is shown, and is sent next.
    for (const [id, quantity] of sent) if (wanted.get(id) === quantity) wanted.delete(id);
    show(answer);
    tell(summary(), { seen: false });
  }, button);
}

/** Sets the quantity that a button of a line's stepper leads to, or says why it leads nowhere. */
function takeStep(item, button) {
  const step = Number(button.dataset.step);
  const bounds = boundsOfLine(item);
  const next = stepped(quantityOf(item), step, bounds);
  if (next === null) tell(within(step < 0 ? bounds : { ...bounds, maximum: bounds.maximum ?? quantityOf(item) }));
  else setQuantity(item.id, next, button);
}

/** The quantity of a line that is on its way, or else the one that it has. */
const quantityOf = (item) => wanted.get(item.id) ?? item.quantity;

function setGift(isGift) {
  const { is_gift, ...metadata } = cart.metadata;
  return act(async () => show(await Cart.update({ metadata: isGift ? { ...metadata, is_gift: 'yes' } : metadata })));
}

function clear() {
  return act(async () => {
    show(await Cart.clear());
    tell('Your cart is empty.', { seen: false });
    element('cart-title').focus();
  }, element('clear'));
}

/** Goes to Stripe's page, with the shopper's `yes` to what has changed, where they were asked. */
function checkOut(yes = {}) {
  setEnabled(element('checkout'), false);
  return act(async () => {
    const promotion_code = element('promotion-code').value.trim();
    try {
      const session = await Cart.checkout({ ...(promotion_code && { promotion_code }), ...yes });
      location.assign(session.url);
    } catch (error) {
      // With lines that cannot be bought, a yes to the others leads nowhere.
      if (error.code !== 'cart_changed' || error.details.prices.length > 0) throw error;
      // The yes is to what is shown.
      show(await Cart.get());
      if (!ask()) throw error;
    }
  }, element('checkout'));
}

function checkOutIfEnabled() {
  if (isEnabled(element('checkout'))) checkOut();
}

/** Asks whether the cart will do at the prices that have changed, and says whether there are any. */
function ask() {
  const { items, products, warnings, version } = cart;
  const changed = warnings.filter(isChange);
  if (changed.length === 0) return false;
  const rows = changed.map((warning) => {
    const row = element('change').content.cloneNode(true).firstElementChild;
    const item = items.find(({ id }) => id === warning.id);
    fill(row, 'name', products[item.product]?.name ?? item.price);
    fill(row, 'details', detailsOf(item));
    fill(row, 'changed', instead(warning));
    return row;
  });
  element('changed').replaceChildren(...rows);
  fill(changes, 'total', cart.total_price_with_currency);
  fill(changes, 'renewal', renewal());
  const accept_successors = Object.fromEntries(changed.map(({ id, successor }) => [id, successor]));
  changes.onclose = () => changes.returnValue === 'yes' && checkOut({ accept_version: version, accept_successors });
  changes.returnValue = '';
  // On small screens the drawer that the question is in may be closed by now.
  if (!panel.checkVisibility()) panel.showPopover();
  changes.showModal();
  return true;
}

function refresh() {
  return act(async () => {
    show(await Cart.get());
    if (cart.items.length > 0 && cart.currency !== catalogue.currency) await offer(cart.currency);
  });
}

/** Offers what can be paid in `currency`. A cart with something in it has its own. */
function shopIn(currency) {
  return act(async () => {
    if (cart?.items.length && currency !== cart.currency) {
      const message = `Your cart is in ${cart.currency.toUpperCase()}. Check out or clear it to see other prices.`;
      throw new CartError({ code: 'other_currency', message });
    }
    await offer(currency);
    currencyOfLastVisit.write(currency);
  });
}

async function offer(currency) {
  catalogue = await Catalogue.load(currency);
  Cart.currency = catalogue.currency;
  showProducts();
  // Again, now that it is known how prices are written.
  if (cart) show(cart);
}

// ---------------------------------------------------------------------------------------------------------------------
// What the shopper sees
// ---------------------------------------------------------------------------------------------------------------------

/** Shows a cart, with quantities that are on their way already in place. */
function show(answer) {
  cart = answer;
  const { items, products, currency } = cart;
  const shown = new Map([...lines.children].map((line) => [line.dataset.id, line]));
  const focused = document.activeElement;
  const hadFocus = element('filled').contains(focused);

  // Lines that stay are changed in place: they may hold the focus.
  const current = items.map((item) => {
    const product = products[item.product];
    const line = shown.get(item.id) ?? newLine(item);
    shown.delete(item.id);
    const quantity = line.querySelector('input');
    const value = String(quantityOf(item));
    if (quantity.value !== value) quantity.value = value;
    const name = product?.name ?? item.price;
    const told = detailsOf(item);
    fill(line, 'name', name);
    fill(line, 'details', told);
    line.querySelector('[data-stepper]').setAttribute('aria-label', `Quantity of ${[name, told].filter(Boolean).join(', ')}`);
    showPicture(line, product);
    // What a package costs stands in the list of products alone.
    const unit = item.unit_price_with_currency ?? catalogue.price(sold(item))?.unit_price_with_currency;
    fill(line, 'unit', asks(item, product, { currency, unit, each: ' each' }));
    fill(line, 'total', item.total_price_with_currency ?? '');
    fill(line, 'changed', instead(changeOf(item)));
    fill(line, 'bounds', boundsOf(item));
    line.querySelector('[data-gone]').hidden = item.available;
    line.querySelector('[data-unit]').hidden = !item.available;
    line.querySelector('[data-stepper]').hidden = !item.available;
    for (const button of item.available ? line.querySelectorAll('[data-step]') : []) {
      setEnabled(button, stepped(quantityOf(item), Number(button.dataset.step), boundsOfLine(item)) !== null);
    }
    return line;
  });
  for (const gone of shown.values()) gone.remove();
  current.forEach((line, index) => lines.children[index] === line || lines.insertBefore(line, lines.children[index] ?? null));
  const unavailable = items.some((item) => !item.available);
  element('empty').hidden = items.length > 0;
  element('filled').hidden = items.length === 0;
  element('unavailable').hidden = !unavailable;
  setEnabled(element('checkout'), !unavailable);
  element('gift').checked = cart.metadata.is_gift === 'yes';
  element('total').value = cart.total_price_with_currency;
  element('renewal').textContent = renewal();
  showCount(cart);
  // What had the focus may be gone, or hidden now.
  if (hadFocus && focused.getClientRects().length === 0) element('cart-title').focus();
}

/** A button that is not enabled keeps the focus, as one with `disabled` would not. */
function setEnabled(button, isEnabled) {
  if (isEnabled) button.removeAttribute('aria-disabled');
  else button.setAttribute('aria-disabled', 'true');
}

const isEnabled = (button) => !button.hasAttribute('aria-disabled');

function newLine(item) {
  const line = element('line').content.cloneNode(true).firstElementChild;
  line.dataset.id = item.id;
  return line;
}

/** Shows the product's picture in its line, unless it is there already. */
function showPicture(line, product) {
  const shown = JSON.stringify([product?.name, product?.images?.[0]]);
  if (line.dataset.shown === shown) return;
  line.dataset.shown = shown;
  line.querySelector('[data-picture]').replaceChildren(...picture(product));
}

const isChange = ({ code }) => code === 'price_changed';

/** What the cart says of a line whose price has changed. */
function changeOf(item) {
  return cart.warnings.find((warning) => isChange(warning) && warning.id === item.id);
}

/** A line at the price that it is shown at. */
function sold(item) {
  return { ...item, price: changeOf(item)?.successor ?? item.price };
}

function detailsOf(item) {
  return details(item, catalogue.variant(sold(item)));
}

/** How many units of `price` with these attributes the cart has. */
function held(price, attributes) {
  const told = (of) => JSON.stringify(Object.entries(of).sort());
  const line = cart?.items.find((item) => item.price === price.price && told(item.attributes) === told(attributes));
  return line?.quantity ?? 0;
}

/** What is wrong with a line's quantity, in words. */
function boundsOf(item) {
  const warning = cart.warnings.find(({ code, id }) => code === 'out_of_bounds' && id === item.id);
  return warning ? within(warning) : '';
}

/** Asks what is for sale, until that has been answered once. */
async function readProducts() {
  const products = element('products');
  const isUnread = () => products.hasAttribute('aria-busy');
  if (isUnread()) await act(() => offer(currencyOfLastVisit.read() ?? cart?.currency ?? null), element('read-products'));
  if (!isUnread()) return;
  products.replaceChildren();
  products.removeAttribute('aria-busy');
  element('unread-products').hidden = false;
}

function showProducts() {
  const pictured = (product) => product.images.length > 0;
  const products = [...catalogue.products].sort((a, b) => pictured(b) - pictured(a) || a.name.localeCompare(b.name));
  element('products').replaceChildren(...products.map(card));
  element('products').removeAttribute('aria-busy');
  element('no-products').hidden = products.length > 0;
  if (document.activeElement === element('read-products')) element('products').focus();
  element('unread-products').hidden = true;

  const options = catalogue.currencies.map((currency) => new Option(currency.toUpperCase(), currency));
  element('currency').replaceChildren(...options);
  element('currency').value = catalogue.currency;
  element('currencies').hidden = options.length < 2;
}

function card(product) {
  const card = element('product').content.cloneNode(true).firstElementChild;
  card.dataset.product = product.id;
  fill(card, 'name', product.name);
  fill(card, 'description', product.description ?? '');
  card.querySelector('[data-picture]').append(...picture(product));

  const choices = product.prices.map((price, index) => {
    const choice = element('price').content.cloneNode(true).firstElementChild;
    const radio = choice.querySelector('input');
    radio.value = price.price;
    radio.checked = index === 0;
    radio.hidden = product.prices.length === 1;
    fill(choice, 'variant', catalogue.variant(price));
    fill(choice, 'label', asks(price, product, { currency: catalogue.currency, unit: price.unit_price_with_currency }));
    fill(choice, 'bounds', range(boundsOfPrice(price)));
    return choice;
  });
  card.querySelector('[data-prices]').append(...choices);
  card.querySelector('[data-prices]').classList.toggle('several', choices.length > 1);

  // A product whose metadata say so takes a text of the shopper's: `personal: engraving`.
  const personal = product.metadata.personal;
  const text = card.querySelector('[data-personal]');
  text.hidden = !personal;
  if (personal) fill(text, 'asked', titled(personal));

  card.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    const { price: { value }, personal: field } = event.target.elements;
    const attributes = field.value.trim() ? { [personal]: field.value.trim() } : {};
    add(product.prices.find(({ price }) => price === value), attributes, product.name, field, event.submitter);
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

/**
 * What a price asks, in words: "$12.00", "$5.00 / month", "$7.00 per 6". `unit` is what one unit, or one package, costs in
 * `currency`; `each` is for where many are seen.
 */
function asks(price, product, { currency, unit, each = '' }) {
  const amounts = (currency !== price.currency && price.currency_options?.[currency]) || price;
  if (amounts.custom_unit_amount) return unit ? `You choose, ${unit} suggested` : 'You choose the amount';

  const { recurring, transform_quantity } = price;
  const period = recurring ? every(recurring) : '';
  if (price.billing_scheme === 'tiered') return `Priced by quantity${period}`;
  if (!unit) return '';
  const label = product?.unit_label ? ` per ${product.unit_label}` : '';
  const packages = transform_quantity ? ` per ${transform_quantity.divide_by}` : '';
  const use = recurring?.usage_type === 'metered' ? ', billed by use' : '';
  return `${unit}${packages || label || (period ? '' : each)}${period}${use}`;
}

/** " / month", " / 3 months". */
function every({ interval, interval_count }) {
  return ` / ${interval_count > 1 ? `${interval_count} ${interval}s` : interval}`;
}

/** What a unit costs now, and what it cost; nothing where no price took the place of another. */
function instead(change) {
  if (!change) return '';
  const { from_with_currency: from, to_with_currency: to } = change;
  return from && to && from !== to ? `Now ${to} instead of ${from} each.` : 'Its price has changed.';
}

/** How many units can be bought, shortly: "at least 6"; nothing where any number can. */
function range({ minimum, maximum }) {
  // One is the least of everything.
  if (minimum === null || minimum <= 1) return maximum === null ? '' : `at most ${maximum}`;
  if (maximum === null) return `at least ${minimum}`;
  return minimum === maximum ? `exactly ${minimum}` : `${minimum} to ${maximum}`;
}

/** How many units can be bought. */
function within({ minimum, maximum }) {
  if (minimum === null) return `You can buy at most ${maximum} of this.`;
  if (maximum === null) return `You can buy this from ${minimum} on.`;
  return minimum === maximum ? `You can buy ${minimum} of this.` : `You can buy ${minimum} to ${maximum} of this.`;
}

function after(seconds) {
  if (seconds === null) return 'in a moment';
  if (seconds === 1) return 'in a second';
  return seconds < 100 ? `in ${seconds} seconds` : `in ${Math.ceil(seconds / 60)} minutes`;
}

/** What is paid again, and when; nothing where nothing is. */
function renewal() {
  const { recurring, items } = cart;
  if (!recurring) return '';
  const use = items.some((item) => item.available && item.recurring?.usage_type === 'metered') ? ', plus what is used' : '';
  return `Renews at ${recurring.total_price_with_currency}${every(recurring)}${use}`;
}

function summary() {
  return `${countOfItems(cart.item_count)}, ${cart.total_price_with_currency}.`;
}

/** Errors that a shopper can do something about. */
const ADVICE = {
  mixed_currency: ({ currency, own_currency }) => own_currency
    ? 'This item cannot be paid together with what is in your cart. Check out or clear your cart first.'
    : `Your cart is in ${currency.toUpperCase()}, and this item has no price in that currency. Check out or clear your cart first.`,
  mixed_interval: () => 'Your cart already has a subscription that renews at another interval. Check out or clear your cart first.',
  recurring_line_exists: () => 'This subscription is in your cart already, and it can be there once only.',
  custom_amount_alone: () => 'An item whose price you name is paid for alone, one at a time. Check out or clear your cart first.',
  cart_changed: ({ prices }) => prices.length > 0
    ? 'Something in your cart is not available any more. Remove it to check out.'
    : 'A price has just changed. Please look at your cart, and check out again.',
  price_not_found: () => 'Sorry, this is not for sale any more.',
  line_not_found: () => 'This was not in your cart any more.',
  quantity_out_of_range: within,
  cart_too_large: () => 'The texts in your cart are too long together. Remove one, or check out first.',
  too_many_requests: (_, { retryAfter }) => `That was a lot at once. Please try again ${after(retryAfter)}.`,
  server_error: () => 'Something went wrong at our end. Please try again.',
};

function complain(error) {
  if (!(error instanceof CartError)) console.error(error);
  notify('problem', ADVICE[error.code]?.(error.details, error) ?? error.message);
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
  if ('remove' in button.dataset) setQuantity(line.dataset.id, 0, button);
  else takeStep(cart.items.find(({ id }) => id === line.dataset.id), button);
});

lines.addEventListener('change', (event) => {
  const line = event.target.closest('.line');
  if (event.target.reportValidity()) setQuantity(line.dataset.id, event.target.valueAsNumber);
  else show(cart);
});

element('currency').addEventListener('change', (event) => shopIn(event.target.value));
element('gift').addEventListener('change', (event) => setGift(event.target.checked));
element('clear').addEventListener('click', clear);
element('read-products').addEventListener('click', () => {
  element('products').setAttribute('aria-busy', 'true');
  readProducts();
});
element('checkout').addEventListener('click', checkOutIfEnabled);
element('promotion-code').addEventListener('keydown', (event) => event.key === 'Enter' && checkOutIfEnabled());

// Back from Stripe the browser may show the page as it was left; another tab may have changed the cart.
addEventListener('pageshow', (event) => event.persisted && refresh());
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refresh());
matchMedia('(min-width: 64rem)').addEventListener('change', () => panel.hidePopover());

const here = new URL(location.href);
if (here.searchParams.has('cancelled')) {
  element('cancelled').hidden = false;
  here.searchParams.delete('cancelled');
  history.replaceState(history.state, '', here);
}

await refresh();
await readProducts();
