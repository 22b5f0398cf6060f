//! Wires `GET /finish-order`; see [`finish_order::FinishOrder`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run_with_secrets::<finish_order::FinishOrder>().await
}
