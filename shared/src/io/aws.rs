//! What all AWS clients share: region, credentials, one HTTP client.
//!
//! The HTTP client trusts Amazon's own root certificates only. Reading the system's certificate directory costs more
//! than everything else at start, and no AWS endpoint is signed by anybody else.

use crate::config::Aws;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;
use std::time::Duration;

/// Amazon Root CA 1-4 and Starfield Services Root CA G2, as Amazon Trust Services publishes them.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// One HTTP client for all services.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let mut roots = TrustStore::empty().with_native_roots(false);
    for certificate in pem_blocks(AMAZON_ROOTS) {
        roots.add_pem_certificate(certificate);
    }
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // The roots are compiled in and tested, so this arm is for the type only.
        Err(_) => builder.build_https(),
    }
}

fn pem_blocks(pem: &[u8]) -> Vec<Vec<u8>> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    text.split_inclusive(END)
        .filter(|block| block.contains(END))
        .map(|block| block.trim().as_bytes().to_vec())
        .collect()
}

/// The configuration of one service's client.
#[must_use]
pub fn service(aws: &Aws, http: &SharedHttpClient, endpoint: Option<&str>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(30))
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(aws.credentials.clone()))
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .timeout_config(timeouts);
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    config.build()
}

/// The same for a function that does its work before it answers: one patient attempt, and no second one behind our back.
#[must_use]
pub fn patient(config: &SdkConfig, patience: Duration) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(patience)
        .operation_timeout(patience)
        .build();
    let builder = config.to_builder().timeout_config(timeouts);
    builder.retry_config(RetryConfig::disabled()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_are_whole() {
        assert_eq!(pem_blocks(AMAZON_ROOTS).len(), 5);
        let mut roots = TrustStore::empty().with_native_roots(false);
        for certificate in pem_blocks(AMAZON_ROOTS) {
            roots.add_pem_certificate(certificate);
        }
        assert!(TlsContext::builder().with_trust_store(roots).build().is_ok());
    }
}
