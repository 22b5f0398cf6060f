//! Wires `GET /orders/{number}`; see [`order::Orders`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<order::Orders>().await
}
