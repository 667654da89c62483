//! The list of schedules as a page.

use crate::pages::{escape, page};
use crate::scheduler::Listed;
use axum::response::Html;
use jiff::Timestamp;

pub(super) fn schedules(all: &[Listed], now: Timestamp) -> Html<String> {
    let rows: String = all.iter().map(row).collect();
    let body = format!(
        "<p>It is <b>{now}</b> in this world.</p>\
         <table><thead><tr><th>Group / name<th>When<th>Next<th>Last<th>Target and input</tr></thead><tbody>{rows}</tbody></table>",
        now = now.strftime("%Y-%m-%d %H:%M:%S UTC"),
    );
    page("Schedules", &body)
}

fn row(schedule: &Listed) -> String {
    let when =
        |at: Option<Timestamp>| at.map_or("never".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    format!(
        "<tr><td>{} / <b>{}</b><td><code>{}</code><br>{}{}<td>{}<td>{}<td>{}<br><code>{}</code></tr>",
        escape(&schedule.group),
        escape(&schedule.name),
        escape(&schedule.expression),
        escape(&schedule.zone),
        if schedule.enabled { "" } else { " (disabled)" },
        when(schedule.next),
        when(schedule.last),
        escape(&schedule.target),
        escape(&schedule.input),
    )
}
