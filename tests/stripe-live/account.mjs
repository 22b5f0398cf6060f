// A Stripe account to ask, and what was made in it.
import Stripe from "stripe";

/** A question that cannot be asked of an account. */
export class NotAsked extends Error {}

/** How long Stripe may take until an event can be listed, or a person until they have paid, in seconds. */
const PATIENCE = { event: 20, payment: 600 };

export class Account {
  #made = [];

  constructor(stripe, { isSandbox = false, pays = false }) {
    Object.assign(this, { stripe, isSandbox, pays, start: Math.floor(Date.now() / 1000) });
  }

  async product(name = "Comparison", more = {}) {
    const product = await this.stripe.products.create({ name: `Cartwright: ${name}`, ...more });
    this.#made.push(() => this.stripe.products.update(product.id, { active: false }));
    return product;
  }

  /** A price of a new product, in dollars where nothing else is said. */
  async price(more = { unit_amount: 1200 }) {
    const product = more.product ?? (await this.product()).id;
    const price = await this.stripe.prices.create({ currency: "usd", ...more, product });
    this.#made.push(() => this.stripe.prices.update(price.id, { active: false }));
    return price;
  }

  /** An exact amount, as the library takes it. */
  decimal(text) {
    return Stripe.Decimal?.from(text) ?? text;
  }

  async coupon(more = { percent_off: 10 }) {
    const coupon = await this.stripe.coupons.create({ duration: "once", ...more });
    // The sandbox keeps coupons, and forgets them when it stops.
    if (!this.isSandbox) this.#made.push(() => this.stripe.coupons.del(coupon.id));
    return coupon;
  }

  async promotionCode(more = {}, coupon = undefined) {
    const promotion = { type: "coupon", coupon: (coupon ?? (await this.coupon())).id };
    const code = await this.stripe.promotionCodes.create({ promotion, ...more });
    this.#made.push(() => this.stripe.promotionCodes.update(code.id, { active: false }));
    return code;
  }

  /** A session for these lines: prices, or line items. */
  async session(lines, more = {}) {
    const line_items = lines.map((line) => (line.object === "price" ? { price: line.id, quantity: 1 } : line));
    const session = await this.stripe.checkout.sessions.create({
      mode: "payment",
      success_url: "https://shop.example/thanks",
      line_items,
      ...more,
    });
    this.#made.push(() => this.stripe.checkout.sessions.expire(session.id));
    return session;
  }

  /** The session once it is paid: by a form at the sandbox, by a person at Stripe. */
  async paid(session, { action = "pay", how = "card 4242 4242 4242 4242" } = {}) {
    if (this.isSandbox) {
      await fetch(session.url, { method: "POST", body: new URLSearchParams({ action }), redirect: "manual" });
    } else if (this.pays) {
      console.log(`\nPay with ${how}:\n${session.url}`);
    } else {
      throw new NotAsked("not asked: a person has to pay (--pay)");
    }
    const found = () => this.stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent"] });
    return this.#until(PATIENCE.payment, found, ({ status }) => status === "complete");
  }

  /** Opens a recovery link and returns the session of the page that it shows. */
  async recovered(session) {
    const { url } = session.after_expiration.recovery;
    if (this.isSandbox) await fetch(url, { redirect: "manual" });
    else if (this.pays) console.log(`\nOpen this page, and leave it unpaid:\n${url}`);
    else throw new NotAsked("not asked: a person has to open a page (--pay)");
    const list = () => this.stripe.checkout.sessions.list({ limit: 100, created: { gte: this.start } });
    const copy = ({ data }) => data.find(({ recovered_from }) => recovered_from === session.id);
    return copy(await this.#until(PATIENCE.payment, list, copy));
  }

  /** The types of the events since the start about an object that `concerns` knows, each once, in alphabetical order. */
  async events(types, concerns) {
    const list = async () => {
      const { data } = await this.stripe.events.list({ types, limit: 100, created: { gte: this.start } });
      const seen = data.filter(({ data }) => concerns(data.object)).map(({ type }) => type);
      return [...new Set(seen)].sort();
    };
    return this.#until(this.isSandbox ? 0 : PATIENCE.event, list, (seen) => seen.length === types.length);
  }

  async #until(seconds, read, isEnough) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const value = await read();
      if (isEnough(value) || Date.now() >= end) return value;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  /** Takes back what was made, as far as it can be: prices, products and codes are switched off, coupons deleted, open sessions expired. */
  async cleanUp() {
    for (const takeBack of this.#made.reverse()) {
      await takeBack().catch((error) => {
        // A session that was paid or has expired stays so.
        if (error.type !== "StripeInvalidRequestError") console.log(`could not clean up: ${error.message}`);
      });
    }
  }
}

/** How a request was refused, in the words that programs go by; or what `seen` says of its answer. */
export async function outcome(request, seen = () => "accepted") {
  try {
    return seen(await request);
  } catch (error) {
    if (!error.statusCode) throw error;
    const { statusCode, rawType, code, param } = error;
    return { status: statusCode, type: rawType, code: code ?? null, param: param ?? null };
  }
}
