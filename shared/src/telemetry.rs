//! Our own logs: one JSON line an event. Field names are dotted; values never hold secrets or personal data.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Sets JSON logging up for a Lambda process. Calling it twice is harmless.
pub fn init() {
    // What is wanted never changes, so no filter has to be parsed at start.
    let filter = Targets::new()
        .with_default(Level::INFO)
        .with_target("aws_smithy_runtime", Level::WARN)
        .with_target("hyper", Level::WARN);
    // CloudWatch stamps every line itself.
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .without_time()
        .with_filter(filter);
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
