//! DynamoDB: an embedded engine that speaks its protocol, in memory or in a file, and a thin front before
//! it where calls are counted and faults are injected. The engine's own address is for measurements.

use crate::faults::Faults;
use crate::protocol::{AwsError, bind, serve, stopped, target};
use crate::stream::Stream;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use dynoxide::actions::scan::ScanRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::io::clock::Clock;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// DynamoDB takes requests of 16 MB.
const MAX_BODY: usize = 16 * 1024 * 1024;

#[derive(Clone)]
pub struct DynamoDb {
    /// What the service talks to.
    pub url: Url,
    /// The engine itself: no counting, no faults.
    pub direct_url: Url,
    database: Database,
}

impl DynamoDb {
    /// Starts the engine, in memory or with a file in `data`, and serves it until `stop`. `at_once`: the front asks the
    /// engine without HTTP between them, and without what only the engine's own server checks. `stream`: changes are told.
    pub(crate) fn start(
        data: Option<&Path>,
        port: u16,
        at_once: bool,
        clock: &Clock,
        faults: &Faults,
        stream: Option<Stream>,
        stop: &watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let database = open(data, clock)?;
        let (engine, direct_url) = bind(0)?;
        let (front, url) = bind(port)?;
        let until = stopped(stop);
        let served = database.clone();
        tokio::spawn(async move {
            if let Err(error) = dynoxide::server::serve_with_shutdown(engine, served, until).await {
                tracing::error!(error, "the table's engine stopped");
            }
        });
        let engine = if at_once {
            answer_here(database.clone())
        } else {
            forward(direct_url.clone())?
        };
        let engine = match stream {
            Some(stream) => stream.of(engine),
            None => engine,
        };
        serve(front, faults.guard("dynamodb", engine), stop);
        Ok(Self {
            url,
            direct_url,
            database,
        })
    }

    /// Deletes what has expired, as DynamoDB does some time after the moment.
    pub fn sweep(&self) -> io::Result<usize> {
        self.database
            .sweep_ttl()
            .map_err(|error| io::Error::other(error.to_string()))
    }

    /// Every item of a table, in DynamoDB's JSON, by its key.
    pub fn items(&self, table: &str) -> io::Result<BTreeMap<(String, String), Value>> {
        let (mut found, mut start) = (BTreeMap::new(), None);
        loop {
            let request = ScanRequest {
                table_name: table.to_owned(),
                exclusive_start_key: start,
                ..ScanRequest::default()
            };
            let page = self.database.scan(request).map_err(engine)?;
            for item in page.items.unwrap_or_default() {
                let item = serde_json::to_value(item).map_err(io::Error::other)?;
                let part = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
                found.insert((part("pk"), part("sk")), item);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Makes a table hold exactly these items, behind everybody's back.
    pub fn hold(&self, table: &str, items: &BTreeMap<(String, String), Value>) -> io::Result<()> {
        let now = self.items(table)?;
        let mut writes = Vec::new();
        for (pk, sk) in now.keys().filter(|key| !items.contains_key(*key)) {
            writes.push(json!({ "DeleteRequest": { "Key": { "pk": { "S": pk }, "sk": { "S": sk } } } }));
        }
        let changed = items.iter().filter(|(key, item)| now.get(*key) != Some(item));
        writes.extend(changed.map(|(_, item)| json!({ "PutRequest": { "Item": item } })));
        for part in writes.chunks(25) {
            let request = json!({ "RequestItems": { table: part } });
            let request = serde_json::from_value(request).map_err(io::Error::other)?;
            self.database.batch_write_item(request).map_err(engine)?;
        }
        Ok(())
    }

    /// A client of the engine itself, for setting up and looking in.
    pub fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.direct_url.as_str().trim_end_matches('/'));
        Client::from_conf(config.build())
    }
}

fn engine(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// The world's clock as the engine reads it. A table in a file keeps the machine's time: it outlives this world.
struct EngineClock(Clock);

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().as_second()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}

fn open(data: Option<&Path>, clock: &Clock) -> io::Result<Database> {
    let opened = match data {
        None => Database::memory_with_clock(Arc::new(EngineClock(clock.clone()))),
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Database::new(&folder.join("table.sqlite").to_string_lossy())
        }
    };
    opened.map_err(|error| io::Error::other(error.to_string()))
}

/// Asks the engine for what the service asks of a table.
fn answer_here(database: Database) -> Router {
    fn asked<Q: DeserializeOwned, A: Serialize>(
        body: &[u8],
        ask: impl FnOnce(Q) -> dynoxide::Result<A>,
    ) -> dynoxide::Result<String> {
        let refused = |error: serde_json::Error| dynoxide::DynoxideError::SerializationException(error.to_string());
        let answer = ask(serde_json::from_slice(body).map_err(refused)?)?;
        serde_json::to_string(&answer).map_err(refused)
    }
    Router::new().fallback(move |headers: HeaderMap, body: Bytes| async move {
        let operation = target(&headers).map_or("", |(_, operation)| operation);
        let answer = match operation {
            "GetItem" => asked(&body, |ask| database.get_item(ask)),
            "PutItem" => asked(&body, |ask| database.put_item(ask)),
            "UpdateItem" => asked(&body, |ask| database.update_item(ask)),
            "DeleteItem" => asked(&body, |ask| database.delete_item(ask)),
            "Query" => asked(&body, |ask| database.query(ask)),
            "BatchGetItem" => asked(&body, |ask| database.batch_get_item(ask)),
            "BatchWriteItem" => asked(&body, |ask| database.batch_write_item(ask)),
            "TransactWriteItems" => asked(&body, |ask| database.transact_write_items(ask)),
            other => return AwsError::unknown_operation(other).into_response(),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let mut response = ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        response
    })
}

/// Hands requests to the engine and its answers back, unchanged.
fn forward(engine: Url) -> io::Result<Router> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .map_err(io::Error::other)?;
    Ok(Router::new().fallback(move |request: Request| {
        let (client, engine) = (client.clone(), engine.clone());
        async move {
            let answer = pass_on(client, engine, request).await;
            answer.unwrap_or_else(|error| AwsError::new(500, "InternalServerError", error).into_response())
        }
    }))
}

async fn pass_on(client: reqwest::Client, engine: Url, request: Request) -> Result<Response, String> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY)
        .await
        .map_err(|error| error.to_string())?;
    let call = client.request(parts.method, engine).headers(parts.headers).body(body);
    let answer = call.send().await.map_err(|error| error.to_string())?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(Body::from(answer.bytes().await.map_err(|error| error.to_string())?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
