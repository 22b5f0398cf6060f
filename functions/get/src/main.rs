//! Wires `GET /cart`; see [`get::Get`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<get::Get>().await
}
