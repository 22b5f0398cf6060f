//! The functions, by the names of their binaries.

use web::{Endpoint as _, Request, Response, Setup};

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
    pub(crate) fn new(setup: &Setup) -> Result<Self, settings::Error> {
        Ok(Self {
            get: get::Get::new(setup)?,
            add: add::Add::new(setup)?,
            update: update::Update::new(setup)?,
            clear: clear::Clear::new(setup)?,
            checkout: checkout::Checkout::new(setup)?,
            stripe_webhook: stripe_webhook::StripeWebhook::new(setup)?,
            finish_order: finish_order::FinishOrder::new(setup)?,
            order: order::Orders::new(setup)?,
            products: products::Products::new(setup)?,
            log: web::Log::new(&setup.environment),
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
