//! Wiring: configuration, clients, routes.

use shared::config::Config;
use shared::io::Io;
use shared::io::clock::Clock;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::telemetry::init();
    let io = Arc::new(Io::new(Config::from_env()?, Clock::default()));
    io.store.warm().await?;
    lambda_http::run(mapping_save::router(io)).await
}
