//! Wires `POST /cart/update`; see [`update::Update`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<update::Update>().await
}
