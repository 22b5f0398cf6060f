//! Wires `GET /products`; see [`products::Products`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<products::Products>().await
}
