//! Discovery beside scripts of others, against the same Graph and the same engine. A figure counts only if all of them
//! have left the same users in their tables.

use crate::counting;
use crate::discovery::{self, PACKAGE};
use crate::peers::{self, Peer, Places};
use crate::process::Usage;
use crate::stage::Stage;
use crate::table::{self, Table};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use dialbridge_local::drive::people::Stuck;
use dialbridge_local::world::deployment;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Times the better script's processor time on a first read.
const GOAL_FIRST: f64 = 10.0;
/// The same on a second one that finds nothing changed.
const GOAL_SECOND: f64 = 12.0;
/// Peak memory of our process, in bytes.
const GOAL_PEAK: u64 = 32 << 20;

const FIRST: &str = "first";
const ANEW: &str = "second, everybody read anew";
const CHANGES: &str = "third, by changes; the scripts read everybody";
const PASSES: [&str; 3] = [FIRST, ANEW, CHANGES];
const OURS: &str = "Dialbridge";

/// Everybody's key and item as text.
type Users = BTreeMap<String, String>;
/// What each used: by pass and by name.
type Book = BTreeMap<(&'static str, &'static str), Vec<Usage>>;

/// So many users, so many times with another order of the contestants; then our memory at other sizes.
pub(crate) async fn measure(
    release: &Path,
    users: usize,
    rounds: usize,
    sizes: &[usize],
    say: fn(&str),
) -> Result<(), Stuck> {
    let peers = peers::install()?;
    let mut book = Book::new();
    for round in 0..rounds {
        one_round(release, users, round, &peers, &mut book, say).await?;
    }
    say(&format!(
        "\nDiscovery of {} users, {rounds} times (median); all tables were equal each time:\n",
        table::thousands(users as u64)
    ));
    let heads = [
        "read",
        "who",
        "users a CPU-second",
        "CPU",
        "peak memory",
        "times the better script",
        "goal",
    ];
    let figures = Table::new(say, &heads);
    for pass in PASSES {
        let medians: BTreeMap<&str, Usage> = book
            .iter()
            .filter(|((of, _), _)| *of == pass)
            .map(|((_, who), runs)| (*who, median(runs)))
            .collect();
        let better = medians
            .iter()
            .filter(|(who, _)| **who != OURS)
            .map(|(_, usage)| usage.cpu)
            .min();
        for (who, usage) in &medians {
            let (times, goal) = match better {
                Some(better) if *who == OURS => {
                    let times = better.as_secs_f64() / usage.cpu.as_secs_f64();
                    let goal = if pass == FIRST { GOAL_FIRST } else { GOAL_SECOND };
                    (format!("{times:.1}"), verdict(times >= goal, &format!("{goal}")))
                }
                _ => Default::default(),
            };
            figures.row(&[
                pass.to_owned(),
                (*who).to_owned(),
                table::thousands((users as f64 / usage.cpu.as_secs_f64()) as u64),
                table::milliseconds(usage.cpu),
                table::megabytes(usage.peak),
                times,
                goal,
            ]);
        }
    }
    memory(release, sizes, say).await
}

fn verdict(met: bool, goal: &str) -> String {
    let word = if met { "met" } else { "missed" };
    format!("{goal}: {word}")
}

fn median(runs: &[Usage]) -> Usage {
    let mut cpu: Vec<Duration> = runs.iter().map(|usage| usage.cpu).collect();
    let mut peak: Vec<u64> = runs.iter().map(|usage| usage.peak).collect();
    cpu.sort_unstable();
    peak.sort_unstable();
    Usage {
        cpu: cpu.get(cpu.len() / 2).copied().unwrap_or_default(),
        peak: peak.get(peak.len() / 2).copied().unwrap_or_default(),
    }
}

/// A world of its own; each contestant has a table in its engine.
async fn one_round(
    release: &Path,
    users: usize,
    round: usize,
    peers: &[Peer; 2],
    book: &mut Book,
    say: fn(&str),
) -> Result<(), Stuck> {
    let stage = Stage::set(users).await?;
    let client = stage.service.world.dynamodb.client();
    let (front, counts) = counting::before(stage.service.world.dynamodb.direct_url.clone()).await?;
    let partition = format!("ENTERPRISE#{}#TEAMS#", stage.enterprise);
    for nth in 0..peers.len() {
        create_table(&client, &peer_table(nth)).await?;
    }
    for (nth, pass) in PASSES.into_iter().enumerate() {
        if pass == ANEW {
            stage.forget_changes().await?;
        }
        // Ours, then each script, beginning elsewhere each time.
        for turn in 0..=peers.len() {
            let contestant = (turn + round + nth) % (peers.len() + 1);
            let (who, usage, written) = match contestant.checked_sub(1) {
                None => {
                    let run = discovery::run(&stage, &release.join(PACKAGE), &front, &counts).await?;
                    (OURS, run.usage, run.stored.written)
                }
                Some(at) => {
                    let places = Places {
                        graph: stage.service.world.urls.graph.as_str().trim_end_matches('/').to_owned(),
                        token: stage.token_for_users().await?,
                        dynamodb: front.as_str().trim_end_matches('/').to_owned(),
                        table: peer_table(at),
                        partition: partition.clone(),
                    };
                    let done = peers[at].run(&places).await?;
                    if pass != FIRST && done.unchanged == 0 {
                        return Err(format!("{} found nobody unchanged", peers[at].name).into());
                    }
                    (peers[at].name, done.usage, done.written)
                }
            };
            if (pass == FIRST) != (written > 0) {
                return Err(format!("{who} wrote {written} users on the pass: {pass}").into());
            }
            say(&format!(
                "round {}, {pass}: {who}: {}, {}",
                round + 1,
                table::milliseconds(usage.cpu),
                table::megabytes(usage.peak)
            ));
            book.entry((pass, who)).or_default().push(usage);
        }
        let ours = kept(&client, deployment::TABLE, &partition).await?;
        for (at, peer) in peers.iter().enumerate() {
            let theirs = kept(&client, &peer_table(at), &partition).await?;
            if theirs != ours {
                let odd = ours.iter().find(|(key, item)| theirs.get(*key) != Some(item));
                let (key, item) = odd.ok_or("a script keeps somebody whom we do not keep")?;
                let other = theirs.get(key);
                return Err(format!("{} keeps another user: {item} is {other:?} there", peer.name).into());
            }
        }
    }
    Ok(())
}

fn peer_table(nth: usize) -> String {
    format!("script-{nth}")
}

async fn create_table(client: &Client, name: &str) -> Result<(), Stuck> {
    let mut create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        create = create
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(attribute)
                    .key_type(kind)
                    .build()?,
            )
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(attribute)
                    .attribute_type(ScalarAttributeType::S)
                    .build()?,
            );
    }
    create.send().await?;
    Ok(())
}

/// The users of a table; which read wrote them is left out.
async fn kept(client: &Client, table: &str, partition: &str) -> Result<Users, Stuck> {
    let mut users = Users::new();
    for part in 0..16 {
        let mut pages = client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("{partition}{part:x}")))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let mut item: BTreeMap<String, AttributeValue> = item?.into_iter().collect();
            item.remove("generation");
            let key = item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .cloned()
                .unwrap_or_default();
            users.insert(key, format!("{item:?}"));
        }
    }
    Ok(users)
}

/// Our own peak memory, at sizes for which the scripts would take all day.
async fn memory(release: &Path, sizes: &[usize], say: fn(&str)) -> Result<(), Stuck> {
    say("\nMemory of our process, whatever the size of the directory:\n");
    let heads = ["users", "read", "users a CPU-second", "CPU", "peak memory", "goal"];
    let figures = Table::new(say, &heads);
    for users in sizes {
        let stage = Stage::set(*users).await?;
        let (front, counts) = counting::before(stage.service.world.dynamodb.direct_url.clone()).await?;
        for pass in PASSES {
            if pass == ANEW {
                stage.forget_changes().await?;
            }
            let run = discovery::run(&stage, &release.join(PACKAGE), &front, &counts).await?;
            let usage = run.usage;
            figures.row(&[
                table::thousands(*users as u64),
                pass.split(';').next().unwrap_or_default().to_owned(),
                table::thousands((*users as f64 / usage.cpu.as_secs_f64()) as u64),
                table::milliseconds(usage.cpu),
                table::megabytes(usage.peak),
                verdict(usage.peak <= GOAL_PEAK, &table::megabytes(GOAL_PEAK)),
            ]);
        }
    }
    Ok(())
}

impl Stage {
    /// Microsoft no longer knows what has changed, so everybody has to be read again.
    async fn forget_changes(&self) -> Result<(), Stuck> {
        let tenant = self.tenants.first().ok_or("there is no tenant")?;
        let portal = &self.service.world.urls.portal;
        let order = portal.join(&format!("/_microsoft/tenants/{}", tenant.id))?;
        let body = json!({ "forgetChanges": true }).to_string();
        reqwest::Client::new()
            .post(order)
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// A token that was given to somebody of the first tenant and still opens the list of users.
    async fn token_for_users(&self) -> Result<String, Stuck> {
        let tenant = self.tenants.first().ok_or("there is no tenant")?;
        let client = reqwest::Client::new();
        let graph = &self.service.world.urls.graph;
        let ask = async |token: &str, path: &str| {
            let answer = client.get(graph.join(path)?).bearer_auth(token).send().await?;
            let usable = answer.status().is_success();
            Ok::<_, Stuck>(if usable { answer.text().await? } else { String::new() })
        };
        for (token, _) in self.service.microsoft.issued().access {
            let all = ask(&token, "/v1.0/users?$top=1&$select=id,assignedPlans").await?;
            if !all.is_empty() && ask(&token, "/v1.0/organization").await?.contains(&tenant.id) {
                return Ok(token);
            }
        }
        Err("nobody has a token that opens the list of users".into())
    }
}
