//! The functions, by the names of their binaries.

use lambda_http::Request;
use services::Services;
use web::{Endpoint, Log, Response};

/// Lists the functions once: a field, and the endpoint that it holds.
macro_rules! functions {
    ($($field:ident: $endpoint:ty),* $(,)?) => {
        /// Every HTTP function, in one process.
        pub(crate) struct Functions {
            $($field: Function<$endpoint>),*
        }

        impl Functions {
            pub(crate) fn new(services: &Services) -> Result<Self, settings::Error> {
                Ok(Self { $($field: Function::new(services)?),* })
            }

            /// Lets a function answer; `None` if there is none of this name.
            pub(crate) async fn call(&self, function: &str, request: Request) -> Option<Response> {
                match function {
                    $(<$endpoint as Endpoint>::NAME => Some(self.$field.answer(request).await),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    get: get::Get,
    add: add::Add,
    update: update::Update,
    clear: clear::Clear,
    checkout: checkout::Checkout,
    stripe_webhook: stripe_webhook::StripeWebhook,
    finish_order: finish_order::FinishOrder,
    order: order::Orders,
    admin_orders: admin_orders::AdminOrders,
    products: products::Products,
}

/// A function with a log of its own, as each has in AWS: its first line says that it started cold.
struct Function<E> {
    endpoint: E,
    log: Log,
}

impl<E: Endpoint> Function<E> {
    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { endpoint: E::new(services)?, log: Log::new(&services.environment) })
    }

    async fn answer(&self, request: Request) -> Response {
        web::answer(&self.endpoint, &self.log, request).await
    }
}
