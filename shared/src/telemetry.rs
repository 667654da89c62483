//! Our own logs: one JSON line an event. Field names are dotted; values never hold secrets or personal data.

use tracing_subscriber::EnvFilter;

/// Sets JSON logging up for a Lambda process. Calling it twice is harmless.
pub fn init() {
    let filter = EnvFilter::new("info,aws_smithy_runtime=warn,aws_config=warn,hyper=warn");
    // CloudWatch stamps every line itself.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .without_time()
        .with_env_filter(filter)
        .try_init();
}
