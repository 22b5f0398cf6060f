// Asks Stripe's test mode and a running Stripe sandbox the same questions, and says where the sandbox is wrong.
//
//     npm ci --ignore-scripts
//     STRIPE_SECRET_KEY=sk_test_… node compare.mjs [--sandbox http://127.0.0.1:12111] [--pay] [WORD…]
//
// `--pay` asks a person to pay at Stripe's page where a question is about what happens then. WORDs choose the questions
// whose names have one of them. Ends with 1 where the sandbox answers otherwise than Stripe, or than is expected of it.
import { isDeepStrictEqual, parseArgs } from "node:util";
import Stripe from "stripe";
import { QUESTIONS } from "./questions.mjs";
import { Account, NotAsked } from "./account.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sandbox: { type: "string" }, pay: { type: "boolean", default: false } },
});
const key = process.env.STRIPE_SECRET_KEY;
const asked = QUESTIONS.filter(({ name }) => !positionals.length || positionals.some((word) => name.includes(word)));

const sandbox = values.sandbox && (await opened("the sandbox", sandboxAt(values.sandbox)));
const stripe = await opened("Stripe", liveWith(key));
if (sandbox || stripe) await compare();
if (!stripe) console.log("NOT RUN against Stripe itself: what the sandbox answers is only held against what is expected of it.");
if (!sandbox) console.log("NOT RUN against the sandbox: name its URL with --sandbox.");

async function compare() {
  const count = { ok: 0, open: 0, WRONG: 0, "-": 0 };
  for (const question of asked) {
    const played = sandbox && (await answer(sandbox, question));
    const real = stripe && (await answer(stripe, question));
    count[report(question, played, real)] += 1;
  }
  for (const account of [sandbox, stripe]) await account?.cleanUp();
  const { ok, open, WRONG: wrong, "-": unjudged } = count;
  console.log(`\nThe sandbox: ${ok} right, ${wrong} wrong, ${open} open, ${unjudged} not judged`);
  process.exitCode = wrong ? 1 : 0;
}

function sandboxAt(text) {
  const url = new URL(text);
  const protocol = url.protocol.replace(":", "");
  return new Account(new Stripe("sk_test_sandbox", { host: url.hostname, port: url.port, protocol }), { isSandbox: true });
}

function liveWith(key) {
  if (!key) {
    console.log("STRIPE_SECRET_KEY is not set: Stripe itself is not asked.");
    return null;
  }
  if (!/^[sr]k_test_/.test(key)) throw new Error("STRIPE_SECRET_KEY must be a key of the test mode: sk_test_… or rk_test_…");
  return new Account(new Stripe(key, { maxNetworkRetries: 2 }), { pays: values.pay });
}

/** The account, if it answers at all. A sandbox that was asked for has to. */
async function opened(name, account) {
  if (!account) return null;
  try {
    await account.stripe.products.list({ limit: 1 });
    return account;
  } catch (error) {
    if (account.isSandbox || error.type !== "StripeConnectionError") throw error;
    console.log(`${name} cannot be reached (${error.message}): it is not asked.`);
    return null;
  }
}

/** What an account says to a question: an object without ids and times, or why it was not asked. */
async function answer(account, { ask }) {
  try {
    // As JSON, so that what is undefined is absent on both sides.
    return JSON.parse(JSON.stringify(await ask(account)));
  } catch (error) {
    if (error instanceof NotAsked) return error;
    // An account may lack a method of payment, a key a right: that says nothing about the sandbox.
    return account.isSandbox ? { failed: error.message } : new NotAsked(`broke off: ${error.message}`);
  }
}

/** Shows a question with its answers, and returns the verdict on the sandbox. */
function report({ name, expected, open, only }, played, real) {
  const isAnswer = (answer) => answer !== null && answer !== undefined && !(answer instanceof NotAsked);
  const judged = isAnswer(played) && only !== "stripe";
  // What Stripe says is right. Without it, what is expected of it.
  const isRight = !judged || (isAnswer(real) ? isDeepStrictEqual(played, real) : fits(played, expected));
  // What is open, only Stripe's own answer decides; a question that broke off never counts as open.
  const isWrong = !isRight && (isAnswer(real) || !open || "failed" in played);
  const verdict = !judged ? "-" : isWrong ? "WRONG" : isRight ? "ok" : "open";
  console.log(`\n${verdict.padEnd(6)}${name}`);
  const show = (who, answer) => console.log(`      ${who.padEnd(9)}${typeof answer === "object" ? JSON.stringify(answer) : answer}`);
  for (const [who, answer] of [["sandbox", played], ["Stripe", real]]) {
    if (answer !== null && answer !== undefined) show(who, answer instanceof NotAsked ? answer.message : answer);
  }
  if ([played, real].some((answer) => isAnswer(answer) && !fits(answer, expected))) show("expected", expected);
  if (open) show("open", open);
  return verdict;
}

/** Whether an answer is what is expected, where "*" stands for any value. */
function fits(answer, expected) {
  if (expected === "*") return true;
  if (expected === null || typeof expected !== "object") return answer === expected;
  const names = Object.keys(expected);
  return isDeepStrictEqual(Object.keys(answer ?? {}).sort(), names.sort()) && names.every((name) => fits(answer[name], expected[name]));
}
