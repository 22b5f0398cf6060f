//! The functions, by the names of their binaries.

use settings::Environment;
use web::{Endpoint as _, Request, Response};

/// Every HTTP function, in one process.
pub(crate) struct Functions {
    get: get::Get,
    add: add::Add,
    update: update::Update,
    clear: clear::Clear,
    checkout: checkout::Checkout,
    stripe_webhook: stripe_webhook::StripeWebhook,
    finish_order: finish_order::FinishOrder,
    order: order::Orders,
    products: products::Products,
}

impl Functions {
    pub(crate) fn new(environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self {
            get: get::Get::new(environment)?,
            add: add::Add::new(environment)?,
            update: update::Update::new(environment)?,
            clear: clear::Clear::new(environment)?,
            checkout: checkout::Checkout::new(environment)?,
            stripe_webhook: stripe_webhook::StripeWebhook::new(environment)?,
            finish_order: finish_order::FinishOrder::new(environment)?,
            order: order::Orders::new(environment)?,
            products: products::Products::new(environment)?,
        })
    }

    /// Lets a function answer; `None` if there is none of this name.
    pub(crate) async fn call(&self, function: &str, request: Request) -> Option<Response> {
        Some(match function {
            "get" => web::answer(&self.get, request).await,
            "add" => web::answer(&self.add, request).await,
            "update" => web::answer(&self.update, request).await,
            "clear" => web::answer(&self.clear, request).await,
            "checkout" => web::answer(&self.checkout, request).await,
            "stripe-webhook" => web::answer(&self.stripe_webhook, request).await,
            "finish-order" => web::answer(&self.finish_order, request).await,
            "order" => web::answer(&self.order, request).await,
            "products" => web::answer(&self.products, request).await,
            _ => return None,
        })
    }
}
