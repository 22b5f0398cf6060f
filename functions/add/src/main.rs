//! Wires `POST /cart/add`; see [`add::Add`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run_with_secrets::<add::Add>().await
}
