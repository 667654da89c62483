//! What is written of a run while it goes on: its state, its log, news for those who follow.

use crate::domain::audit::{Author, Changed, Deed, Entry, changed};
use crate::domain::run::Run;
use crate::domain::sync_log::Line;
use crate::error::Result;
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::run::access::entry;
use jiff::{SignedDuration, Timestamp};

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

pub(in crate::run) async fn log(io: &Io, lease: &Lease, run: &mut Run, lines: Vec<Line>) -> Result<()> {
    write(io, lease, run, lines, None).await
}

pub(super) async fn write(
    io: &Io,
    lease: &Lease,
    run: &mut Run,
    lines: Vec<Line>,
    entry: Option<&Entry>,
) -> Result<()> {
    let now = io.clock.now();
    let calls = io.graph.calls(&run.id).into_iter();
    let calls = calls.filter(|(_, call)| run.debug || call.failed()).map(|(ago, call)| {
        let made = SignedDuration::try_from(ago).map_or(now, |ago| now - ago);
        (Line::Call(call), made)
    });
    let lines: Vec<(Line, Timestamp)> = calls.chain(lines.into_iter().map(|line| (line, now))).collect();
    io.store.put_run(lease, run, &lines, entry).await
}

/// What those who follow the enterprise's changes are told of a run.
pub(super) fn news(io: &Io, run: &Run, deed: Deed, changes: Vec<Changed>) -> Entry {
    let about = changed("run", None, Some(run.id.to_string()));
    let changes = about.into_iter().chain(changes).collect();
    entry(io, &Author::service(), deed, changes, io.clock.now())
}
