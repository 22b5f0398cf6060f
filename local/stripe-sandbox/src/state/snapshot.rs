//! All of the state that outlives the process.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::Rows;
use super::{EVENT_LIFETIME, KEY_LIFETIME, Remembered, State};
use crate::session::Session;

/// Lists the tables once: a field of the snapshot, how it is taken, and how it is put back.
macro_rules! snapshot {
    ($($table:ident: $object:ty),* $(,)?) => {
        /// The state at one moment.
        #[derive(Debug, Deserialize, Serialize)]
        pub(crate) struct Snapshot {
            /// How far the clock was put forward.
            ahead: Duration,
            holds: BTreeSet<(i64, String)>,
            keys: HashMap<String, Remembered>,
            $($table: Rows<$object>),*
        }

        impl State {
            /// The state as it is now. It shares the objects, so that it is made fast.
            pub(crate) fn snapshot(&self) -> Snapshot {
                Snapshot {
                    ahead: self.ahead,
                    holds: self.holds.clone(),
                    keys: self.keys.clone(),
                    $($table: self.$table.rows()),*
                }
            }

            /// Puts a snapshot into a state that is empty yet, without what is forgotten by now.
            pub(crate) fn restore(&mut self, snapshot: Snapshot) {
                self.ahead = snapshot.ahead;
                self.holds = snapshot.holds;
                self.keys = snapshot.keys;
                $(self.$table.restore(snapshot.$table);)*
                self.forget_old();
            }

            /// A number that is another one after every change of what a snapshot has.
            pub(crate) fn changes(&self) -> u64 {
                self.changes $(+ self.$table.changes())*
            }
        }
    };
}

snapshot! {
    charges: Value,
    coupons: Value,
    customers: Value,
    disputes: Value,
    events: Value,
    invoice_payments: Value,
    invoices: Value,
    payment_intents: Value,
    prices: Value,
    products: Value,
    promotion_codes: Value,
    refunds: Value,
    sessions: Session,
    shipping_rates: Value,
    subscriptions: Value,
    tax_rates: Value,
    webhook_endpoints: Value,
}

impl State {
    fn forget_old(&mut self) {
        let now = self.now();
        self.events.retain(|event| event["created"].as_i64() >= Some(now - EVENT_LIFETIME));
        self.keys.retain(|_, remembered| remembered.at + KEY_LIFETIME > now);
    }
}
