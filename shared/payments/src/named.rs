//! What settings name by its id, and what Stripe says of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cart::Timestamp;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use crate::checkout_settings::Draft;
use crate::{Error, Parameters, Refusal, Stripe, api};
use memory::Memory;

mod memory;

/// An object of Stripe's that a setting names by its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) id: String,
}

/// What settings name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    ShippingRate,
    Coupon,
    PromotionCode,
    Price,
    Customer,
}

/// What Stripe says of an object.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// It is there.
    Found(Arc<Value>),
    /// There is none, or none any more.
    Gone,
    /// The key may not read it.
    Withheld,
    /// Stripe was not asked, or did not answer.
    Nothing,
}

/// What Stripe says of the objects that one session names.
pub(crate) type Answers = BTreeMap<Named, Said>;

/// The objects that settings name, each read at most once in ten minutes.
///
/// All copies share what was read.
#[derive(Clone, Debug)]
pub struct NamedObjects {
    reader: Reader,
    memory: Arc<Memory>,
}

/// Reads objects.
#[derive(Clone, Debug)]
struct Reader {
    stripe: Stripe,
    /// When it was last reported that the key may not read objects of a kind.
    reported: Arc<Mutex<BTreeMap<Kind, Instant>>>,
}

/// For how long what Stripe said is believed. It sends no events about shipping rates.
const KEEP: Duration = Duration::from_mins(10);
/// How long a checkout waits for what Stripe says. Without an answer it goes on with what is configured: a shopper waits
/// eight seconds in all.
const PATIENCE: Duration = Duration::from_secs(2);

impl Kind {
    /// Where Stripe has it, and what it leaves out unless asked; `None` where it is not asked.
    fn place(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::ShippingRate => Some(("/shipping_rates", &["fixed_amount.currency_options"])),
            Self::Coupon => Some(("/coupons", &["applies_to", "currency_options"])),
            Self::PromotionCode => Some((
                "/promotion_codes",
                &[
                    "promotion.coupon",
                    "promotion.coupon.applies_to",
                    "promotion.coupon.currency_options",
                    "restrictions.currency_options",
                ],
            )),
            Self::Price => Some(("/prices", &["currency_options", "product"])),
            // Personal, and nothing of it decides: Stripe refuses a session for one that is gone.
            Self::Customer => None,
        }
    }
}

impl Said {
    /// Whether it is worth remembering.
    fn lasts(&self) -> bool {
        match self {
            Self::Found(_) | Self::Gone | Self::Withheld => true,
            Self::Nothing => false,
        }
    }
}

impl NamedObjects {
    /// Objects that `stripe` reads.
    #[must_use]
    pub fn new(stripe: &Stripe) -> Self {
        let reader = Reader { stripe: stripe.clone(), reported: Arc::default() };
        Self { reader, memory: Arc::default() }
    }

    /// The parameters of a session as they fit its cart, by what Stripe says of the objects that they name.
    ///
    /// No request where Stripe said so within ten minutes, else one for each object, all at the same time. Without an
    /// answer an object is sent as configured.
    pub async fn fit(&self, draft: &Draft, now: Timestamp) -> Parameters {
        draft.fit(&self.look_up(draft, KEEP).await, None, now)
    }

    /// The parameters with which to ask once more, after Stripe refused `sent`, which it was asked for `ago`; `None` where
    /// the refusal is not about what a setting names.
    ///
    /// Everything is read again that was not read since then. What Stripe refuses though it looks fine is left out.
    pub async fn refit(
        &self,
        draft: &Draft,
        sent: &Parameters,
        refusal: &Refusal,
        ago: Duration,
        now: Timestamp,
    ) -> Option<Parameters> {
        let fault = draft.fault(sent, refusal)?;
        if let Some(customer) = fault.customer() {
            self.memory.note(customer, Instant::now(), Said::Gone);
        }
        let answers = self.look_up(draft, ago).await;
        let fitting = draft.fit(&answers, None, now);
        let is_unchanged = fault.is_in(&fitting);
        Some(if is_unchanged { draft.fit(&answers, Some(&fault), now) } else { fitting })
    }

    /// What Stripe says of the objects that a session names, and said no longer ago than `keep`.
    async fn look_up(&self, draft: &Draft, keep: Duration) -> Answers {
        let now = Instant::now();
        let answers = draft.named().into_iter().map(|named| async move {
            let said = match named.kind.place() {
                None => self.memory.known(&named, now, KEEP).unwrap_or(Said::Nothing),
                Some((path, expanded)) => {
                    let answer = self.memory.answer(&named, now, keep, || {
                        let (reader, named) = (self.reader.clone(), named.clone());
                        async move { reader.ask(&named, path, expanded).await }.boxed()
                    });
                    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Said::Nothing)
                }
            };
            (named, said)
        });
        join_all(answers).await.into_iter().collect()
    }
}

impl Reader {
    async fn ask(&self, named: &Named, path: &str, expanded: &[&str]) -> Said {
        let object: Result<Value, Error> = match api::named(path, &named.id, expanded) {
            Ok(request) => self.stripe.call(request, None).await,
            Err(error) => Err(error),
        };
        match object {
            Ok(object) if object["deleted"] == true => Said::Gone,
            Ok(object) => Said::Found(Arc::new(object)),
            Err(error) if error.is_missing() => Said::Gone,
            Err(Error::Refused(refusal)) if refusal.lacks_right() => {
                self.report(named.kind, &refusal);
                Said::Withheld
            }
            Err(error) => {
                tracing::warn!(cause = %error, "cannot read what a setting names: it is sent as it is configured");
                Said::Nothing
            }
        }
    }

    /// Logs that the key may not read objects of a kind, once as long as this is remembered.
    fn report(&self, kind: Kind, refusal: &Refusal) {
        let now = Instant::now();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.get(&kind).is_some_and(|last| now.duration_since(*last) < KEEP) {
            return;
        }
        reported.insert(kind, now);
        tracing::error!(
            cause = %refusal,
            "the key may not read what a setting names, which is sent as it is configured: give the key this right"
        );
    }
}
