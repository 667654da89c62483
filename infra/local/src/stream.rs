//! The table's stream as the function of webhooks sees it: after a transaction has moved the end of a trail, the function is
//! called with the keys. As in `template.yaml`, nothing else is let through, and no values are in it.

use crate::busy::Busy;
use crate::lambda::Lambdas;
use crate::protocol::target;
use crate::world::deployment::WEBHOOKS;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use serde_json::{Value, json};

/// DynamoDB takes requests of 16 MB.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The sort key of the items whose changes are let through.
const END_OF_TRAIL: &str = "LAST";

/// Whom changes of the table are told.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) lambdas: Lambdas,
    pub(crate) busy: Busy,
}

impl Stream {
    /// The same table, with its stream switched on.
    pub(crate) fn of(self, table: Router) -> Router {
        table.layer(from_fn(move |request: Request, next: Next| {
            let stream = self.clone();
            async move { stream.pass(request, next).await }
        }))
    }

    async fn pass(self, request: Request, next: Next) -> Response {
        let transaction = target(request.headers()).is_some_and(|(_, operation)| operation == "TransactWriteItems");
        if !transaction {
            return next.run(request).await;
        }
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
        let keys = ends(&body);
        let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
        if answer.status().is_success() && !keys.is_empty() {
            let working = self.busy.start();
            tokio::spawn(async move {
                let _working = working;
                let records: Vec<Value> = keys.iter().map(record).collect();
                // Failures are logged where they happen, and the next look finds what they left.
                let _ = self.lambdas.invoke_event(WEBHOOKS, json!({ "Records": records })).await;
            });
        }
        answer
    }
}

fn record(keys: &Value) -> Value {
    json!({
        "eventName": "MODIFY", "eventSource": "aws:dynamodb",
        "dynamodb": { "Keys": keys, "StreamViewType": "KEYS_ONLY" },
    })
}

/// The keys of the ends of trails among the updates of a transaction.
fn ends(body: &[u8]) -> Vec<Value> {
    let transaction: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes = transaction["TransactItems"].as_array().cloned().unwrap_or_default();
    let keys = writes.into_iter().map(|mut write| write["Update"]["Key"].take());
    keys.filter(|key| key["sk"]["S"] == END_OF_TRAIL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_of_trails_are_let_through() {
        let key = |pk: &str, sk: &str| json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let end = key("ENTERPRISE#e#AUDIT", "LAST");
        let body = json!({ "TransactItems": [
            { "Put": { "Item": key("ENTERPRISE#e#AUDIT", "AUDIT#1") } },
            { "Update": { "Key": end, "UpdateExpression": "SET newest = :place" } },
            { "Update": { "Key": key("ENTERPRISE#e", "SYNC") } },
        ] });
        assert_eq!(ends(body.to_string().as_bytes()), [end]);
        assert!(ends(b"{}").is_empty() && ends(b"no JSON").is_empty());
    }
}
