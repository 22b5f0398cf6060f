//! What Stripe says of the money of a session.

use cart::{Dispute, DisputeReading, Money, Progress, Reading};
use payments::{Charge, PaymentIntent, PaymentStatus, Session, SessionAmounts};

/// An event said that a delayed payment failed, which counts where no payment can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PaymentFailed;

/// What a session and the payments behind it say.
///
/// # Errors
///
/// Those of [`Session::amounts`].
pub(crate) fn reading(
    session: &Session,
    payments: &[PaymentIntent],
    refund_is_pending: Option<bool>,
    dispute: DisputeReading,
    failed: Option<PaymentFailed>,
) -> Result<Reading, payments::Error> {
    let SessionAmounts { currency, total, .. } = session.amounts()?;
    let progress = match session.payment_status {
        PaymentStatus::Paid | PaymentStatus::NoPaymentRequired => Progress::Settled,
        PaymentStatus::Unpaid => progress(payments, failed),
    };
    let (captured, refunded) = match progress {
        Progress::Settled => amounts(session, payments, total),
        Progress::Waiting | Progress::Held | Progress::Failed | Progress::Canceled => (0, 0),
    };
    let [captured, refunded] = [captured, refunded].map(|minor| Money::new(minor, currency));
    let at = cart::whole_millisecond(session.read_at());
    Ok(Reading { at, progress, captured, refunded, refund_is_pending, dispute })
}

/// How far the payments of a session are that does not call itself paid.
///
/// A session may say so for ever: in subscription mode it does not follow its first invoice.
///
/// Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>
fn progress(payments: &[PaymentIntent], failed: Option<PaymentFailed>) -> Progress {
    let is = |status: &str| payments.iter().any(|payment| payment.status == status);
    if is("succeeded") {
        Progress::Settled
    } else if is("requires_capture") {
        Progress::Held
    } else if is("processing") {
        Progress::Waiting
    } else if is("requires_payment_method") {
        Progress::Failed
    } else if is("canceled") {
        Progress::Canceled
    } else if failed.is_some() {
        Progress::Failed
    } else {
        Progress::Waiting
    }
}

/// What was taken of a payment that is in, and what was paid back of that.
fn amounts(session: &Session, payments: &[PaymentIntent], total: i64) -> (i128, i128) {
    let charges: Vec<&Charge> = payments.iter().filter_map(PaymentIntent::charge).collect();
    let captured = charges.iter().map(|charge| charge.captured().map(i128::from)).sum::<Option<_>>();
    let nothing_was_due = session.payment_status == PaymentStatus::NoPaymentRequired && charges.is_empty();
    let captured = match captured {
        Some(captured) if !charges.is_empty() => captured,
        _ if nothing_was_due => 0,
        _ => total.into(),
    };
    (captured, charges.iter().map(|charge| i128::from(charge.refunded())).sum())
}

/// The payments of which something was paid back.
pub(crate) fn refunded(payments: &[PaymentIntent]) -> impl Iterator<Item = &str> {
    let is_refunded = |payment: &&PaymentIntent| payment.charge().is_some_and(|charge| charge.refunded() > 0);
    payments.iter().filter(is_refunded).map(PaymentIntent::id)
}

/// The payment whose dispute is to be read, if the buyer's bank has or had one about any.
pub(crate) fn disputed(payments: &[PaymentIntent]) -> Option<&str> {
    let is_disputed = |payment: &&PaymentIntent| payment.charge().is_some_and(Charge::is_disputed);
    payments.iter().find(is_disputed).map(PaymentIntent::id)
}

/// What was read about a dispute that a payment says it has.
pub(crate) fn read(latest: Option<Dispute>) -> DisputeReading {
    // A payment can be asked for in the moment between the mark on it and the dispute itself.
    latest.map_or(DisputeReading::Unreadable, DisputeReading::Latest)
}
