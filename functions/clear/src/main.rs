//! Wires `POST /cart/clear`; see [`clear::Clear`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<clear::Clear>().await
}
