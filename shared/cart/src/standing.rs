//! Where an order stands: what became of its money.
//!
//! It follows from what Stripe says, and from nothing else. Whoever hears of a change reads at Stripe how all of it is now; the
//! latest [`Reading`] counts, whatever it was that led to it and in whatever order readings arrive.

use serde::{Deserialize, Serialize};

use crate::{Money, Timestamp};

/// What is known of an order's money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What it comes to in one word.
    pub status: OrderStatus,
    /// What was taken.
    pub captured: Money,
    /// What was paid back of it.
    pub refunded: Money,
    /// Whether some of that is still on its way to the buyer, and may yet come back.
    pub refund_is_pending: bool,
    /// What the buyer's bank has against it; of several disputes the one that was opened last.
    pub dispute: Option<Dispute>,
    /// When Stripe was asked; `None` where it was not written down, as before version 0.2.
    pub read_at: Option<Timestamp>,
}

/// Where an order stands, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// A delayed payment is under way.
    AwaitingPayment,
    /// The bank holds the money until the shop takes it.
    Authorized,
    /// A delayed payment failed.
    PaymentFailed,
    /// The shop gave up what the bank held, or did not take it in time: nothing was taken.
    Canceled,
    /// The payment is in, or there was nothing to pay.
    Paid,
    /// A part of what was taken was paid back.
    PartiallyRefunded,
    /// All that was taken was paid back.
    Refunded,
}

/// A buyer's bank takes money back, or asks about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    /// Stripe's id of it; absent where it was not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Stripe's word for where it stands.
    pub status: String,
    /// How much it is about, in the minor unit of `currency`.
    pub amount: i64,
    /// The currency of the amount, as Stripe writes it.
    pub currency: String,
    /// Stripe's word for the reason.
    pub reason: String,
    /// Until when the shop can answer, in seconds since 1970.
    pub due_by: Option<i64>,
}

/// What Stripe says of an order's money, read at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// When Stripe was asked, to the millisecond.
    pub at: Timestamp,
    /// How far the payment is.
    pub progress: Progress,
    /// What was taken.
    pub captured: Money,
    /// What was paid back of it.
    pub refunded: Money,
    /// Whether some of that is still on its way; `None` where that was not read.
    pub refund_is_pending: Option<bool>,
    /// What the buyer's bank has against it.
    pub dispute: DisputeReading,
}

/// How far a payment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The money is under way.
    Waiting,
    /// The bank holds it.
    Held,
    /// The bank refused it.
    Failed,
    /// What was held is given up.
    Canceled,
    /// It is in, or there was nothing to pay.
    Settled,
}

/// What Stripe says of disputes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DisputeReading {
    /// There is none.
    None,
    /// The one that was opened last.
    Latest(Dispute),
    /// There is one, and it could not be read.
    Unreadable,
}

/// A change of an order's standing that one write makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// How it is then.
    pub standing: Standing,
    /// What there is to tell of it.
    pub news: Option<News>,
}

/// What there is to tell of an order whose standing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// The bank holds the money.
    Authorized,
    /// The payment is in.
    Paid,
    /// The payment failed.
    PaymentFailed,
    /// What was held is given up.
    Canceled,
    /// More was paid back.
    Refunded,
    /// What had been paid back came back to the shop.
    RefundFailed,
    /// The buyer's bank opened a dispute.
    Disputed,
    /// A dispute has ended.
    DisputeClosed,
}

impl News {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Authorized,
        Self::Paid,
        Self::PaymentFailed,
        Self::Canceled,
        Self::Refunded,
        Self::RefundFailed,
        Self::Disputed,
        Self::DisputeClosed,
    ];
}

impl Standing {
    /// The standing of an order that is made after this reading, and what there is to tell besides that it was made.
    ///
    /// A dispute comes with the [next](Self::next) step.
    #[must_use]
    pub fn of_new_order(reading: &Reading) -> Step {
        let status = reading.status();
        let standing = Self {
            status,
            captured: reading.captured,
            refunded: reading.refunded,
            refund_is_pending: reading.refund_is_pending.unwrap_or_default(),
            dispute: None,
            read_at: Some(reading.at),
        };
        Step { standing, news: status.news() }
    }

    /// Whether something is still to come, of which an event might get lost: money that is under way, in either direction, or
    /// held, a dispute that is not decided.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let waits = matches!(self.status, OrderStatus::AwaitingPayment | OrderStatus::Authorized);
        waits || self.refund_is_pending || self.dispute.as_ref().is_some_and(|dispute| !dispute.is_closed())
    }

    /// The next step to where this reading leads; `None` where the standing is there, or was read later than this.
    ///
    /// A reading may lead over two steps, each with news of its own: first the money, then the dispute.
    #[must_use]
    pub fn next(&self, reading: &Reading) -> Option<Step> {
        if self.read_at.is_some_and(|read_at| read_at > reading.at) {
            return None;
        }
        let read = Self { read_at: Some(reading.at), ..self.clone() };
        let status = reading.status();
        let refund_is_pending = reading.refund_is_pending.unwrap_or(self.refund_is_pending);
        let (captured, refunded) = (reading.captured, reading.refunded);
        let money = Self { status, captured, refunded, refund_is_pending, ..read.clone() };
        if money != read {
            return Some(Step { standing: money, news: self.news_of_money(reading) });
        }
        let dispute = match &reading.dispute {
            DisputeReading::None => None,
            DisputeReading::Latest(latest) => Some(latest),
            DisputeReading::Unreadable => self.dispute.as_ref(),
        };
        if self.dispute.as_ref() != dispute {
            let news = dispute.and_then(|dispute| dispute.news(self.dispute.as_ref()));
            return Some(Step { standing: Self { dispute: dispute.cloned(), ..read }, news });
        }
        (self.read_at != Some(reading.at)).then_some(Step { standing: read, news: None })
    }

    /// Whether a reading that may not know all of a payment shows that the money has moved on.
    #[must_use]
    pub fn is_behind(&self, reading: &Reading) -> bool {
        self.next(reading).is_some_and(|step| step.standing.differs(self))
    }

    /// Whether this tells a person something else, whenever it was read.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        (self.status, self.refunded, &self.dispute) != (other.status, other.refunded, &other.dispute)
    }

    fn news_of_money(&self, reading: &Reading) -> Option<News> {
        let status = reading.status();
        match status {
            OrderStatus::Paid | OrderStatus::PartiallyRefunded | OrderStatus::Refunded if self.status.is_settled() => {
                let (before, now) = (self.refunded.minor(), reading.refunded.minor());
                // Before it was written down when Stripe was asked, what was never taken counted as paid back.
                let is_recount = self.read_at.is_none() && reading.captured.minor() < self.captured.minor();
                match now.cmp(&before) {
                    std::cmp::Ordering::Greater => Some(News::Refunded),
                    std::cmp::Ordering::Less if !is_recount => Some(News::RefundFailed),
                    std::cmp::Ordering::Less | std::cmp::Ordering::Equal => None,
                }
            }
            _ if status == self.status => None,
            _ => status.news(),
        }
    }
}

impl Reading {
    /// The status of an order of which Stripe says this.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        match self.progress {
            Progress::Waiting => OrderStatus::AwaitingPayment,
            Progress::Held => OrderStatus::Authorized,
            Progress::Failed => OrderStatus::PaymentFailed,
            Progress::Canceled => OrderStatus::Canceled,
            Progress::Settled => match self.refunded.minor() {
                ..=0 => OrderStatus::Paid,
                refunded if refunded >= self.captured.minor() => OrderStatus::Refunded,
                _ => OrderStatus::PartiallyRefunded,
            },
        }
    }
}

impl OrderStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AwaitingPayment,
        Self::Authorized,
        Self::PaymentFailed,
        Self::Canceled,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The status as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Authorized => "authorized",
            Self::PaymentFailed => "payment_failed",
            Self::Canceled => "canceled",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// Whether money was taken, or there was none to take.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::AwaitingPayment | Self::Authorized | Self::PaymentFailed | Self::Canceled => false,
            Self::Paid | Self::PartiallyRefunded | Self::Refunded => true,
        }
    }

    /// What there is to tell of an order that has come to be so.
    fn news(self) -> Option<News> {
        match self {
            Self::AwaitingPayment => None,
            Self::Authorized => Some(News::Authorized),
            Self::PaymentFailed => Some(News::PaymentFailed),
            Self::Canceled => Some(News::Canceled),
            Self::Paid => Some(News::Paid),
            Self::PartiallyRefunded | Self::Refunded => Some(News::Refunded),
        }
    }
}

impl Dispute {
    /// Whether it is decided.
    ///
    /// Source: <https://docs.stripe.com/api/disputes/object#dispute_object-status>
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.status.as_str(), "lost" | "prevented" | "warning_closed" | "won")
    }

    /// What there is to tell where this has taken the place of what was known `before`.
    fn news(&self, before: Option<&Self>) -> Option<News> {
        // What became of another one is not told with this.
        let is_other = |before: &&Self| before.id.is_some() && self.id.is_some() && before.id != self.id;
        let was_open = before.filter(|before| !is_other(before)).map(|before| !before.is_closed());
        match (was_open, self.is_closed()) {
            (None | Some(true), true) => Some(News::DisputeClosed),
            (None | Some(false), false) => Some(News::Disputed),
            (Some(true), false) | (Some(false), true) => None,
        }
    }
}

#[cfg(test)]
mod tests;
