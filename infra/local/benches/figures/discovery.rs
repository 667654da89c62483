//! Reading a directory: the worker's release binary, behind the state machine, against the simulated Graph.

use crate::counting::{self, Counts};
use crate::process::{self, Usage};
use crate::stage::{Stage, Stored};
use crate::table::{self, Table};
use dialbridge_local::drive::people::Stuck;
use std::path::Path;
use std::sync::atomic::Ordering;
use url::Url;

pub(crate) const PACKAGE: &str = "sync-run";

/// One run, in a process of its own.
pub(crate) struct Run {
    pub(crate) usage: Usage,
    pub(crate) stored: Stored,
    graph_requests: u64,
    table_requests: u64,
    items: u64,
}

/// A first run and an unchanged second one, for each size.
pub(crate) async fn measure(release: &Path, sizes: &[usize], say: fn(&str)) -> Result<(), Stuck> {
    let program = release.join(PACKAGE);
    let table = Table::new(
        say,
        &[
            "users",
            "run",
            "users a CPU-second",
            "CPU",
            "peak memory",
            "requests to Graph",
            "requests to the table",
            "Teams users written",
            "other items written",
        ],
    );
    for users in sizes {
        let stage = Stage::set(*users).await?;
        let (front, counts) = counting::before(stage.service.world.dynamodb.direct_url.clone()).await?;
        for name in ["first", "second, nothing changed"] {
            let run = run(&stage, &program, &front, &counts).await?;
            let seconds = run.usage.cpu.as_secs_f64();
            table.row(&[
                table::thousands(*users as u64),
                name.to_owned(),
                table::thousands((*users as f64 / seconds) as u64),
                table::milliseconds(run.usage.cpu),
                table::megabytes(run.usage.peak),
                table::thousands(run.graph_requests),
                table::thousands(run.table_requests),
                table::thousands(run.stored.written),
                table::thousands(run.items - run.stored.written),
            ]);
            if name != "first" && run.stored.unchanged == 0 {
                return Err("the second run found nobody unchanged".into());
            }
        }
    }
    Ok(())
}

/// One run of the worker's program in a process of its own.
pub(crate) async fn run(stage: &Stage, program: &Path, table: &Url, counts: &Counts) -> Result<Run, Stuck> {
    let function = stage.worker(program, table)?;
    let world = &stage.service.world;
    world.faults.reset();
    let before = (
        counts.items.load(Ordering::Relaxed),
        counts.requests.load(Ordering::Relaxed),
    );
    let stored = stage.discover().await?;
    let calls = world.faults.counts();
    let graph = calls.iter().filter(|((service, _), _)| service == "graph");
    Ok(Run {
        usage: process::usage(function.process())?,
        stored,
        graph_requests: graph.map(|(_, count)| count).sum(),
        items: counts.items.load(Ordering::Relaxed) - before.0,
        table_requests: counts.requests.load(Ordering::Relaxed) - before.1,
    })
}
