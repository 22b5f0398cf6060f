//! What outlives the process, in a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stripe_sandbox::{Catalog, Config};

use crate::stripe::{Stripe, entries, id, session_path, stripe_with, text, try_stripe_with};

/// A file in an empty folder of its own, which goes with it.
struct Kept(PathBuf);

impl Kept {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("stripe-sandbox-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder.join("stripe.json"))
    }

    fn config(&self) -> Config {
        Config { catalog: Catalog::sample(), data: Some(self.0.clone()), ..Config::default() }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap_or(Path::new("")));
    }
}

/// Everything that the API lists or shows, without the sandbox's address.
async fn everything(stripe: &Stripe) -> Value {
    let mut all = serde_json::Map::new();
    let lists = [
        "products",
        "prices?expand[]=data.tiers&expand[]=data.currency_options",
        "coupons",
        "promotion_codes",
        "shipping_rates",
        "tax_rates",
        "checkout/sessions?expand[]=data.line_items&expand[]=data.total_details.breakdown",
        "payment_intents",
        "charges?expand[]=data.refunds",
        "refunds",
        "disputes",
        "events",
        "invoice_payments",
        "webhook_endpoints",
    ];
    for list in lists {
        let limit = if list.contains('?') { "&limit=100" } else { "?limit=100" };
        let list = stripe.get(&format!("/v1/{list}{limit}")).await.ok();
        assert!(!entries(&list).is_empty(), "{list} shows that nothing is lost");
        for session in entries(&list).iter().filter(|entry| entry["object"] == "checkout.session") {
            for (field, path) in [("customer", "customers"), ("subscription", "subscriptions"), ("invoice", "invoices")]
            {
                if let Some(id) = session[field].as_str() {
                    let path = format!("/v1/{path}/{id}");
                    all.insert(path.clone(), stripe.get(&path).await.ok());
                }
            }
        }
        all.insert(text(&list, "url").to_owned(), list);
    }
    let all = Value::Object(all).to_string();
    serde_json::from_str(&all.replace(&stripe.sandbox.url(), "{SANDBOX}")).unwrap()
}

/// A sandbox to which everything has happened, with what is still to happen.
struct Past {
    open: Value,
    held: [String; 2],
    waiting: Value,
    disputed: String,
    refunded: String,
    expired: Value,
}

async fn lived(stripe: &Stripe) -> Past {
    stripe.sandbox.set_webhook_url("http://127.0.0.1:9/stripe/webhook");
    stripe.sandbox.pause_webhooks(true);
    stripe.post("/v1/products", &[("name", "Bowl")]).await.ok();
    stripe.post("/v1/prices/price_poster", &[("nickname", "big"), ("metadata[frame]", "oak")]).await.ok();
    assert!(stripe.sandbox.delete_price("price_tshirt"));
    let paid = async |more: &[(&str, &str)], action: &str| {
        let session = stripe.session("price_mug", "2", more).await;
        assert_eq!(stripe.press(&session, action, &[]).await.status, 303);
        stripe.reload(&session).await
    };
    let manual = [("payment_intent_data[capture_method]", "manual")];
    let held = [paid(&manual, "pay").await, paid(&manual, "pay").await];
    paid(&[("discounts[0][coupon]", "welcome10"), ("line_items[0][tax_rates][0]", "txr_sales")], "pay").await;
    paid(&[("invoice_creation[enabled]", "true")], "pay").await;
    let refunded = text(&paid(&[], "pay").await, "payment_intent").to_owned();
    let refund = stripe.post("/v1/refunds", &[("payment_intent", &refunded), ("amount", "100")]).await.ok();
    stripe.sandbox.fail_refund(id(&refund)).unwrap();
    stripe.post_keyed("key_1", "/v1/refunds", &[("payment_intent", &refunded), ("amount", "50")]).await.ok();
    let disputed = text(&paid(&[], "pay").await, "payment_intent").to_owned();
    let disputed = stripe.sandbox.dispute(&disputed).unwrap();
    let subscription = stripe.subscription("price_club_monthly", &[]).await;
    stripe.press(&subscription, "pay", &[]).await;
    let waiting = paid(&[], "pay_later").await;
    let expired = stripe.session("price_mug", "1", &[("after_expiration[recovery][enabled]", "true")]).await;
    let expired = stripe.expire(&expired).await.ok();
    stripe.sandbox.advance(Duration::from_hours(20));
    let lines = [
        ("line_items[1][price]", "price_beads"),
        ("line_items[1][quantity]", "3"),
        ("line_items[2][price]", "price_pencils_box"),
        ("line_items[2][quantity]", "25"),
        ("optional_items[0][price]", "price_poster"),
        ("optional_items[0][quantity]", "1"),
        ("metadata[cart]", "c1"),
    ];
    let open = stripe.session("price_cards_volume", "7", &lines).await;
    Past { open, held: held.map(|held| text(&held, "payment_intent").to_owned()), waiting, disputed, refunded, expired }
}

#[tokio::test]
async fn everything_outlives_a_stop_and_goes_on() {
    for is_polite in [true, false] {
        let kept = Kept::new(if is_polite { "stop" } else { "drop" });
        let stripe = stripe_with(kept.config()).await;
        let past = lived(&stripe).await;
        let before = everything(&stripe).await;
        let old_url = stripe.sandbox.url();
        if is_polite {
            stripe.sandbox.clone().stop().await;
        }
        drop(stripe);

        let stripe = stripe_with(kept.config()).await;

        assert_eq!(everything(&stripe).await, before);
        // The clock goes on where it was put to, so that what is due is due.
        let open = stripe.reload(&past.open).await;
        assert!(text(&open, "url").starts_with(&stripe.sandbox.url()), "{} is not at {old_url}", open["url"]);
        assert_eq!(stripe.press(&open, "pay", &[]).await.status, 303);
        assert_eq!(stripe.reload(&open).await["payment_status"], "paid");
        let again = [("payment_intent", past.refunded.as_str()), ("amount", "50")];
        let again = stripe.post_keyed("key_1", "/v1/refunds", &again).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"));
        stripe.post(&format!("/v1/payment_intents/{}/capture", past.held[0]), &[]).await.ok();
        stripe.sandbox.advance(Duration::from_hours(6 * 24 + 3));
        let held = stripe.get(&format!("/v1/payment_intents/{}", past.held[1])).await.ok();
        assert_eq!(held["status"], "requires_capture");
        stripe.sandbox.advance(Duration::from_hours(1));
        let held = stripe.get(&format!("/v1/payment_intents/{}", past.held[1])).await.ok();
        assert_eq!(held["status"], "canceled", "a hold ends seven days after it began");
        stripe.sandbox.settle(id(&past.waiting), true).unwrap();
        stripe.sandbox.close_dispute(&past.disputed, true).unwrap();
        let recovery = text(&past.expired["after_expiration"]["recovery"], "url").replace(&old_url, "");
        assert_eq!(stripe.send(Method::GET, &recovery, &[], String::new()).await.status, 303);
    }
}

/// The ids of all objects within a value.
fn all_ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("id").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| all_ids(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| all_ids(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn ids_of_a_stopped_sandbox_are_not_used_again() {
    let kept = Kept::new("ids");
    let stripe = stripe_with(kept.config()).await;
    lived(&stripe).await;
    let mut old = Vec::new();
    all_ids(&everything(&stripe).await, &mut old);
    let count = stripe.sandbox.events().len();
    drop(stripe);

    let stripe = stripe_with(kept.config()).await;
    let session = stripe.session("price_mug", "1", &[]).await;
    stripe.press(&session, "pay", &[]).await;

    let old: HashSet<String> = old.into_iter().collect();
    let events = stripe.sandbox.events().split_off(count);
    assert!(events.len() > 3 && events.iter().all(|event| !old.contains(id(event))));
    let session = stripe.reload(&session).await;
    assert!(!old.contains(id(&session)) && !old.contains(text(&session, "payment_intent")));
}

#[tokio::test]
async fn a_change_is_in_the_file_before_the_sandbox_stops() {
    let kept = Kept::new("killed");
    let stripe = stripe_with(kept.config()).await;
    let session = stripe.session("price_mug", "1", &[]).await;

    let written = async {
        while !kept.text().contains(id(&session)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written).await.unwrap();
    let copy = Kept::new("copy");
    std::fs::create_dir_all(copy.0.parent().unwrap()).unwrap();
    std::fs::copy(&kept.0, &copy.0).unwrap();
    let other = stripe_with(copy.config()).await;

    assert_eq!(other.get(&session_path(&session)).await.ok()["status"], "open");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_stops_the_start_and_stays() {
    for (name, text, reason) in [
        ("empty", "", "is not JSON"),
        ("half", "{\"version\":1,", "is not JSON"),
        ("other", "[]", "has version null"),
        ("later", "{\"version\":2}", "has version 2, and this program reads version 1"),
        ("lacking", "{\"version\":1,\"url\":\"http://127.0.0.1:1\"}", "is not what a sandbox writes"),
    ] {
        let kept = Kept::new(name);
        std::fs::create_dir_all(kept.0.parent().unwrap()).unwrap();
        std::fs::write(&kept.0, text).unwrap();

        let error = try_stripe_with(kept.config()).await.err().unwrap().to_string();

        assert!(error.starts_with(&format!("{}: {reason}", kept.0.display())), "{error}");
        assert_eq!(kept.text(), text);
    }
    let kept = Kept::new("used");
    let stripe = stripe_with(kept.config()).await;
    let error = try_stripe_with(kept.config()).await.err().unwrap().to_string();
    assert_eq!(error, format!("{}: another sandbox keeps its state there", kept.0.display()));
    drop(stripe);
    stripe_with(kept.config()).await;
    let kept = Kept::new("folder");
    std::fs::create_dir_all(&kept.0).unwrap();
    assert!(try_stripe_with(kept.config()).await.is_err(), "a folder is no file");
}

#[tokio::test]
async fn what_changed_in_the_catalogue_file_counts_and_else_what_changed_in_the_sandbox() {
    let kept = Kept::new("catalogue");
    let config = |prices: Value| {
        let products = json!([{ "id": "prod_a", "name": "A" }]);
        let catalog = json!({ "products": products, "prices": prices }).to_string();
        Config { catalog: Catalog::from_json(&catalog).unwrap(), ..kept.config() }
    };
    let price =
        |id: &str, amount: i64| json!({ "id": id, "product": "prod_a", "currency": "usd", "unit_amount": amount });
    let first =
        json!([price("price_same", 100), price("price_gone", 100), price("price_dear", 100), price("price_dead", 100)]);
    let stripe = stripe_with(config(first)).await;
    for id in ["price_same", "price_gone", "price_dear"] {
        stripe.post(&format!("/v1/prices/{id}"), &[("nickname", "changed")]).await.ok();
    }
    assert!(stripe.sandbox.delete_price("price_dead"));
    drop(stripe);

    let second =
        json!([price("price_new", 100), price("price_same", 100), price("price_dear", 200), price("price_dead", 100)]);
    let stripe = stripe_with(config(second)).await;

    let prices = stripe.get("/v1/prices?limit=100").await.ok();
    let find = |id: &str| {
        let price = entries(&prices).iter().find(|price| price["id"] == id)?;
        Some((price["unit_amount"].as_i64()?, price["nickname"].as_str().map(str::to_owned), price["active"] == true))
    };
    let changed = || Some("changed".to_owned());
    assert_eq!(find("price_new"), Some((100, None, true)));
    assert_eq!(find("price_same"), Some((100, changed(), true)), "it was changed in the sandbox alone");
    assert_eq!(find("price_dear"), Some((200, None, true)), "the file changed it");
    assert_eq!(find("price_gone"), Some((100, changed(), false)), "the file has it no longer");
    assert_eq!(find("price_dead"), None, "it was deleted in the sandbox");
}

#[test]
fn every_table_is_kept() {
    let source = |file: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (state, snapshot) = (source("src/state/mod.rs"), source("src/state/snapshot.rs"));
    let fields = state.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(": "));
    let tables = fields.filter(|(_, kind)| kind.starts_with("Table<") || *kind == "Sessions,");
    let tables: Vec<&str> = tables.map(|(name, _)| name).collect();
    assert!(tables.len() > 15, "{tables:?}");

    for table in tables {
        assert!(snapshot.lines().any(|line| line.trim().starts_with(&format!("{table}: "))), "{table}");
    }
}
