//! The store's access patterns against both engines: the embedded one that the local world uses, and Amazon's own
//! DynamoDB Local. One test an engine; each case has a table of its own, and all of them run before any is reported.

mod account;
mod changes;
mod directory;
mod dynamodb_local;
mod endings;
mod groups;
mod lists;
mod outbox;
mod pace;
mod provisioning;
mod reminders;
mod runs;
mod samples;
mod status;
mod trails;
mod visits;
mod voice_users;

use aws_sdk_dynamodb::types::AttributeValue;
use dialbridge_local::world::{Options, World};
use dynamodb_local::DynamoDbLocal;
use futures::future::BoxFuture;
use shared::config::{Aws, Endpoints};
use shared::io::aws;
use shared::io::store::Store;
use std::collections::HashMap;
use url::Url;

/// The table of one case.
struct Table {
    store: Store,
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl Table {
    /// Every item as it is kept.
    async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let items = self.client.scan().table_name(&self.name).into_paginator().items();
        items.send().collect::<Result<_, _>>().await.expect("the table is read")
    }
}

/// One access pattern: what it promises, and the check of it on an empty table.
type Case = (&'static str, fn(Table) -> BoxFuture<'static, ()>);

/// Cases by the names of their functions; after a semicolon those that look at items as they are kept.
macro_rules! cases {
    ($($case:ident),+ $(,)? $(; $($looking:ident),+ $(,)?)?) => {
        pub(super) const CASES: &[super::Case] = &[
            $((stringify!($case), |table| Box::pin($case(table.store))),)+
            $($((stringify!($looking), |table| Box::pin($looking(table))),)+)?
        ];
    };
}
use cases;

/// A client as the functions have it, for an engine at `url`.
fn client(url: &Url) -> aws_sdk_dynamodb::Client {
    let reached = Aws {
        region: "eu-west-1".into(),
        credentials: aws_sdk_dynamodb::config::Credentials::new("local", "local", None, None, "test"),
        endpoints: Endpoints::default(),
    };
    let endpoint = url.as_str().trim_end_matches('/');
    aws_sdk_dynamodb::Client::new(&aws::service(&reached, &aws::http_client(), Some(endpoint)))
}

/// Runs every case, one after the other, so that a failure is never the fault of a neighbour.
async fn every_case_holds(engine: &str, url: &Url) {
    let client = client(url);
    let mut failed = Vec::new();
    let all = [
        provisioning::CASES,
        reminders::CASES,
        visits::CASES,
        account::CASES,
        voice_users::CASES,
        directory::CASES,
        runs::CASES,
        pace::CASES,
        status::CASES,
        trails::CASES,
        changes::CASES,
        outbox::CASES,
        lists::CASES,
        endings::CASES,
        groups::CASES,
    ];
    for (name, case) in all.into_iter().flatten() {
        let table = Table {
            store: Store::new(client.clone(), (*name).to_owned()),
            client: client.clone(),
            name: (*name).to_owned(),
        };
        table.store.create_table().await.expect("the table is created");
        if let Err(failure) = tokio::spawn(case(table)).await {
            let said = failure.into_panic();
            let said = said
                .downcast_ref::<String>()
                .map(String::as_str)
                .or(said.downcast_ref::<&str>().copied());
            failed.push(format!("{name}: {}", said.unwrap_or("no message")));
        }
    }
    assert!(
        failed.is_empty(),
        "{engine}: {} failed\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_the_embedded_engine() {
    let world = World::start(Options::default()).await.expect("a world");
    every_case_holds("embedded engine", &world.dynamodb.direct_url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_amazons_dynamodb_local() {
    let engine = DynamoDbLocal::start().await;
    every_case_holds("DynamoDB Local", &engine.url).await;
}
