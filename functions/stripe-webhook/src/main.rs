//! Wires `POST /stripe/webhook`; see [`stripe_webhook::StripeWebhook`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<stripe_webhook::StripeWebhook>().await
}
