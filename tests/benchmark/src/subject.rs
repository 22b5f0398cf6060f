//! What is measured: a function together with the requests it answers.

use serde_json::Value;

use crate::Failure;
use crate::shop::{self, Shop};

/// A function and the kind of request that it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    Hello,
    MinimalGet,
    MinimalAdd,
    Get,
    Add,
    Update,
    Clear,
    Checkout,
    Webhook,
    Products,
}

/// The number of lines of a cart where a table does not say another one.
pub(crate) const USUAL_LINES: usize = 5;

impl Subject {
    pub(crate) const ALL: [Self; 10] = [
        Self::Hello,
        Self::MinimalGet,
        Self::MinimalAdd,
        Self::Get,
        Self::Add,
        Self::Update,
        Self::Clear,
        Self::Checkout,
        Self::Webhook,
        Self::Products,
    ];

    pub(crate) fn binary(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::MinimalGet | Self::MinimalAdd => "minimal",
            Self::Get => "get",
            Self::Add => "add",
            Self::Update => "update",
            Self::Clear => "clear",
            Self::Checkout => "checkout",
            Self::Webhook => "stripe-webhook",
            Self::Products => "products",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MinimalGet => "minimal, reading",
            Self::MinimalAdd => "minimal, adding",
            other => other.binary(),
        }
    }

    /// Returns `count` requests about carts of `lines` lines.
    ///
    /// They are the same request about one cart, except for `checkout` and `stripe-webhook`: these answer a repeated
    /// request from what they stored at the first, so each of theirs is about a cart of its own.
    pub(crate) async fn events(self, shop: &Shop, lines: usize, count: usize) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Checkout | Self::Webhook => {
                let mut events = Vec::new();
                for _ in 0..count {
                    events.push(self.event(shop, lines).await?);
                }
                Ok(events)
            }
            _ => Ok(vec![self.event(shop, lines).await?; count]),
        }
    }

    /// Returns a request about a new cart of `lines` lines.
    pub(crate) async fn event(self, shop: &Shop, lines: usize) -> Result<Value, Failure> {
        Ok(match self {
            Self::Hello | Self::Products => shop::products(),
            Self::MinimalGet | Self::Get => shop.cart(lines).await?.get(),
            Self::MinimalAdd | Self::Add => shop.cart(lines).await?.add(),
            Self::Update => shop.cart(lines).await?.update(),
            Self::Clear => shop.cart(lines).await?.clear(),
            Self::Checkout => shop.cart(lines).await?.checkout(),
            Self::Webhook => shop.paid(lines).await?,
        })
    }

    /// Fails unless `answer` is a success.
    pub(crate) fn expect_ok(self, answer: &Value) -> Result<(), Failure> {
        // The API's own answers have a status, `hello` has one too.
        if answer["statusCode"] == 200 { Ok(()) } else { Err(Failure::Answer(self.name(), answer.to_string())) }
    }
}
