//! Wires `POST /cart/checkout`; see [`checkout::Checkout`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run_with_secrets::<checkout::Checkout>().await
}
