//! The rules of a cart.

use std::collections::BTreeMap;
use std::slice;

use crate::change::first_prices;
use crate::lifetime::whole_second;
use crate::succession::lines_at;
use crate::totals::own_currency;
use crate::{
    Addition, Attributes, Bounds, CartNumber, Change, Currency, CurrentSession, Details, Lifetime, Line, LineId,
    LineUpdate, Metadata, Offers, OrderNumber, Price, PriceId, Quantity, Recurrence, RefusedItem, Rejection, Setting,
    Succession, Timestamp,
};

/// A shopper's cart: lines of prices, metadata, and the time until which it lives.
///
/// Holds no amounts: what it comes to is computed from current prices, by [`crate::Totals`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cart {
    state: Snapshot,
    lifetime: Lifetime,
}

/// Whether a cart still takes changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It does.
    Active,
    /// It became this order, and is final.
    Completed(OrderNumber),
}

/// Everything a cart consists of, for a store to keep and to bring back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The public name.
    pub number: CartNumber,
    /// The number of changes that the cart has seen.
    pub version: u64,
    /// Whether it still takes changes.
    pub status: Status,
    /// Ascending in position: the order in which they were first added.
    pub lines: Vec<Line>,
    /// The currency of all lines; `None` while there are none.
    pub currency: Option<Currency>,
    /// The own currency of all lines' prices; `None` where only the offers of the lines say what may be beside them: the
    /// shopper chooses the amount of one, or an earlier release stored the cart.
    pub own_currency: Option<Currency>,
    /// What the shop attached.
    pub metadata: Metadata,
    /// The session whose page the shopper was last sent to.
    pub current_session: Option<CurrentSession>,
    /// The version at which units of it were last sold.
    pub sold_at: Option<u64>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// From when on it reads as absent.
    pub expires_at: Timestamp,
}

impl Cart {
    /// The most lines a Checkout Session in payment mode takes.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items>
    pub const MAX_LINES: usize = 100;

    /// The most recurring lines, and the most one-time lines beside them, in subscription mode.
    pub const MAX_LINES_PER_KIND: usize = 20;

    /// The most former ids of lines that a cart keeps, so that its item has a bound.
    pub const MAX_FORMER_IDS: usize = 24;

    /// An empty cart at version 0, before its first change.
    #[must_use]
    pub fn new(number: CartNumber, now: Timestamp, lifetime: Lifetime) -> Self {
        let now = whole_second(now);
        let state = Snapshot {
            number,
            version: 0,
            status: Status::Active,
            lines: Vec::new(),
            currency: None,
            own_currency: None,
            metadata: Metadata::default(),
            current_session: None,
            sold_at: None,
            created_at: now,
            updated_at: now,
            expires_at: lifetime.after(now),
        };
        Self { state, lifetime }
    }

    /// Brings back a stored cart.
    #[must_use]
    pub fn restore(mut state: Snapshot, lifetime: Lifetime) -> Self {
        in_order(&mut state.lines);
        let mut cart = Self { state, lifetime };
        cart.forget_currencies_without_lines();
        cart
    }

    /// The public name.
    #[must_use]
    pub fn number(&self) -> CartNumber {
        self.state.number
    }

    /// How many changes the cart has seen.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// Whether it still takes changes.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.status
    }

    /// The lines, in the order in which they were first added.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.state.lines
    }

    /// The currency of all lines; `None` while there are none.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.state.currency
    }

    /// The own currency of all lines' prices, which need not be the cart's currency; `None` where only the offers of the
    /// lines say what may be beside them. Where it is known, no line has an amount that the shopper chooses.
    #[must_use]
    pub fn own_currency(&self) -> Option<Currency> {
        self.state.own_currency
    }

    /// What the shop attached.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.state.metadata
    }

    /// The session whose page the shopper was last sent to.
    #[must_use]
    pub fn current_session(&self) -> Option<&CurrentSession> {
        self.state.current_session.as_ref()
    }

    /// Whether units of the cart were sold after it was at `version`, by another order than `order`.
    ///
    /// A session made from that version sold them too: the shopper may have paid twice.
    #[must_use]
    pub fn was_sold_since(&self, version: u64, order: OrderNumber) -> bool {
        let completed = matches!(self.state.status, Status::Completed(other) if other != order);
        completed || self.state.sold_at.is_some_and(|sold_at| sold_at > version)
    }

    /// The version at which units of it were last sold.
    #[must_use]
    pub fn sold_at(&self) -> Option<u64> {
        self.state.sold_at
    }

    /// When it was opened.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.state.created_at
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.state.updated_at
    }

    /// From when on it reads as absent.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.state.expires_at
    }

    /// The sum of all quantities.
    #[must_use]
    pub fn item_count(&self) -> u64 {
        self.state.lines.iter().map(|line| u64::from(line.quantity.get())).sum()
    }

    /// Whether it still takes changes at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state.status == Status::Active && now < self.state.expires_at
    }

    /// Whether a page was made of the cart as it is, and can still be paid at `now`.
    #[must_use]
    pub fn is_at_checkout(&self, now: Timestamp) -> bool {
        let is_this = |session: &CurrentSession| session.version == self.state.version;
        let is_payable = |session: &CurrentSession| session.expires_at.is_some_and(|end| now < end);
        self.is_open(now) && self.current_session().is_some_and(|session| is_this(session) && is_payable(session))
    }

    /// The prices of lines whose offers [`Cart::apply`] needs to decide on `change` besides `offers`, which are those of
    /// [`Change::prices`]: of none, or of all. That is where the cart does not know itself what may be beside them, and where the
    /// change means a line by a former id or one whose price is archived: others may go on at the same successor.
    pub fn prices_to_look_up<'a>(
        &'a self,
        change: &Change,
        offers: &Offers,
    ) -> impl Iterator<Item = &'a PriceId> + use<'a> {
        let is_known = self.state.own_currency.is_some() || !change.puts_units();
        let goes_on =
            |id: &LineId| self.line(id).is_some_and(|line| line.id != *id || offers.successor(&line.price).is_some());
        let needs_all = !is_known || change.lines().any(goes_on);
        self.state.lines.iter().filter(move |_| needs_all).map(|line| &line.price)
    }

    /// How often the recurring lines are paid; `None` where all are one-time.
    #[must_use]
    pub fn recurrence(&self) -> Option<Recurrence> {
        self.state.lines.iter().find_map(|line| line.recurrence)
    }

    /// Applies a shopper's change at `now`, which also renews the cart's life.
    ///
    /// `offers` holds the offers of the prices that [`Change::prices`] names, and of those in [`Cart::prices_to_look_up`].
    ///
    /// - `Add` sums quantities of lines with the same price and attributes; what a line has beside them is replaced where given.
    ///   Where it is not all or nothing and cannot be made as a whole, its items are added one after the other; those of one line
    ///   count together towards its least quantity. Those that the cart does not take are returned, in the order in which they
    ///   were sent; if it takes none, it is unchanged.
    /// - `Update` sets quantities, adds lines of prices that are absent, and removes those it says.
    /// - `Line` does so to a line that is there.
    /// - `Clear` removes lines and metadata.
    ///
    /// An update that speaks only of lines that are absent, and sets none, asks for nothing: the cart stays at its
    /// version. On error the cart is unchanged.
    ///
    /// # Errors
    ///
    /// - [`Rejection::Closed`] if the cart is expired or completed.
    /// - [`Rejection::PriceNotFound`], or of a line that is there [`Rejection::LineNotForSale`], if units of a price would be put
    ///   in that is not for sale.
    /// - [`Rejection::LineNotFound`] if a line that is set has attributes and is absent, or is to be there and is not.
    /// - [`Rejection::RecurringLineExists`] if a recurring price would stand on a second line.
    /// - [`Rejection::MixedCurrency`] if a price cannot be paid in the cart's currency.
    /// - [`Rejection::MixedOwnCurrency`] if a price has another own currency than those in the cart.
    /// - [`Rejection::MixedInterval`] if recurring lines would be paid at different intervals.
    /// - [`Rejection::CustomAmountAlone`] if more would be put into a cart in which a price whose amount the shopper chooses
    ///   does not stand alone afterwards.
    /// - [`Rejection::LineTooLarge`] if a line would exceed [`Quantity::MAX`].
    /// - [`Rejection::QuantityOutOfRange`] if a quantity would change to one outside of the line's bounds, or one with which it
    ///   cannot go on at the price that took the place of its own.
    /// - [`Rejection::TooManyItems`] if the lines would exceed what Stripe Checkout takes.
    /// - [`Rejection::TextTooLong`] if the texts would come to more than [`Cart::MAX_TEXT`].
    pub fn apply(&mut self, change: &Change, offers: &Offers, now: Timestamp) -> Result<Vec<RefusedItem>, Rejection> {
        if !self.is_open(now) {
            return Err(Rejection::Closed);
        }
        if change.asks_nothing_of(self) {
            return Ok(Vec::new());
        }
        let whole = change.whole().and_then(|whole| self.changed(&whole, 0, offers, now));
        let (mut changed, refused) = match (whole, change) {
            (Ok(changed), _) => (changed, Vec::new()),
            (Err(_), Change::Add { items, currency, metadata, all_or_nothing: false }) => {
                let one = |item: &Addition| Change::Add {
                    items: vec![item.clone()],
                    currency: *currency,
                    metadata: metadata.clone(),
                    all_or_nothing: true,
                };
                let (changed, refused) = self.with_what_fits(items, one, offers, now);
                if refused.len() == items.len() {
                    return Ok(refused);
                }
                (changed, refused)
            }
            (Err(rejection), _) => return Err(rejection),
        };
        changed.touch(now);
        *self = changed;
        Ok(refused)
    }

    /// The cart with those of the items that it takes, each by the change `one` of it; and the others.
    ///
    /// Items of one line count together: one that has too few units for the line waits for those that come after it.
    #[cold]
    fn with_what_fits(
        &self,
        items: &[Addition],
        one: impl Fn(&Addition) -> Change,
        offers: &Offers,
        now: Timestamp,
    ) -> (Self, Vec<RefusedItem>) {
        let prices = first_prices(items);
        let mut changed = self.clone();
        let mut refused: Vec<Option<Rejection>> = items.iter().map(|_| None).collect();
        let mut waiting: Vec<Waiting> = Vec::new();
        let taken_by = |cart: &Self, item: &Addition| {
            if !prices.contains(&item.price) {
                return Err(Rejection::TooManyItems);
            }
            cart.changed(&one(item), cart.state.lines.len() - self.state.lines.len(), offers, now)
        };
        for (index, item) in items.iter().enumerate() {
            let line = item.line();
            let mut beside = None;
            let place = waiting.iter().position(|before| before.line == line);
            if let Some(place) = place {
                let before = &mut waiting[place];
                let mut together = before.together.clone();
                let taken = together.join(item.clone()).and_then(|()| taken_by(&changed, &together));
                match taken {
                    Ok(cart) => {
                        changed = cart;
                        for index in waiting.swap_remove(place).indices {
                            refused[index] = None;
                        }
                        continue;
                    }
                    Err(rejection) if changed.has_too_few(&together, &rejection) => {
                        before.together = together;
                        before.indices.push(index);
                        refused[index] = Some(rejection);
                        continue;
                    }
                    Err(rejection) => beside = Some(rejection),
                }
            }
            match taken_by(&changed, item) {
                Ok(cart) => {
                    changed = cart;
                    // All that waited was too much beside it. Some of it may not be.
                    for index in place.into_iter().flat_map(|place| waiting.swap_remove(place).indices) {
                        // What was sent later counts.
                        let mut before = items[index].clone();
                        before.details.replace(item.details.clone());
                        if let Ok(cart) = taken_by(&changed, &before) {
                            changed = cart;
                            refused[index] = None;
                        }
                    }
                }
                Err(rejection) => {
                    let has_too_few = changed.has_too_few(item, &rejection);
                    if place.is_none() && has_too_few {
                        waiting.push(Waiting { line, together: item.clone(), indices: vec![index] });
                    }
                    refused[index] = Some(if has_too_few { beside.unwrap_or(rejection) } else { rejection });
                }
            }
        }
        let refused = refused.into_iter().zip(items).enumerate().filter_map(|(index, (rejection, item))| {
            Some(RefusedItem { index, price: item.price.clone(), rejection: rejection? })
        });
        (changed, refused.collect())
    }

    /// Whether an addition was refused because it leaves its line below the least of its bounds.
    fn has_too_few(&self, addition: &Addition, rejection: &Rejection) -> bool {
        let Rejection::QuantityOutOfRange { line, bounds } = rejection else { return false };
        // A line that was once called so is another's by now.
        let held = self.state.lines.iter().find(|held| held.id == *line).map_or(0, |held| held.quantity.get());
        bounds.minimum.is_some_and(|least| held + addition.quantity.get() < least)
    }

    /// The cart as a change makes it that is all or nothing, at the same version. Before the first line that an addition adds stand
    /// `place` others of the moment.
    fn changed(&self, change: &Change, place: usize, offers: &Offers, now: Timestamp) -> Result<Self, Rejection> {
        let mut changed = self.clone();
        match change {
            Change::Add { items, currency, metadata, .. } => {
                changed.add(items, place, *currency, offers, now)?;
                changed.attach(metadata.as_ref());
            }
            Change::Update { lines, currency, metadata } => {
                changed.update(lines, *currency, offers, now)?;
                changed.attach(metadata.as_ref());
            }
            Change::Line(update) => {
                let line = update.line();
                self.line(line).ok_or_else(|| Rejection::LineNotFound(line.clone()))?;
                changed.update(slice::from_ref(update), None, offers, now)?;
            }
            Change::Clear => {
                changed.state.lines.clear();
                changed.state.metadata = Metadata::default();
            }
        }
        changed.check_line_limits()?;
        changed.check_room_at_successors(self, offers)?;
        changed.check_texts(self)?;
        if change.puts_units() {
            changed.check_custom_amount(self, offers)?;
            changed.learn_own_currency(offers);
        }
        // Two changes of one moment, or of clocks that disagree, need not come in the order of their time.
        in_order(&mut changed.state.lines);

        changed.forget_currencies_without_lines();
        Ok(changed)
    }

    /// Takes out of the cart what was paid with a Checkout Session made from its version `checked_out`.
    ///
    /// A cart that has not changed since is completed by `order` and final. Otherwise the units `sold` of each line are taken
    /// out and the rest goes on, so that an item added between checkout and payment is not thrown away; if nothing is left,
    /// the cart is completed all the same. A completed cart stays as it is. An expired cart is completed too, and its life
    /// is not renewed.
    #[must_use]
    pub fn paid(mut self, order: OrderNumber, checked_out: u64, sold: &BTreeMap<LineId, u64>, now: Timestamp) -> Self {
        if self.state.status != Status::Active {
            return self;
        }
        let expired = now >= self.state.expires_at;
        if self.state.version == checked_out || expired {
            self.state.lines.clear();
        }
        let ids: Vec<LineId> = self.state.lines.iter().map(|line| line.id.clone()).collect();
        self.state.lines.retain_mut(|line| {
            // A line that was once called so is not meant where another is called so now.
            let former = line.former.iter().filter(|id| !ids.contains(id));
            let units: u64 = std::iter::once(&line.id).chain(former).filter_map(|id| sold.get(id)).sum();
            match Quantity::new(u64::from(line.quantity).saturating_sub(units)) {
                Ok(rest) => line.quantity = rest,
                Err(_) => return false,
            }
            true
        });
        // Another session may still be payable: it stays noted until Stripe tells that it has expired.
        self.state.current_session =
            self.state.current_session.filter(|session| OrderNumber::of_session(&session.id) != order);
        self.forget_currencies_without_lines();
        if self.state.lines.is_empty() {
            self.state.status = Status::Completed(order);
        }
        let expires_at = self.state.expires_at;
        self.touch(now);
        if expired {
            self.state.expires_at = expires_at;
        }
        self.state.sold_at = Some(self.state.version);
        self
    }

    /// The cart without what its shopper wrote: metadata, and the texts of lines. Its life is not renewed.
    ///
    /// It is another version, so that no write of a cart that was read before brings any of it back. A cart of which there is
    /// nothing to take out stays as it is. All fields are named here, so that each new one is decided on.
    #[must_use]
    pub fn anonymised(self) -> Self {
        let Self { state, lifetime } = self.clone();
        let Snapshot {
            number,
            version,
            status,
            mut lines,
            currency,
            own_currency,
            metadata: _,
            mut current_session,
            sold_at,
            created_at,
            updated_at,
            expires_at,
        } = state;
        for line in &mut lines {
            line.description = None;
            line.former.retain(|id| !id.has_attributes());
        }
        let lines = without_attributes(lines);
        if let Some(session) = &mut current_session {
            session.descriptions.clear();
        }
        let mut state = Snapshot {
            number,
            version,
            status,
            lines,
            currency,
            own_currency,
            metadata: Metadata::default(),
            current_session,
            sold_at,
            created_at,
            updated_at,
            expires_at,
        };
        if state == self.state {
            return self;
        }
        state.version += 1;
        Self { state, lifetime }
    }

    fn touch(&mut self, now: Timestamp) {
        self.state.version += 1;
        self.state.updated_at = whole_second(now);
        self.state.expires_at = self.lifetime.after(self.state.updated_at);
    }

    fn forget_currencies_without_lines(&mut self) {
        if self.state.lines.is_empty() {
            self.state.currency = None;
            self.state.own_currency = None;
        }
    }

    /// The own currency of the lines' prices, as the cart knows it or else as `offers` say it.
    fn own_currency_by(&self, offers: &Offers) -> Option<Currency> {
        self.state.own_currency.or_else(|| own_currency(self, offers))
    }

    /// Finds out whether the prices of all lines have one own currency, and no amount that the shopper chooses. Those that
    /// are not in `offers` have the one that is known, if any.
    fn learn_own_currency(&mut self, offers: &Offers) {
        let known = self.state.own_currency;
        let of_price = |price: &Price| Some(price.currency).filter(|_| !price.is_custom());
        let own = |line: &Line| offers.get(&line.price).map_or(known, |offer| of_price(&offer.price));
        let first = self.state.lines.first().and_then(own);
        self.state.own_currency = first.filter(|_| self.state.lines.iter().all(|line| own(line) == first));
    }

    fn attach(&mut self, metadata: Option<&Metadata>) {
        if let Some(metadata) = metadata {
            self.state.metadata = metadata.clone();
        }
    }

    /// The line that is called so, or else the one that was.
    pub(crate) fn line(&self, id: &LineId) -> Option<&Line> {
        let lines = || self.state.lines.iter();
        lines().find(|line| line.id == *id).or_else(|| lines().find(|line| line.answers_to(id)))
    }

    fn line_mut(&mut self, id: &LineId) -> Option<&mut Line> {
        let id = self.line(id)?.id.clone();
        self.state.lines.iter_mut().find(|line| line.id == id)
    }

    /// The cart with each line at the price that took the place of its archived one. It is at the same version.
    ///
    /// Where the cart has the successor's line with the same attributes already, the two become one. On error the cart is
    /// unchanged.
    ///
    /// # Errors
    ///
    /// [`Rejection::TextTooLong`] if the texts would come to more than [`Cart::MAX_TEXT`], as the successors' ids are long.
    pub fn succeed(&mut self, offers: &Offers) -> Result<(), Rejection> {
        let mut succeeded = self.clone();
        for line in self.lines() {
            succeeded.succeed_line(&line.id, offers)?;
        }
        succeeded.check_texts(self)?;
        *self = succeeded;
        Ok(())
    }

    /// Has a line go on at the price that took the place of its archived one, if one did.
    fn succeed_line(&mut self, id: &LineId, offers: &Offers) -> Result<(), Rejection> {
        let Some(line) = self.line(id) else { return Ok(()) };
        let Some(succession) = Succession::of(line, self, offers) else { return Ok(()) };
        let price = succession.successor.price.id.clone();
        let (old, new) = (line.id.clone(), succession.id(&line.attributes));
        let mut after = line.clone();
        after.former.push(old.clone());
        if let Some(there) = self.state.lines.iter().position(|line| line.id == new) {
            let held = self.state.lines.remove(there);
            after.former.extend(held.former);
            after.quantity = held.quantity.plus(after.quantity)?;
            after.description = after.description.or(held.description);
            after.adjustable_quantity = after.adjustable_quantity.or(held.adjustable_quantity);
        }
        if let Some(line) = self.state.lines.iter_mut().find(|line| line.id == old) {
            *line = Line { id: new, price, ..after };
        }
        self.forget_former_ids();
        Ok(())
    }

    /// Forgets former ids that are too many, and such as make the texts too long, of the lines that were added first.
    fn forget_former_ids(&mut self) {
        let kept = self.state.lines.iter().map(|line| line.former.len()).sum::<usize>();
        let mut surplus = kept.saturating_sub(Self::MAX_FORMER_IDS);
        for line in &mut self.state.lines {
            let forgotten = surplus.min(line.former.len());
            line.former.drain(..forgotten);
            surplus -= forgotten;
        }
        let mut surplus = self.text_bytes().saturating_sub(Self::MAX_TEXT);
        for line in &mut self.state.lines {
            let id = line.id.clone();
            line.former.retain(|former| {
                let bytes = id.former_text_bytes(former);
                let forgets = surplus > 0 && bytes > 0;
                surplus = if forgets { surplus.saturating_sub(bytes) } else { surplus };
                !forgets
            });
        }
    }

    fn add(
        &mut self,
        items: &[Addition],
        place: usize,
        preferred: Option<Currency>,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        for (index, item) in (place..).zip(items) {
            let price = self.admit(&item.price, preferred, offers)?;
            let id = item.line();
            // An addition names a price: a line that was once called so is another's by now.
            match self.state.lines.iter_mut().find(|line| line.id == id) {
                Some(line) => {
                    let held = line.quantity;
                    let sum = held.plus(item.quantity);
                    line.quantity = sum.map_err(|_| Rejection::LineTooLarge { line: id, held: held.get() })?;
                    line.describe(&item.details);
                    line.check_bounds(Some(price))?;
                }
                None => self.put(item, price, Line::position_at(now, index))?,
            }
        }
        Ok(())
    }

    fn update(
        &mut self,
        updates: &[LineUpdate],
        preferred: Option<Currency>,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        let removed: Vec<LineId> =
            updates.iter().filter_map(|update| self.line(update.removed()?).map(|line| line.id.clone())).collect();
        self.state.lines.retain(|line| !removed.contains(&line.id));
        self.forget_currencies_without_lines();
        for (index, update) in updates.iter().enumerate() {
            match update {
                LineUpdate::Remove(_) => {}
                LineUpdate::Set(setting) => self.set(setting, preferred, offers, Line::position_at(now, index))?,
                LineUpdate::Describe { line, details } => {
                    if let Some(line) = self.line_mut(line) {
                        line.describe(details);
                    }
                }
            }
        }
        // Only now: two lines that become one are set each for itself before.
        let named = updates.iter().filter(|update| update.removed().is_none());
        named.map(LineUpdate::line).try_for_each(|line| self.succeed_line(line, offers))
    }

    /// Sets a line, or adds one at the end, at `position`. To put no more units into a line, its price need not be for sale.
    fn set(
        &mut self,
        setting: &Setting,
        preferred: Option<Currency>,
        offers: &Offers,
        position: i64,
    ) -> Result<(), Rejection> {
        let Setting { line: id, quantity, details } = setting;
        let not_found = || Rejection::LineNotFound(id.clone());
        let Some(line) = self.line(id) else {
            let price = id.price().filter(|_| !id.has_attributes()).ok_or_else(not_found)?;
            let item = Addition { details: details.clone(), ..Addition::new(price, *quantity) };
            let price = self.admit(&item.price, preferred, offers)?;
            return self.put(&item, price, position);
        };
        let succession = Succession::of(line, self, offers);
        let offer = succession.map(|succession| succession.successor).or_else(|| offers.get(&line.price));
        let (held, price) = (line.quantity, offer.map_or(&line.price, |offer| &offer.price.id).clone());
        if held < *quantity {
            self.admit(&price, preferred, offers).map_err(|rejection| self.of_line(id, rejection))?;
        }
        if let Some(line) = self.line_mut(id) {
            line.quantity = *quantity;
            line.describe(details);
            if held != *quantity {
                line.check_bounds(offer.map(|offer| &offer.price))?;
            }
        }
        Ok(())
    }

    /// A refusal of more units of a line that is there: several lines may be of the price that it names.
    fn of_line(&self, id: &LineId, rejection: Rejection) -> Rejection {
        match (rejection, self.line(id)) {
            (Rejection::PriceNotFound(price), Some(line)) => Rejection::LineNotForSale { line: line.id.clone(), price },
            (rejection, _) => rejection,
        }
    }

    /// Makes sure that a price is for sale and fits the cart, whose first line decides its currency.
    fn admit<'a>(
        &mut self,
        id: &PriceId,
        preferred: Option<Currency>,
        offers: &'a Offers,
    ) -> Result<&'a Price, Rejection> {
        let price = &offers.for_sale(id).ok_or_else(|| Rejection::PriceNotFound(id.clone()))?.price;
        let currency = self.state.currency.or(preferred).unwrap_or(price.currency);
        if !price.sells_in(currency) {
            return Err(Rejection::MixedCurrency { price: id.clone(), currency });
        }
        let (offered, held) = (price.currency, self.own_currency_by(offers).unwrap_or(price.currency));
        if offered != held {
            return Err(Rejection::MixedOwnCurrency { price: id.clone(), offered, held, currency });
        }
        if let (Some(held), Some(offered)) = (self.recurrence(), price.recurrence())
            && held != offered
        {
            return Err(Rejection::MixedInterval { price: id.clone(), offered, held });
        }
        self.state.currency = Some(currency);
        Ok(price)
    }

    /// Adds a line at `position`.
    fn put(&mut self, item: &Addition, price: &Price, position: i64) -> Result<(), Rejection> {
        let recurrence = price.recurrence();
        if recurrence.is_some() && self.state.lines.iter().any(|line| line.price == item.price) {
            return Err(Rejection::RecurringLineExists(item.price.clone()));
        }
        let mut line = Line {
            id: item.line(),
            price: item.price.clone(),
            attributes: item.attributes.clone(),
            quantity: item.quantity,
            adjustable_quantity: None,
            description: None,
            recurrence,
            position,
            former: Vec::new(),
        };
        line.describe(&item.details);
        line.check_bounds(Some(price))?;
        self.state.lines.push(line);
        Ok(())
    }

    /// Checks that each line with more units than `before` has gone on at the price that took the place of its own, if one did.
    fn check_room_at_successors(&self, before: &Self, offers: &Offers) -> Result<(), Rejection> {
        for line in &self.state.lines {
            let Some(successor) = offers.successor(&line.price) else { continue };
            if before.line(&line.id).is_some_and(|held| held.quantity < line.quantity) {
                let bounds_of = |line: &Line| Bounds::new(line.adjustable_quantity.as_ref(), Some(&successor.price));
                let joined = lines_at(&successor.price.id, self, offers).filter(|at| at.attributes == line.attributes);
                let most = joined.filter_map(|line| bounds_of(line).maximum).min();
                let maximum = most.or(Some(Quantity::MAX));
                let bounds = Bounds { minimum: bounds_of(line).minimum, maximum };
                return Err(Rejection::QuantityOutOfRange { line: line.id.clone(), bounds });
            }
        }
        Ok(())
    }

    /// Checks that a line whose amount the shopper chooses stands alone.
    ///
    /// A cart that an earlier release stored may break this. It can be mended in several steps: what only takes lines or
    /// units out of the cart as it was `before` is let through, though it does not mend it yet.
    fn check_custom_amount(&self, before: &Self, offers: &Offers) -> Result<(), Rejection> {
        let lines = &self.state.lines;
        let is_custom = |line: &&Line| offers.get(&line.price).is_some_and(|offer| offer.price.is_custom());
        match lines.iter().find(is_custom) {
            Some(line) if !line.stands_alone(lines.len()) && self.holds_more_than(before) => {
                Err(Rejection::CustomAmountAlone(line.price.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether there is a line that the `other` does not have, or has fewer units of.
    fn holds_more_than(&self, other: &Self) -> bool {
        let is_more = |line: &Line| other.line(&line.id).is_none_or(|held| held.quantity < line.quantity);
        self.state.lines.iter().any(is_more)
    }

    fn check_line_limits(&self) -> Result<(), Rejection> {
        let recurring = self.state.lines.iter().filter(|line| line.recurrence.is_some()).count();
        let one_time = self.state.lines.len() - recurring;
        let fits = if recurring == 0 {
            one_time <= Self::MAX_LINES
        } else {
            recurring <= Self::MAX_LINES_PER_KIND && one_time <= Self::MAX_LINES_PER_KIND
        };
        if fits { Ok(()) } else { Err(Rejection::TooManyItems) }
    }
}

/// Items of one line that have too few units for it.
struct Waiting {
    line: LineId,
    /// All of them as one.
    together: Addition,
    /// Their places among the items.
    indices: Vec<usize>,
}

impl Line {
    fn check_bounds(&self, price: Option<&Price>) -> Result<(), Rejection> {
        let bounds = Bounds::new(self.adjustable_quantity.as_ref(), price);
        if bounds.admit(self.quantity) {
            return Ok(());
        }
        Err(Rejection::QuantityOutOfRange { line: self.id.clone(), bounds })
    }

    fn describe(&mut self, details: &Details) {
        if let Some(adjustable_quantity) = &details.adjustable_quantity {
            self.adjustable_quantity = Some(adjustable_quantity.clone());
        }
        if let Some(description) = &details.description {
            self.description = Some(description.clone()).filter(|description| !description.is_blank());
        }
    }
}

impl Change {
    fn asks_nothing_of(&self, cart: &Cart) -> bool {
        match self {
            Self::Update { lines, metadata: None, .. } => {
                lines.iter().all(|update| update.setting().is_none() && cart.line(update.line()).is_none())
            }
            Self::Add { .. } | Self::Update { metadata: Some(_), .. } | Self::Line(_) | Self::Clear => false,
        }
    }
}

/// The lines without their attributes: those of one price become one.
fn without_attributes(lines: Vec<Line>) -> Vec<Line> {
    let mut plain: Vec<Line> = Vec::with_capacity(lines.len());
    for mut line in lines {
        line.attributes = Attributes::default();
        line.id = LineId::from(&line.price);
        match plain.iter_mut().find(|earlier| earlier.id == line.id) {
            // What is more than a line can hold is left out: only the shopper can say what is meant.
            Some(earlier) => earlier.quantity = earlier.quantity.plus(line.quantity).unwrap_or(earlier.quantity),
            None => plain.push(line),
        }
    }
    plain
}

/// Puts lines into the order in which they were first added.
fn in_order(lines: &mut [Line]) {
    lines.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
}
