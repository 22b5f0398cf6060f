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
    log: web::Log,
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
            log: web::Log::new(environment),
        })
    }

    /// Lets a function answer; `None` if there is none of this name.
    pub(crate) async fn call(&self, function: &str, request: Request) -> Option<Response> {
        Some(match function {
            "get" => web::answer(&self.get, &self.log, request).await,
            "add" => web::answer(&self.add, &self.log, request).await,
            "update" => web::answer(&self.update, &self.log, request).await,
            "clear" => web::answer(&self.clear, &self.log, request).await,
            "checkout" => web::answer(&self.checkout, &self.log, request).await,
            "stripe-webhook" => web::answer(&self.stripe_webhook, &self.log, request).await,
            "finish-order" => web::answer(&self.finish_order, &self.log, request).await,
            "order" => web::answer(&self.order, &self.log, request).await,
            "products" => web::answer(&self.products, &self.log, request).await,
            _ => return None,
        })
    }
}
