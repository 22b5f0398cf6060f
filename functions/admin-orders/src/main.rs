//! Wires the merchant's orders; see [`admin_orders::AdminOrders`].

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    web::run::<admin_orders::AdminOrders>().await
}
