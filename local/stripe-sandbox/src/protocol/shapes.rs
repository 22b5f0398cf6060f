//! The parameters of the API's endpoints (<https://docs.stripe.com/api>), by resource.

use super::parameters::Definitions;

pub(crate) static CHARGES: Definitions = Definitions::new(include_str!("../../data/parameters/charges.json"));
pub(crate) static COMMON: Definitions = Definitions::new(include_str!("../../data/parameters/common.json"));
pub(crate) static COUPONS: Definitions = Definitions::new(include_str!("../../data/parameters/coupons.json"));
pub(crate) static EVENTS: Definitions = Definitions::new(include_str!("../../data/parameters/events.json"));
pub(crate) static INVOICE_PAYMENTS: Definitions =
    Definitions::new(include_str!("../../data/parameters/invoice_payments.json"));
pub(crate) static PAYMENT_INTENTS: Definitions =
    Definitions::new(include_str!("../../data/parameters/payment_intents.json"));
pub(crate) static PRICES: Definitions = Definitions::new(include_str!("../../data/parameters/prices.json"));
pub(crate) static PRODUCTS: Definitions = Definitions::new(include_str!("../../data/parameters/products.json"));
pub(crate) static PROMOTION_CODES: Definitions =
    Definitions::new(include_str!("../../data/parameters/promotion_codes.json"));
pub(crate) static REFUNDS: Definitions = Definitions::new(include_str!("../../data/parameters/refunds.json"));
pub(crate) static SESSIONS: Definitions = Definitions::new(include_str!("../../data/parameters/sessions.json"));
pub(crate) static SHIPPING_RATES: Definitions =
    Definitions::new(include_str!("../../data/parameters/shipping_rates.json"));
pub(crate) static TAX_RATES: Definitions = Definitions::new(include_str!("../../data/parameters/tax_rates.json"));
