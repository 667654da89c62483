//! Secrets Manager, as far as reading a secret goes.

use crate::locked::Locked;
use crate::protocol::{Answer, AwsError, json_answer, parse, target};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub struct Secrets {
    by_id: Locked<BTreeMap<String, String>>,
}

impl Secrets {
    pub fn put(&self, id: &str, secret: &str) {
        self.by_id.with(|all| all.insert(id.to_owned(), secret.to_owned()));
    }

    pub fn router(&self) -> Router {
        let secrets = self.clone();
        Router::new().route(
            "/",
            post(move |headers: HeaderMap, body: Bytes| async move { json_answer(secrets.call(&headers, &body)) }),
        )
    }

    fn call(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let (_, operation) = target(headers).unwrap_or_default();
        if operation != "GetSecretValue" {
            return Err(AwsError::unknown_operation(operation));
        }
        let input = parse(body)?;
        let id = input.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        // An ARN ends in the name; the id of a secret made by hand is the name itself.
        let name = id.rsplit_once(":secret:").map_or(id, |(_, name)| name);
        let secret = self.by_id.with(|all| all.get(name).cloned());
        let secret = secret.ok_or_else(|| {
            AwsError::new(
                400,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            )
        })?;
        Ok(json!({
            "ARN": format!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:{name}"),
            "Name": name,
            "SecretString": secret,
            "VersionStages": ["AWSCURRENT"],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: &str, body: &str, expected: Result<&str, &str>) {
        let secrets = Secrets::default();
        secrets.put("dialbridge", "s3cret");
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", format!("secretsmanager.{operation}").parse().unwrap());
        let answer = secrets.call(&headers, body.as_bytes());
        let answer = answer.map(|answer| answer["SecretString"].as_str().unwrap_or_default().to_owned());
        assert_eq!(
            answer.map_err(|error| error.code),
            expected.map(str::to_owned).map_err(str::to_owned)
        );
    }

    #[test]
    fn reads_by_name() {
        check("GetSecretValue", r#"{"SecretId":"dialbridge"}"#, Ok("s3cret"));
    }
    #[test]
    fn reads_by_arn() {
        check(
            "GetSecretValue",
            r#"{"SecretId":"arn:aws:secretsmanager:eu-west-1:1:secret:dialbridge"}"#,
            Ok("s3cret"),
        );
    }
    #[test]
    fn refuses_the_unknown() {
        check(
            "GetSecretValue",
            r#"{"SecretId":"other"}"#,
            Err("ResourceNotFoundException"),
        );
    }
    #[test]
    fn refuses_other_operations() {
        check("DeleteSecret", "{}", Err("UnknownOperationException"));
    }
    #[test]
    fn refuses_what_is_not_json() {
        check("GetSecretValue", "[]", Err("SerializationException"));
    }
}
