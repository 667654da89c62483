//! What the tests of the doubles share: settings of the real AWS clients.

use aws_sdk_dynamodb::config::{Credentials, Region, SharedHttpClient};

pub(crate) fn region() -> Region {
    Region::new("eu-west-1")
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "tests")
}

pub(crate) fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}
