//! Wires `POST /cart/update`; see [`update::Update`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run_with_secrets::<update::Update>().await
}
