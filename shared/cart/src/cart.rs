//! The cart and its rules.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    AdjustableQuantity, CartNumber, Change, Currency, Description, Item, Line, LineUpdate, Metadata, OrderLine,
    OrderNumber, PriceId, Quantity, Recurrence, Rejection, SessionId, Timestamp,
};

/// A shopper's cart: lines of prices, metadata, and the time until which it lives.
///
/// Holds no amounts: what it comes to is computed from current prices, by [`crate::Totals`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cart {
    number: CartNumber,
    version: u64,
    status: Status,
    /// Ascending in position.
    lines: Vec<Line>,
    /// Meaningful only while there are lines.
    currency: Option<Currency>,
    metadata: Metadata,
    pending: Option<PendingCheckout>,
    sold_at: Option<u64>,
    created_at: Timestamp,
    updated_at: Timestamp,
    lifetime: Lifetime,
    expires_at: Timestamp,
}

/// Whether a cart still takes changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It does.
    Active,
    /// It became this order, and is final.
    Completed(OrderNumber),
}

/// The Checkout Session that a cart was last handed out for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingCheckout {
    /// The session's id at Stripe.
    pub session: SessionId,
    /// The version of the cart that the session was made from.
    pub version: u64,
    /// A digest of the parameters that the session was made with.
    pub parameters: String,
    /// When Stripe lets it expire; `None` once Stripe has said that nobody can pay it any more.
    ///
    /// A session that is over is still remembered: the next one is made in its place, under another idempotency key.
    pub expires_at: Option<Timestamp>,
    /// The lines' own texts at that version, which Stripe has no place for.
    pub descriptions: BTreeMap<PriceId, String>,
    /// Whether the shopper may change on Stripe's page what is paid: quantities, or an amount of their own choice.
    pub adjustable: bool,
}

/// How long a cart lives after its last change: 1 to 365 days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetime(u16);

impl Lifetime {
    /// A lifetime of `days`; `None` outside 1 to 365.
    #[must_use]
    pub fn days(days: u16) -> Option<Self> {
        (1..=365).contains(&days).then_some(Self(days))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        u32::from(self.0) * 24 * 60 * 60
    }

    /// When a cart changed at `now` expires.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_hours(24 * i64::from(self.0))).unwrap_or(Timestamp::MAX)
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(7)
    }
}

/// Everything a cart consists of, for a store to keep and to bring back.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Cart`, whose methods describe them")]
pub struct Snapshot {
    pub number: CartNumber,
    pub version: u64,
    pub status: Status,
    pub lines: Vec<Line>,
    pub currency: Option<Currency>,
    pub metadata: Metadata,
    pub pending: Option<PendingCheckout>,
    pub sold_at: Option<u64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Cart {
    /// The most lines a Checkout Session in payment mode takes.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items>
    pub const MAX_LINES: usize = 100;

    /// The most recurring lines, and the most one-time lines beside them, in subscription mode.
    pub const MAX_LINES_PER_KIND: usize = 20;

    /// An empty cart that nobody has changed yet.
    #[must_use]
    pub fn new(number: CartNumber, now: Timestamp, lifetime: Lifetime) -> Self {
        let now = whole_second(now);
        Self {
            number,
            version: 0,
            status: Status::Active,
            lines: Vec::new(),
            currency: None,
            metadata: Metadata::default(),
            pending: None,
            sold_at: None,
            created_at: now,
            updated_at: now,
            lifetime,
            expires_at: lifetime.after(now),
        }
    }

    /// Brings back a stored cart.
    #[must_use]
    pub fn restore(snapshot: Snapshot, lifetime: Lifetime) -> Self {
        let Snapshot { number, version, status, mut lines, currency, metadata, pending, .. } = snapshot;
        let Snapshot { sold_at, created_at, updated_at, expires_at, .. } = snapshot;
        in_order(&mut lines);
        let currency = if lines.is_empty() { None } else { currency };
        Self {
            number,
            version,
            status,
            lines,
            currency,
            metadata,
            pending,
            sold_at,
            created_at,
            updated_at,
            lifetime,
            expires_at,
        }
    }

    /// Everything the cart consists of.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            number: self.number,
            version: self.version,
            status: self.status,
            lines: self.lines.clone(),
            currency: self.currency,
            metadata: self.metadata.clone(),
            pending: self.pending.clone(),
            sold_at: self.sold_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
        }
    }

    /// The public name.
    #[must_use]
    pub fn number(&self) -> CartNumber {
        self.number
    }

    /// How many changes the cart has seen.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether it still takes changes.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The lines, in the order in which they were first added.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The currency of all lines; `None` while there are none.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// What the shop attached.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The Checkout Session last handed out.
    #[must_use]
    pub fn pending(&self) -> Option<&PendingCheckout> {
        self.pending.as_ref()
    }

    /// Whether units of the cart were sold after it was at `version`, by another order than `order`.
    ///
    /// A session made from that version sold them too: the shopper may have paid twice.
    #[must_use]
    pub fn was_sold_since(&self, version: u64, order: OrderNumber) -> bool {
        let completed = matches!(self.status, Status::Completed(other) if other != order);
        completed || self.sold_at.is_some_and(|sold_at| sold_at > version)
    }

    /// The version at which units of it were last sold.
    #[must_use]
    pub fn sold_at(&self) -> Option<u64> {
        self.sold_at
    }

    /// When it was opened.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// From when on it reads as absent.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The sum of all quantities.
    #[must_use]
    pub fn item_count(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity.get())).sum()
    }

    /// The lines' own texts, by price.
    #[must_use]
    pub fn descriptions(&self) -> BTreeMap<PriceId, String> {
        let described = self.lines.iter().filter_map(|line| Some((line, line.description.as_ref()?)));
        described.map(|(line, description)| (line.price.clone(), description.as_str().to_owned())).collect()
    }

    /// Whether it still takes changes at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.status == Status::Active && now < self.expires_at
    }

    /// How often the recurring lines are paid; `None` where all are one-time.
    #[must_use]
    pub fn recurrence(&self) -> Option<Recurrence> {
        self.lines.iter().find_map(|line| line.recurrence)
    }

    /// Applies a shopper's change at `now`, which also renews the cart's life.
    ///
    /// - `Add` sums quantities; a line's attributes are replaced where given.
    /// - `Update` sets quantities, adds lines that are absent, and removes those it says.
    /// - `Clear` removes lines and metadata.
    ///
    /// An update that speaks only of lines that are absent, and sets none, asks for nothing: the cart stays at its
    /// version. On error the cart is unchanged.
    ///
    /// # Errors
    ///
    /// - [`Rejection::Closed`] if the cart is expired or completed.
    /// - [`Rejection::MixedCurrency`] if a price cannot be paid in the cart's currency.
    /// - [`Rejection::MixedInterval`] if recurring lines would be paid at different intervals.
    /// - [`Rejection::QuantityTooLarge`] if a line would exceed [`Quantity::MAX`].
    /// - [`Rejection::TooManyItems`] if the lines would exceed what Stripe Checkout takes.
    pub fn apply(&mut self, change: &Change, now: Timestamp) -> Result<(), Rejection> {
        if !self.is_open(now) {
            return Err(Rejection::Closed);
        }
        if change.asks_nothing_of(self) {
            return Ok(());
        }
        let mut changed = self.clone();

        match change {
            Change::Add { items, currency, metadata } => {
                for (index, item) in items.iter().enumerate() {
                    changed.put(item, *currency, Line::position_at(now, index), Quantity::plus)?;
                }
                changed.attach(metadata.as_ref());
            }
            Change::Update { lines, currency, metadata } => {
                changed.lines.retain(|line| !lines.iter().any(|update| update.removes(&line.price)));
                for (index, update) in lines.iter().enumerate() {
                    match update {
                        LineUpdate::Remove(_) => {}
                        LineUpdate::Set(item) => {
                            changed.put(item, *currency, Line::position_at(now, index), |_, quantity| Ok(quantity))?;
                        }
                        LineUpdate::Describe { price, adjustable_quantity, description } => {
                            if let Some(line) = changed.line_mut(price) {
                                line.describe(adjustable_quantity.as_ref(), description.as_ref());
                            }
                        }
                    }
                }
                changed.attach(metadata.as_ref());
            }
            Change::Clear => {
                changed.lines.clear();
                changed.metadata = Metadata::default();
            }
        }
        changed.check_line_limits()?;
        // Two changes of one moment, or of clocks that disagree, need not come in the order of their time.
        in_order(&mut changed.lines);

        if changed.lines.is_empty() {
            changed.currency = None;
        }
        changed.touch(now);
        *self = changed;
        Ok(())
    }

    /// Notes the Checkout Session that the cart was handed out for. Not a change: version and life stay.
    #[must_use]
    pub fn with_pending(mut self, pending: PendingCheckout) -> Self {
        self.pending = Some(pending);
        self
    }

    /// Takes out of the cart what was paid with a Checkout Session made from its version `checked_out`.
    ///
    /// A cart that has not changed since is completed by `order` and final. Otherwise what was `sold` is taken out and
    /// the rest goes on, so that an item added between checkout and payment is not thrown away; if nothing is left,
    /// the cart is completed all the same. A completed cart stays as it is. An expired cart is completed too, and its life
    /// is not renewed.
    #[must_use]
    pub fn paid(mut self, order: OrderNumber, checked_out: u64, sold: &[OrderLine], now: Timestamp) -> Self {
        if self.status != Status::Active {
            return self;
        }
        let expired = now >= self.expires_at;
        if self.version == checked_out || expired {
            self.lines.clear();
        }
        self.lines.retain_mut(|line| {
            let units: u64 =
                sold.iter().filter(|sold| sold.price.as_ref() == Some(&line.price)).map(|sold| sold.quantity).sum();
            match Quantity::new(u64::from(line.quantity).saturating_sub(units)) {
                Ok(rest) => line.quantity = rest,
                Err(_) => return false,
            }
            true
        });
        // Another session may still be payable: it stays noted until a checkout has expired it.
        self.pending = self.pending.filter(|pending| OrderNumber::of_session(&pending.session) != order);
        if self.lines.is_empty() {
            self.currency = None;
            self.status = Status::Completed(order);
        }
        let expires_at = self.expires_at;
        self.touch(now);
        if expired {
            self.expires_at = expires_at;
        }
        self.sold_at = Some(self.version);
        self
    }

    fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = whole_second(now);
        self.expires_at = self.lifetime.after(self.updated_at);
    }

    fn attach(&mut self, metadata: Option<&Metadata>) {
        if let Some(metadata) = metadata {
            self.metadata = metadata.clone();
        }
    }

    fn line_mut(&mut self, price: &PriceId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.price == *price)
    }

    /// Merges an item into its line by `quantity(held, given)`, or adds a line at the end.
    fn put(
        &mut self,
        item: &Item,
        preferred: Option<Currency>,
        position: i64,
        quantity: impl Fn(Quantity, Quantity) -> Result<Quantity, Rejection>,
    ) -> Result<(), Rejection> {
        let held = if self.lines.is_empty() { None } else { self.currency };
        let currency = held.or(preferred).or(item.currencies.first().copied());
        if let Some(currency) = currency.filter(|currency| !item.currencies.contains(currency)) {
            return Err(Rejection::MixedCurrency { price: item.price.clone(), currency });
        }
        if let (Some(held), Some(offered)) = (self.recurrence(), item.recurrence)
            && held != offered
        {
            return Err(Rejection::MixedInterval { price: item.price.clone(), offered, held });
        }
        self.currency = currency;

        if let Some(line) = self.line_mut(&item.price) {
            line.quantity = quantity(line.quantity, item.quantity)?;
            line.describe(item.adjustable_quantity.as_ref(), item.description.as_ref());
            return Ok(());
        }
        self.lines.push(Line {
            price: item.price.clone(),
            quantity: item.quantity,
            adjustable_quantity: item.adjustable_quantity.clone(),
            description: item.description.clone().filter(|description| !description.is_blank()),
            recurrence: item.recurrence,
            position,
        });
        Ok(())
    }

    fn check_line_limits(&self) -> Result<(), Rejection> {
        let recurring = self.lines.iter().filter(|line| line.recurrence.is_some()).count();
        let one_time = self.lines.len() - recurring;
        let fits = if recurring == 0 {
            one_time <= Self::MAX_LINES
        } else {
            recurring <= Self::MAX_LINES_PER_KIND && one_time <= Self::MAX_LINES_PER_KIND
        };
        if fits { Ok(()) } else { Err(Rejection::TooManyItems) }
    }
}

impl Line {
    fn describe(&mut self, adjustable_quantity: Option<&AdjustableQuantity>, description: Option<&Description>) {
        if let Some(adjustable_quantity) = adjustable_quantity {
            self.adjustable_quantity = Some(adjustable_quantity.clone());
        }
        if let Some(description) = description {
            self.description = Some(description.clone()).filter(|description| !description.is_blank());
        }
    }
}

impl Change {
    fn asks_nothing_of(&self, cart: &Cart) -> bool {
        let absent = |price: &PriceId| cart.lines.iter().all(|line| line.price != *price);
        match self {
            Self::Update { lines, metadata: None, .. } => lines.iter().all(|update| match update {
                LineUpdate::Set(_) => false,
                LineUpdate::Remove(price) | LineUpdate::Describe { price, .. } => absent(price),
            }),
            Self::Add { .. } | Self::Update { metadata: Some(_), .. } | Self::Clear => false,
        }
    }
}

impl LineUpdate {
    fn removes(&self, price: &PriceId) -> bool {
        matches!(self, Self::Remove(removed) if removed == price)
    }
}

/// Puts lines into the order in which they were first added.
fn in_order(lines: &mut [Line]) {
    lines.sort_by(|a, b| (a.position, &a.price).cmp(&(b.position, &b.price)));
}

/// The times of carts and orders are whole seconds, as a store keeps them.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
