//! Wires `POST /stripe/webhook`; see [`stripe_webhook::StripeWebhook`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run_with_secrets::<stripe_webhook::StripeWebhook>().await
}
