//! What happens to a Checkout Session: it is created, shown, paid, settled, expired.

mod answers;
mod consent;
mod contact;
mod create;
mod currency;
mod custom_fields;
mod discounts;
mod expire;
mod lines;
mod links;
mod pay;
mod payment_methods;
mod recover;
mod render;
pub(crate) mod sessions;
mod settle;
mod shipping;
mod tax;

pub(crate) use self::answers::Answers;
pub(crate) use self::custom_fields::custom_answer;
pub(crate) use self::expire::expire_due;
pub(crate) use self::pay::pay;
pub(crate) use self::recover::recover;
pub(crate) use self::settle::settle;
