//! Wiring: configuration, clients, handler.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::config::Config;
use shared::io::Io;
use shared::io::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let io = Io::new(Config::from_env()?, Clock::default());
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| webhooks::handle(&io, event))).await
}
