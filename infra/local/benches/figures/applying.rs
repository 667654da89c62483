//! Applying a mapping: the worker's release binary, behind the state machine, against the simulated Graph, in real time.

use crate::counting;
use crate::discovery::PACKAGE;
use crate::process;
use crate::stage::{Stage, good};
use crate::table::{self, Table};
use dialbridge_local::drive::people::Stuck;
use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Rows that are mapped in one save: as many as fit into its 64 KB.
const AT_ONCE: usize = 500;

/// What a run asked of Microsoft.
struct Calls {
    /// Over HTTP; a batch is one.
    requests: u64,
    /// Parts of batches counted by themselves.
    calls: u64,
    throttled: u64,
    early: u64,
}

/// A run that gives numbers and policies to so many users, for each size, and one after it that finds nothing to do.
pub(crate) async fn measure(release: &Path, sizes: &[usize], say: fn(&str)) -> Result<(), Stuck> {
    let program = release.join(PACKAGE);
    let table = Table::new(
        say,
        &[
            "users",
            "run",
            "changes",
            "HTTP calls",
            "calls, batches unpacked",
            "HTTP calls per 1,000 changes",
            "throttled",
            "too early",
            "requests to the table",
            "CPU per 1,000 changes",
            "peak memory",
            "time",
        ],
    );
    for users in sizes {
        // Not everybody may be called: the tenant has guests, rooms and people without a licence.
        let stage = Stage::set(users * 3).await?;
        stage.clear_numbers().await?;
        stage.discover().await?;
        stage.map(*users, AT_ONCE).await?;
        let (front, counts) = counting::before(stage.service.world.dynamodb.direct_url.clone()).await?;
        for name in ["first", "second, nothing to do"] {
            let worker = stage.worker(&program, &front)?;
            let before = process::usage(worker.process())?;
            stage.forget_requests().await?;
            let requests = counts.requests.load(Ordering::Relaxed);
            let begun = Instant::now();
            let run = stage.run(json!({ "kind": "applyOnly", "mode": "full" })).await?;
            let took = begun.elapsed();
            if run.text("/state") != "succeeded" {
                return Err(format!("the run did not succeed: {}", run.body).into());
            }
            let made = ["added", "moved", "released", "changed", "adopted"];
            let changes: u64 = made
                .iter()
                .filter_map(|sort| run.number(&format!("/counts/{sort}")))
                .sum();
            let calls = stage.requests().await?;
            let usage = process::usage(worker.process())?;
            let cpu = usage.cpu - before.cpu;
            let per_thousand = |all: f64| if changes == 0 { all } else { all * 1e3 / changes as f64 };
            table.row(&[
                table::thousands(*users as u64),
                name.to_owned(),
                table::thousands(changes),
                table::thousands(calls.requests),
                table::thousands(calls.calls),
                format!("{:.0}", per_thousand(calls.requests as f64)),
                calls.throttled.to_string(),
                calls.early.to_string(),
                table::thousands(counts.requests.load(Ordering::Relaxed) - requests),
                format!("{:.0} ms", per_thousand(cpu.as_secs_f64() * 1e3)),
                table::megabytes(usage.peak),
                format!("{:.0} s", took.as_secs_f64()),
            ]);
        }
    }
    Ok(())
}

impl Stage {
    /// What the customer's IT does before numbers can be assigned: nobody has one of another kind, or from on-premises.
    async fn clear_numbers(&self) -> Result<(), Stuck> {
        let tenant = self.tenants.first().ok_or("there is no tenant")?;
        let url = self.control(&format!("tenants/{}/numbers", tenant.id))?;
        let numbers: Vec<Value> = Client::new().get(url.clone()).send().await?.json().await?;
        for number in &numbers {
            let order = json!({ "number": number["telephoneNumber"], "holder": null, "onPremises": false });
            Client::new()
                .post(url.clone())
                .json(&order)
                .send()
                .await?
                .error_for_status()?;
        }
        Ok(())
    }

    /// So many voice users, each mapped to somebody who can be called.
    async fn map(&self, users: usize, at_once: usize) -> Result<(), Stuck> {
        let api = self.as_admin().await?;
        let voice = |n: usize| {
            json!({ "id": format!("v{n:06}"), "name": format!("Voice User {n:06}"), "email": format!("user{n:06}@voice.example"),
                "number": format!("+32270{n:06}"), "extension": n.to_string(), "callHandling": "voicemail" })
        };
        let all: Vec<Value> = (100_000..100_000 + users).map(voice).collect();
        good(
            &api.put(&self.path("/voice-users"), &json!({ "items": all }), None)
                .await?,
        )?;
        let (mut people, mut cursor) = (Vec::new(), String::new());
        while people.len() < users {
            let page = api.get(&self.path(&format!("/teams-users?limit=500{cursor}"))).await?;
            good(&page)?;
            people.extend(page.list("/items").iter().map(|person| person["id"].clone()));
            match page.text("/next") {
                "" => break,
                next => cursor = format!("&cursor={next}"),
            }
        }
        if people.len() < users {
            return Err(format!("only {} people can be mapped", people.len()).into());
        }
        let rows: Vec<Value> = all
            .iter()
            .zip(&people)
            .map(|(voice, person)| json!({ "voiceUser": voice["id"], "teamsUser": person }))
            .collect();
        for some in rows.chunks(at_once) {
            let page = api.get(&self.path("/mapping")).await?;
            good(&page)?;
            let form = json!({ "rows": some });
            good(&api.put(&self.path("/mapping"), &form, page.etag.as_deref()).await?)?;
        }
        Ok(())
    }

    async fn requests(&self) -> Result<Calls, Stuck> {
        let seen: Value = Client::new()
            .get(self.control("requests")?)
            .send()
            .await?
            .json()
            .await?;
        let count = |name: &str| seen[name].as_u64().unwrap_or_default();
        Ok(Calls {
            requests: count("graphRequests"),
            calls: count("graphCalls"),
            throttled: count("throttled"),
            early: count("early"),
        })
    }

    async fn forget_requests(&self) -> Result<(), Stuck> {
        Client::new()
            .delete(self.control("requests")?)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }
}
