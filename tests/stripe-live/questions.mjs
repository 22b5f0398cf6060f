// What is asked of Stripe and of the sandbox, with the answer that Stripe's documents or others' experience let us expect.
//
// An answer is an object without ids and times. In what is expected, "*" stands for any value: where the documents do not say
// which. `open` says what is not known yet, or in what the sandbox is known to differ. `only` is the side whose answer is
// looked at, where the other one cannot give it.
import { NotAsked, outcome } from "./account.mjs";

const refused = (param = "*", code = "*") => ({ status: 400, type: "invalid_request_error", code, param });
const PROMOTION = "discounts[0][promotion_code]";

/** Two tiers per unit, the first of them up to 10. */
const tiers = (first, then) => [{ up_to: 10, unit_amount: first }, { up_to: "inf", unit_amount: then }];
const tiered = { billing_scheme: "tiered", tiers_mode: "graduated", tiers: tiers(500, 400) };
const monthly = { recurring: { interval: "month" } };
const inEuros = (unit_amount) => ({ currency_options: { eur: { unit_amount } } });
/** What a session comes to. */
const total = ({ currency, amount_total }) => ({ currency, amount_total });
/** A text that is used once. */
const fresh = (text) => `${text}${Date.now().toString(36)}`;

export const QUESTIONS = [
  // The first fifteen minutes with a test key.
  {
    name: "the tiers of a further currency come by the currency's name only",
    expected: { wildcard: null, named: 2, wildcardInList: null, namedInList: 2 },
    async ask(account) {
      const euros = { currency_options: { eur: { tiers: tiers(450, 350) } } };
      const { id, product } = await account.price({ ...tiered, ...monthly, ...euros });
      const one = (expand) => account.stripe.prices.retrieve(id, { expand: ["currency_options", expand] });
      const list = async (expand) => (await account.stripe.prices.list({ product, expand: ["data.currency_options", expand] })).data[0];
      const count = (price) => price.currency_options.eur.tiers?.length ?? null;
      return {
        wildcard: count(await one("currency_options.tiers")),
        named: count(await one("currency_options.eur.tiers")),
        wildcardInList: count(await list("data.currency_options.tiers")),
        namedInList: count(await list("data.currency_options.eur.tiers")),
      };
    },
  },
  {
    name: "all that an order is made of can be expanded in its session and its lines",
    expected: { session: "accepted", lines: "accepted", code: "*" },
    async ask(account) {
      const [price, code] = [await account.price(), await account.promotionCode({ code: fresh("ORDER") })];
      const { id } = await account.session([price], { discounts: [{ promotion_code: code.id }] });
      const ofSession = ["payment_intent", "payment_intent.latest_charge", "invoice", "shipping_cost.shipping_rate", "total_details.breakdown", "discounts.promotion_code"];
      const ofLines = ["data.discounts", "data.discounts.discount.promotion_code", "data.taxes"];
      const { sessions } = account.stripe.checkout;
      const lines = sessions.listLineItems(id, { expand: ofLines });
      return {
        session: await outcome(sessions.retrieve(id, { expand: ofSession })),
        lines: await outcome(lines),
        code: (await lines).data[0].discounts[0].discount.promotion_code.code,
      };
    },
  },
  {
    name: "a session that names no currency goes by the shopper's location, and one that names it does not",
    expected: { left: { currency: "eur", amount_total: 1100 }, named: { currency: "usd", amount_total: 1200 } },
    async ask(account) {
      const price = await account.price({ unit_amount: 1200, ...inEuros(1100) });
      const customer_email = "shopper+location_FR@example.com";
      return {
        left: total(await account.session([price], { customer_email })),
        named: total(await account.session([price], { customer_email, currency: "usd" })),
      };
    },
  },
  {
    name: "a price that the shopper chooses stands alone, once and without codes",
    expected: { alone: "accepted", beside: refused(), twice: refused(), withCodes: refused() },
    async ask(account) {
      const mug = await account.price();
      const gift = await account.price({ custom_unit_amount: { enabled: true } });
      const ask = async (...session) => outcome(account.session(...session));
      return {
        alone: await ask([gift]),
        beside: await ask([gift, mug]),
        twice: await ask([{ price: gift.id, quantity: 2 }]),
        withCodes: await ask([gift], { allow_promotion_codes: true }),
      };
    },
  },
  {
    name: "manual capture: complete and unpaid, then paid, with these events",
    expected: {
      held: { status: "complete", payment_status: "unpaid", payment: "requires_capture" },
      captured: "paid",
      events: ["charge.captured", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"],
    },
    async ask(account) {
      const manual = { payment_intent_data: { capture_method: "manual" } };
      const held = await account.paid(await account.session([await account.price()], manual));
      const intent = held.payment_intent.id;
      await account.stripe.paymentIntents.capture(intent);
      const { payment_status } = await account.stripe.checkout.sessions.retrieve(held.id);
      const types = ["charge.captured", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"];
      return {
        held: { status: held.status, payment_status: held.payment_status, payment: held.payment_intent.status },
        captured: payment_status,
        events: await account.events(types, ({ id, payment_intent }) => [id, payment_intent].includes(intent)),
      };
    },
  },
  {
    name: "prices of different own currencies in one session that names a currency which both have",
    expected: refused(),
    open: "Stripe wants one default currency for all prices; whether it does when the session names another is not known",
    async ask(account) {
      const dollars = await account.price({ unit_amount: 1200, ...inEuros(1100) });
      const euros = await account.price({ currency: "eur", unit_amount: 650, currency_options: { usd: { unit_amount: 700 } } });
      return outcome(account.session([dollars, euros], { currency: "eur" }), total);
    },
  },
  {
    name: "a subscription by SEPA debit, after success: the session's own fields, and those of its invoice",
    expected: { session: { status: "complete", payment_status: "unpaid" }, invoice: "open" },
    async ask(account) {
      const price = await account.price({ currency: "eur", unit_amount: 900, ...monthly });
      const session = await account.session([price], { mode: "subscription", allowed_payment_method_types: ["sepa_debit"] });
      const paid = await account.paid(session, { action: "pay_later", how: "IBAN AT321904300235473204 (settles after 3 minutes)" });
      const { status, payment_status } = paid;
      const invoice = await account.stripe.invoices.retrieve(paid.invoice);
      return { session: { status, payment_status }, invoice: invoice.status };
    },
  },
  {
    name: "a price on two lines: one-time, and recurring",
    expected: { once: "accepted", monthly: refused() },
    async ask(account) {
      const mug = await account.price();
      const club = await account.price({ unit_amount: 500, ...monthly });
      return {
        once: await outcome(account.session([mug, mug])),
        monthly: await outcome(account.session([club, club], { mode: "subscription" })),
      };
    },
  },
  {
    name: "a line's metadata come back, also on a recovered page",
    expected: { first: { line: "one" }, recovered: { line: "one" }, session: { cart: "c1" } },
    async ask(account) {
      const price = await account.price();
      const made = await account.session([{ price: price.id, quantity: 1, metadata: { line: "one" } }], {
        metadata: { cart: "c1" },
        after_expiration: { recovery: { enabled: true } },
      });
      const ofLine = async (session) => (await account.stripe.checkout.sessions.listLineItems(session.id)).data[0].metadata;
      const first = await ofLine(made);
      const copy = await account.recovered(await account.stripe.checkout.sessions.expire(made.id));
      return { first, recovered: await ofLine(copy), session: copy.metadata };
    },
  },
  {
    name: "a percentage is rounded once for the sum, or per line",
    expected: { amount_discount: 33, lines: [11, 11, 11] },
    open: "no document says how a percentage is rounded",
    async ask(account) {
      const prices = [await account.price({ unit_amount: 105 }), await account.price({ unit_amount: 105 }), await account.price({ unit_amount: 105 })];
      const session = await account.session(prices, { discounts: [{ coupon: (await account.coupon()).id }] });
      const lines = await account.stripe.checkout.sessions.listLineItems(session.id);
      return { amount_discount: session.total_details.amount_discount, lines: lines.data.map((line) => line.amount_discount) };
    },
  },
  {
    name: "price_data makes a product and a price, with events",
    expected: { events: ["price.created", "product.created"] },
    async ask(account) {
      const name = fresh("Cartwright: inline ");
      const price_data = { currency: "usd", unit_amount: 1200, product_data: { name } };
      const made = await account.session([{ price_data, quantity: 1 }]);
      const [{ price }] = (await account.stripe.checkout.sessions.listLineItems(made.id)).data;
      const events = await account.events(["price.created", "product.created"], ({ id }) => [price.id, price.product].includes(id));
      return { events };
    },
  },

  // Prices.
  {
    name: "a one-time price may be tiered",
    expected: { type: "one_time", tiers: 2 },
    open: "seen by others: \"Prices with `type=one_time` are not supported with tiered billing\"",
    ask: async (account) =>
      outcome(account.price({ ...tiered, expand: ["tiers"] }), ({ type, tiers }) => ({ type, tiers: tiers.length })),
  },
  {
    name: "an amount in whole and in decimal units at once",
    expected: refused(),
    ask: async (account) => outcome(account.price({ unit_amount: 12, unit_amount_decimal: account.decimal("12.5") })),
  },
  {
    name: "amounts that no currency has",
    expected: { tooLarge: refused(), threeDecimals: refused(), iceland: refused(), nowhere: refused(), wholeDinars: "accepted" },
    async ask(account) {
      const ask = async (price) => outcome(account.price(price));
      return {
        tooLarge: await ask({ unit_amount: 1_000_000_000_000 }),
        threeDecimals: await ask({ currency: "kwd", unit_amount: 3251 }),
        iceland: await ask({ currency: "isk", unit_amount: 1250 }),
        nowhere: await ask({ currency: "xxx", unit_amount: 100 }),
        wholeDinars: await ask({ currency: "kwd", unit_amount: 3250 }),
      };
    },
  },
  {
    name: "tiers exclude packages",
    expected: refused(),
    async ask(account) {
      const packages = { transform_quantity: { divide_by: 6, round: "up" } };
      return outcome(account.price({ ...tiered, ...monthly, ...packages }));
    },
  },
  {
    name: "a lookup key is unique, unless it is transferred",
    expected: { again: refused(), transferred: { before: null } },
    async ask(account) {
      const lookup_key = fresh("cartwright_");
      const { id, product } = await account.price({ unit_amount: 1200, lookup_key });
      const again = await outcome(account.price({ product, unit_amount: 1300, lookup_key }));
      await account.price({ product, unit_amount: 1400, lookup_key, transfer_lookup_key: true });
      const before = await account.stripe.prices.retrieve(id);
      return { again, transferred: { before: before.lookup_key } };
    },
  },

  // Promotion codes.
  {
    name: "a code for first purchases, where the session makes no customer, and where it makes one",
    expected: { payment: refused(PROMOTION), makesOne: "accepted", subscription: "accepted" },
    async ask(account) {
      const code = await account.promotionCode({ restrictions: { first_time_transaction: true } });
      const discounts = [{ promotion_code: code.id }];
      const mug = await account.price();
      const club = await account.price({ unit_amount: 500, ...monthly });
      return {
        payment: await outcome(account.session([mug], { discounts })),
        makesOne: await outcome(account.session([mug], { discounts, customer_creation: "always" })),
        subscription: await outcome(account.session([club], { discounts, mode: "subscription" })),
      };
    },
  },
  {
    name: "a code below its minimum, for another currency, and switched off",
    expected: { minimum: refused(PROMOTION), currency: refused(), inactive: refused(PROMOTION) },
    async ask(account) {
      const mug = await account.price();
      const ask = async (code) => outcome(account.session([mug], { discounts: [{ promotion_code: code.id }] }));
      const minimum = { minimum_amount: 9999, minimum_amount_currency: "usd" };
      const euros = await account.coupon({ amount_off: 100, currency: "eur" });
      const retired = await account.promotionCode();
      await account.stripe.promotionCodes.update(retired.id, { active: false });
      return {
        minimum: await ask(await account.promotionCode({ restrictions: minimum })),
        currency: await ask(await account.promotionCode({}, euros)),
        inactive: await ask(retired),
      };
    },
  },
  {
    name: "a code's text is found whatever its case, also when it is switched off, with its coupon's currencies",
    expected: { found: 1, amount: 90, minimum: 80, active: false },
    async ask(account) {
      const coupon = await account.coupon({ amount_off: 100, currency: "usd", currency_options: { eur: { amount_off: 90 } } });
      const restrictions = { minimum_amount: 100, minimum_amount_currency: "usd", currency_options: { eur: { minimum_amount: 80 } } };
      const { id, code } = await account.promotionCode({ code: fresh("CARTWRIGHT"), restrictions }, coupon);
      await account.stripe.promotionCodes.update(id, { active: false });
      const expand = ["promotion.coupon", "promotion.coupon.currency_options", "restrictions.currency_options"];
      const { data } = await account.stripe.promotionCodes.list({ code: code.toLowerCase(), expand: expand.map((field) => `data.${field}`) });
      const [found] = data;
      return {
        found: data.length,
        amount: found?.promotion.coupon.currency_options.eur.amount_off,
        minimum: found?.restrictions.currency_options.eur.minimum_amount,
        active: found?.active,
      };
    },
  },
  {
    name: "a code's text exists once for everybody",
    expected: { again: refused() },
    async ask(account) {
      const { code } = await account.promotionCode({ code: fresh("CARTWRIGHT") });
      return { again: await outcome(account.promotionCode({ code: code.toLowerCase() })) };
    },
  },

  // Sessions.
  {
    name: "parameters of one mode, in the other",
    expected: { invoice: refused(), shipping: refused(), payment: refused(), subscription: refused(), submitType: "accepted" },
    async ask(account) {
      const mug = await account.price();
      const club = await account.price({ unit_amount: 500, ...monthly });
      const ask = async (...session) => outcome(account.session(...session));
      const mode = "subscription";
      const rate = { shipping_rate_data: { display_name: "Post", type: "fixed_amount", fixed_amount: { amount: 500, currency: "usd" } } };
      return {
        invoice: await ask([club], { mode, invoice_creation: { enabled: true } }),
        shipping: await ask([club], { mode, shipping_options: [rate] }),
        payment: await ask([club], { mode, payment_intent_data: { description: "x" } }),
        subscription: await ask([mug], { subscription_data: { description: "x" } }),
        submitType: await ask([club], { mode, submit_type: "subscribe" }),
      };
    },
  },
  {
    name: "payment_method_types is gone",
    expected: refused("payment_method_types", "parameter_unknown"),
    ask: async (account) => outcome(account.session([await account.price()], { payment_method_types: ["card"] })),
  },
  {
    name: "a filter that leaves no method of payment",
    expected: refused(null, null),
    ask: async (account) => outcome(account.session([await account.price()], { allowed_payment_method_types: ["sepa_debit"] })),
  },
  {
    name: "discounts exclude codes that are asked for",
    expected: refused(),
    async ask(account) {
      const discounts = [{ coupon: (await account.coupon()).id }];
      return outcome(account.session([await account.price()], { discounts, allow_promotion_codes: true }));
    },
  },
  {
    name: "an archived price",
    expected: refused("line_items[0][price]"),
    async ask(account) {
      const price = await account.price();
      await account.stripe.prices.update(price.id, { active: false });
      return outcome(account.session([price]));
    },
  },
  {
    name: "an empty metadata value is no value",
    expected: { metadata: { kept: "x" } },
    async ask(account) {
      const { metadata } = await account.session([await account.price()], { metadata: { kept: "x", empty: "" } });
      return { metadata };
    },
  },
  {
    name: "eleven optional items, and ten",
    expected: { ten: "accepted", eleven: refused() },
    async ask(account) {
      const mug = await account.price();
      const product = (await account.product()).id;
      const items = [];
      for (let amount = 1; amount <= 11; amount++) {
        items.push({ price: (await account.price({ product, unit_amount: 100 * amount })).id, quantity: 1 });
      }
      const ask = async (count) => outcome(account.session([mug], { optional_items: items.slice(0, count) }));
      return { ten: await ask(10), eleven: await ask(11) };
    },
  },
  {
    name: "a session is expired once",
    expected: { first: "expired", again: refused() },
    async ask(account) {
      const { id } = await account.session([await account.price()]);
      const { status } = await account.stripe.checkout.sessions.expire(id);
      return { first: status, again: await outcome(account.stripe.checkout.sessions.expire(id)) };
    },
  },

  // The protocol.
  {
    name: "a key for two different requests",
    expected: { status: 400, type: "idempotency_error", code: null, param: null },
    async ask(account) {
      const idempotencyKey = fresh("cartwright-");
      const product = await account.product();
      await account.stripe.products.update(product.id, { metadata: { a: "1" } }, { idempotencyKey });
      return outcome(account.stripe.products.update(product.id, { metadata: { a: "2" } }, { idempotencyKey }));
    },
  },
  {
    name: "an error says where the dashboard has the request",
    expected: { status: 404, code: "resource_missing", requestId: true, url: "https://dashboard.stripe.com/" },
    async ask(account) {
      try {
        await account.stripe.prices.retrieve("price_nowhere");
        return "accepted";
      } catch ({ statusCode, code, requestId, raw }) {
        return { status: statusCode, code, requestId: Boolean(requestId), url: raw.request_log_url?.slice(0, 29) };
      }
    },
  },
  {
    name: "five levels of expansion",
    expected: { four: "accepted", five: refused() },
    async ask(account) {
      const four = await outcome(account.stripe.promotionCodes.list({ expand: ["data.promotion.coupon.currency_options"] }));
      const five = await outcome(account.stripe.prices.list({ expand: ["data.currency_options.eur.tiers.x"] }));
      return { four, five };
    },
  },
  {
    name: "the status of lock_timeout, if 30 changes of a product at once bring one",
    expected: { statuses: [429] },
    only: "stripe",
    async ask(account) {
      if (account.isSandbox) throw new NotAsked("not asked: the sandbox locks nothing by itself");
      const product = await account.product();
      const changes = Array.from({ length: 30 }, (_, index) =>
        outcome(account.stripe.products.update(product.id, { metadata: { a: String(index) } }, { maxNetworkRetries: 0 })),
      );
      const locked = (await Promise.all(changes)).filter(({ code }) => code === "lock_timeout");
      return { statuses: [...new Set(locked.map(({ status }) => status))] };
    },
  },
];
