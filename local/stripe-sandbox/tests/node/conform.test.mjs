// Uses a running sandbox through Stripe's official Node library.
//
//     cargo run -p stripe-sandbox --example serve -- 12111 http://127.0.0.1:12112
//     npm install && STRIPE_API_URL=http://127.0.0.1:12111 WEBHOOK_PORT=12112 node --test
//
// The sandbox has to send its webhooks to the port.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import Stripe from "stripe";

const { STRIPE_API_URL = "http://127.0.0.1:12111", WEBHOOK_PORT = "12112", WEBHOOK_SECRET = "whsec_sandbox" } = process.env;
const url = new URL(STRIPE_API_URL);
const stripe = new Stripe("sk_test_conformance", {
  host: url.hostname,
  port: url.port,
  protocol: "http",
  maxNetworkRetries: 0,
});

const checks = {
  async "prices are paged through"() {
    const whole = await stripe.prices.list({ limit: 100 });
    const ids = [];
    for await (const price of stripe.prices.list({ limit: 3, expand: ["data.tiers", "data.product"] })) {
      assert.equal(price.object, "price");
      assert.equal(typeof price.product, "object");
      ids.push(price.id);
    }
    assert.deepEqual(ids, whole.data.map((price) => price.id));
    assert.ok(ids.length > 10);
  },

  async "a session is created, retrieved, changed and expired"() {
    const session = await create({ metadata: { cart: "c1" } });
    assert.match(session.id, /^cs_test_/);
    assert.equal(session.amount_total, 2400);
    const again = await stripe.checkout.sessions.retrieve(session.id, { expand: ["line_items.data.price.product"] });
    assert.equal(again.line_items.data[0].price.product.object, "product");
    const changed = await stripe.checkout.sessions.update(session.id, { metadata: { cart: "c2" } });
    assert.equal(changed.metadata.cart, "c2");
    const expired = await stripe.checkout.sessions.expire(session.id);
    assert.equal(expired.status, "expired");
    await assert.rejects(stripe.checkout.sessions.expire(session.id), { type: "StripeInvalidRequestError", statusCode: 400 });
  },

  async "line items are paged through"() {
    const price = await anyPrice();
    const line_items = Array.from({ length: 12 }, (_, index) => ({ price, quantity: index + 1 }));
    const session = await create({ line_items });
    const quantities = [];
    for await (const line of stripe.checkout.sessions.listLineItems(session.id, { limit: 5 })) {
      quantities.push(line.quantity);
    }
    assert.deepEqual(quantities, line_items.map((line) => line.quantity));
  },

  async "a paid session has its payment, and the money can be given back"() {
    const session = await create();
    const page = await fetch(session.url, { method: "POST", body: new URLSearchParams({ action: "pay" }), redirect: "manual" });
    assert.equal(page.status, 303);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent.latest_charge"] });
    assert.equal(done.payment_status, "paid");
    assert.equal(done.payment_intent.latest_charge.amount, 2400);
    const refund = await stripe.refunds.create({ payment_intent: done.payment_intent.id, amount: 400 });
    assert.equal(refund.status, "succeeded");
    const found = await stripe.checkout.sessions.list({ payment_intent: done.payment_intent.id });
    assert.deepEqual(found.data.map((session) => session.id), [session.id]);
  },

  async "decimal amounts are read exactly"() {
    const product = await stripe.products.create({ name: "Conformance beads" });
    const price = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount_decimal: Stripe.Decimal?.from("0.25") ?? "0.25" });
    assert.equal(String(price.unit_amount_decimal), "0.25");
    assert.equal(price.unit_amount, null);
    await stripe.prices.update(price.id, { active: false });
    await stripe.products.update(product.id, { active: false });
  },

  async "an idempotency key has one effect"() {
    const key = `conform-${Date.now()}`;
    const price = await anyPrice();
    const parameters = { mode: "payment", line_items: [{ price, quantity: 1 }], success_url: "https://shop.example/" };
    const [one, two] = await Promise.all([1, 2].map(() => stripe.checkout.sessions.create(parameters, { idempotencyKey: key })));
    assert.equal(one.id, two.id);
    const other = { ...parameters, metadata: { a: "b" } };
    await assert.rejects(stripe.checkout.sessions.create(other, { idempotencyKey: key }), { type: "StripeIdempotencyError" });
  },

  async "errors have their class and code"() {
    await assert.rejects(stripe.prices.retrieve("price_x"), { type: "StripeInvalidRequestError", statusCode: 404, code: "resource_missing" });
    await assert.rejects(create({ nonsense: 1 }), { code: "parameter_unknown", param: "nonsense" });
    const other = new Stripe("pk_test_wrong", { host: url.hostname, port: url.port, protocol: "http" });
    await assert.rejects(other.prices.list(), { type: "StripeAuthenticationError" });
  },

  async "an event is constructed from its signed body"() {
    const [event] = (await stripe.events.list({ type: "checkout.session.completed", limit: 1 })).data;
    const payload = JSON.stringify(event);
    const secret = "whsec_conformance";
    const header = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
    const constructed = await stripe.webhooks.constructEventAsync(payload, header, secret);
    assert.equal(constructed.type, "checkout.session.completed");
    assert.equal(constructed.data.object.status, "complete");
  },

  async "webhooks that the sandbox sends are signed as the library wants"() {
    const received = new Promise((resolve) => {
      const server = createServer(async (request, response) => {
        const chunks = await request.toArray();
        response.end();
        const body = Buffer.concat(chunks);
        // Events of other checks may be repeated until they are accepted.
        if (!body.includes("Conformance bowl")) return;
        server.close();
        resolve({ body, header: request.headers["stripe-signature"] });
      }).listen(Number(WEBHOOK_PORT), "127.0.0.1");
    });
    const product = await stripe.products.create({ name: "Conformance bowl" });
    const { body, header } = await received;
    const event = stripe.webhooks.constructEvent(body, header, WEBHOOK_SECRET);
    assert.equal(event.type, "product.created");
    assert.equal(event.data.object.id, product.id);
    assert.throws(() => stripe.webhooks.constructEvent(body, header, "whsec_other"), { type: "StripeSignatureVerificationError" });
    await stripe.products.del(product.id);
  },
};

async function anyPrice() {
  const { data } = await stripe.prices.list({ active: true, type: "one_time", currency: "usd", limit: 1 });
  return data[0].id;
}

async function create(more = {}) {
  return stripe.checkout.sessions.create({
    mode: "payment",
    line_items: [{ price: await anyPrice(), quantity: 2 }],
    success_url: "https://shop.example/thanks?session_id={CHECKOUT_SESSION_ID}",
    ...more,
  });
}

for (const [name, check] of Object.entries(checks)) {
  test(name, check);
}
