//! Reads what an order is made of, as far as the key may.

use cart::SessionId;
use serde::de::DeserializeOwned;

use super::calls::{InvoicePayment, now};
use super::{Expandable, LineItem, Mode, PaymentIntent, Session};
use crate::api::{self, Request};
use crate::products::Page;
use crate::{Error, Refusal, Stripe};

/// Reads one sale at Stripe: its session, its lines and its payments.
///
/// What the key may not read stays unread, and the rest is read all the same: once more without what needs the right that Stripe
/// names, and if that is not enough, with the payment alone, and then without it. However many rights the key lacks, a sale of ten
/// lines costs one request more than it does with all of them, or two where it may not read the payment either.
#[derive(Debug)]
pub struct SaleReader<'a> {
    stripe: &'a Stripe,
    refusals: Vec<Refusal>,
}

/// What Stripe sends along where it is asked to.
///
/// Source: <https://docs.stripe.com/expand>
struct Expansion {
    path: &'static str,
    /// The resources that a key needs the right to read for it, in Stripe's words.
    resources: &'static [&'static str],
}

const OF_SESSION: [Expansion; 6] = [
    Expansion { path: "payment_intent", resources: &["payment_intent"] },
    Expansion { path: "payment_intent.latest_charge", resources: &["payment_intent", "charge"] },
    Expansion { path: "invoice", resources: &["invoice"] },
    Expansion { path: "shipping_cost.shipping_rate", resources: &["shipping_rate"] },
    Expansion { path: "total_details.breakdown", resources: &["coupon", "tax_rate"] },
    Expansion { path: "discounts.promotion_code", resources: &["promotion_code"] },
];

const OF_LINES: [Expansion; 3] = [
    Expansion { path: "data.discounts", resources: &["coupon"] },
    // A code that the buyer typed in need not be among the session's.
    Expansion { path: "data.discounts.discount.promotion_code", resources: &["coupon", "promotion_code"] },
    Expansion { path: "data.taxes", resources: &["tax_rate"] },
];

const OF_INVOICE_PAYMENTS: [Expansion; 2] = [
    Expansion { path: "data.payment.payment_intent", resources: &["payment_intent"] },
    Expansion { path: "data.payment.payment_intent.latest_charge", resources: &["payment_intent", "charge"] },
];

/// The first ten lines, which no key may be denied that may read the session.
const LINES: &str = "line_items";

impl Stripe {
    /// Begins to read a sale.
    #[must_use]
    pub fn sale_reader(&self) -> SaleReader<'_> {
        SaleReader { stripe: self, refusals: Vec::new() }
    }
}

impl SaleReader<'_> {
    /// The session with this id.
    ///
    /// # Errors
    ///
    /// Stripe fails, the key may not read sessions, or there is none: [`Error::is_missing`].
    pub async fn session(&mut self, id: &SessionId) -> Result<Session, Error> {
        let read_at = now();
        // An attempt that asks for no more than the money spares the request for the lines.
        let request = |paths: &[&str]| {
            let is_last =
                OF_SESSION.iter().all(|expansion| expansion.is_of_money() || !paths.contains(&expansion.path));
            let lines = is_last.then_some(LINES);
            Ok(api::session(id, &paths.iter().copied().chain(lines).collect::<Vec<_>>()))
        };
        let session: Session = self.ask(&OF_SESSION, request).await?;
        Ok(Session { read_at, ..session })
    }

    /// All lines of a session, however many pages they fill.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is no such session.
    pub async fn line_items(&mut self, session: &Session) -> Result<Vec<LineItem>, Error> {
        if let Some(all) = session.line_items.as_ref().filter(|page| !page.has_more) {
            return Ok(all.data.clone());
        }
        let mut lines: Vec<LineItem> = Vec::new();
        loop {
            let after = lines.last().map(|last| last.id.clone());
            let request = |paths: &[&str]| Ok(api::line_items(&session.id, paths, after.as_deref()));
            let page: Page<LineItem> = self.ask(&OF_LINES, request).await?;
            let ends = !page.has_more || page.data.is_empty();
            lines.extend(page.data);
            if ends {
                return Ok(lines);
            }
        }
    }

    /// The payments behind a session: in payment mode the one that came with it, in subscription mode those of its first
    /// invoice, which is one more request. None where the key may not read them.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn payments(&mut self, session: &Session) -> Result<Vec<PaymentIntent>, Error> {
        let (Mode::Subscription, Some(invoice)) = (session.mode, &session.invoice) else {
            return Ok(session.payment().cloned().into_iter().collect());
        };
        let request = |paths: &[&str]| api::payments_of_invoice(invoice.id(), paths);
        let page: Page<InvoicePayment> = match self.ask(&OF_INVOICE_PAYMENTS, request).await {
            Ok(page) => page,
            Err(Error::Refused(refusal)) if refusal.is_forbidden() => {
                self.refusals.push(*refusal);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let intent = |payment: InvoicePayment| match payment.payment?.payment_intent? {
            Expandable::Id(_) => None,
            Expandable::Object(intent) => Some(intent),
        };
        Ok(page.data.into_iter().filter_map(intent).collect())
    }

    /// What kept the key from reading what was taken and paid back, if something did.
    #[must_use]
    pub fn refusal_of_money(&self) -> Option<&Refusal> {
        let money = || OF_SESSION.iter().chain(&OF_INVOICE_PAYMENTS).filter(|expansion| expansion.is_of_money());
        let is_of_invoice = |refusal: &&Refusal| refusal.missing_right().is_some_and(|right| right.contains("invoice"));
        let denies =
            |refusal: &&Refusal| money().any(|expansion| expansion.is_denied_by(refusal)) || is_of_invoice(refusal);
        self.refusals.iter().find(denies)
    }

    /// What Stripe did not let the key read so far; each names the right that it takes, if Stripe does.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Sends the request with as many of the expansions as the key may read.
    async fn ask<T: DeserializeOwned>(
        &mut self,
        expansions: &[Expansion],
        request: impl Fn(&[&str]) -> Result<Request, Error>,
    ) -> Result<T, Error> {
        let mut wanted: Vec<&Expansion> = expansions.iter().collect();
        wanted.retain(|expansion| !self.refusals.iter().any(|refusal| expansion.is_denied_by(refusal)));
        loop {
            let paths: Vec<_> = wanted.iter().map(|expansion| expansion.path).collect();
            let refusal = match self.stripe.call(request(&paths)?, None).await {
                Err(Error::Refused(refusal)) if refusal.is_forbidden() => refusal,
                answer => return answer,
            };
            if !wanted.iter().any(|expansion| expansion.is_denied_by(&refusal)) {
                return Err(Error::Refused(refusal));
            }
            // From the second time on nothing is asked for but the money, which an order follows.
            let is_first = self.refusals.is_empty();
            wanted.retain(|expansion| !expansion.is_denied_by(&refusal) && (is_first || expansion.is_of_money()));
            self.refusals.push(*refusal);
        }
    }
}

impl Expansion {
    /// Whether it says what was taken and paid back.
    fn is_of_money(&self) -> bool {
        self.resources.contains(&"payment_intent")
    }

    /// Whether it may be what Stripe refused: where Stripe names no right, each may.
    fn is_denied_by(&self, refusal: &Refusal) -> bool {
        let Some(right) = refusal.missing_right() else { return true };
        let resource =
            right.strip_prefix("rak_").and_then(|right| right.rsplit_once('_')).map(|(resource, _)| resource);
        resource.is_some_and(|resource| self.resources.contains(&resource))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn denied(message: &str) -> Vec<&'static str> {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","message":"{message}"}}}}"#);
        let refusal = Refusal::read(StatusCode::FORBIDDEN, None, body.as_bytes());
        let all = OF_SESSION.iter().filter(|expansion| expansion.is_denied_by(&refusal));
        all.map(|expansion| expansion.path).collect()
    }

    /// Source of the kind of message: <https://docs.stripe.com/keys/restricted-api-keys>
    #[test]
    fn a_refusal_denies_what_takes_the_right_that_it_names() {
        let lacking = |right: &str| format!("Having the '{right}' permission would allow this request to continue.");

        assert_eq!(denied(&lacking("rak_invoice_read")), ["invoice"]);
        assert_eq!(denied(&lacking("rak_charge_write")), ["payment_intent.latest_charge"]);
        assert_eq!(denied(&lacking("rak_payment_intent_read")), ["payment_intent", "payment_intent.latest_charge"]);
        assert_eq!(denied(&lacking("rak_checkout_session_read")), [""; 0], "then nothing helps");
    }

    #[test]
    fn a_refusal_that_names_no_right_may_be_about_each() {
        assert_eq!(denied("No.").len(), OF_SESSION.len());
    }

    /// Source: <https://docs.stripe.com/expand#depth>
    #[test]
    fn no_expansion_is_deeper_than_stripe_goes() {
        for Expansion { path, .. } in OF_SESSION.iter().chain(&OF_LINES).chain(&OF_INVOICE_PAYMENTS) {
            assert!(path.split('.').count() <= 4, "{path}");
        }
    }
}
