//! Pages of a collection: size limits, opaque tokens, links, the count on the first page.

use super::Ask;
use super::answer::{Answer, Refused, Reply, put};
use super::filter::inside;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// How a collection is cut.
pub(super) struct Cut {
    pub(super) context: String,
    pub(super) default: usize,
    pub(super) most: usize,
    /// Whether `@odata.count` is given at all here.
    pub(super) counted: bool,
}

impl Cut {
    /// Directory objects: 100 a page, at most 999, counted when asked with the header.
    pub(super) fn directory(ask: &Ask<'_>, what: &str) -> Self {
        let select = ask
            .query
            .select
            .as_ref()
            .map(|select| format!("({})", select.join(",")))
            .unwrap_or_default();
        let context = ask.url(&format!("/$metadata#{what}{select}"));
        Self {
            context,
            default: 100,
            most: 999,
            counted: ask.query.advanced(),
        }
    }
}

/// Writes one page. `row(i, None)` says whether the item is part of the answer; with a buffer it also writes it.
pub(super) fn page(
    ask: &Ask<'_>,
    cut: &Cut,
    length: usize,
    mut row: impl FnMut(usize, Option<&mut Vec<u8>>) -> bool,
) -> Reply {
    let size = ask.query.top.unwrap_or(cut.default).clamp(1, cut.most);
    let (start, mut hollow) = match &ask.query.skip_token {
        Some(token) => position(token)?,
        None => (0, false),
    };
    // The entry before this page was the last one of the page before it.
    let again = usize::from(ask.state.switches.repeat_entries && start > 0 && size > 1);
    hollow &= ask.state.switches.empty_pages;
    let mut out = Vec::with_capacity(64 * 1024);
    out.extend_from_slice(b"{\"@odata.context\":");
    put(&mut out, &cut.context);
    if cut.counted && ask.query.skip_token.is_none() {
        let count = (0..length).filter(|at| row(*at, None)).count();
        out.extend_from_slice(b",\"@odata.count\":");
        put(&mut out, &count);
    }
    let mut rows = Vec::with_capacity(64 * 1024);
    let (mut written, mut at) = (0, start - again);
    while !hollow && at < length && written < size {
        let before = rows.len();
        if written > 0 {
            rows.push(b',');
        }
        if row(at, Some(&mut rows)) {
            written += 1;
        } else {
            rows.truncate(before);
        }
        at += 1;
    }
    if (at..length).any(|rest| row(rest, None)) {
        let token = token(at, !hollow && ask.state.switches.empty_pages);
        let link = ask.url(&format!("{}?{}", ask.path, ask.query.continued("$skiptoken", &token)));
        out.extend_from_slice(b",\"@odata.nextLink\":");
        put(&mut out, &link);
    }
    out.extend_from_slice(b",\"value\":[");
    out.append(&mut rows);
    out.extend_from_slice(b"]}");
    Ok(Answer::bytes(200, out))
}

/// A page of ready values: filtered, searched, sorted and cut down to what was selected.
pub(super) fn page_of(ask: &Ask<'_>, cut: &Cut, mut values: Vec<Value>) -> Reply {
    if let Some(filter) = &ask.query.filter {
        values.retain(|value| filter.matches(&|path| inside(value, path)));
    }
    if let Some((property, descending)) = &ask.query.order {
        values.sort_by_cached_key(|value| inside(value, property).as_str().unwrap_or_default().to_lowercase());
        if *descending {
            values.reverse();
        }
    }
    let skip = ask.query.skip.unwrap_or(0).min(values.len());
    values.drain(..skip);
    page(ask, cut, values.len(), |at, out| {
        if let Some(out) = out {
            put(out, &selected(ask, values[at].clone()));
        }
        true
    })
}

/// Keeps what `$select` names, and annotations.
pub(super) fn selected(ask: &Ask<'_>, mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut()
        && ask.query.select.is_some()
    {
        object.retain(|name, _| name.starts_with('@') || name == "id" || ask.query.wants(name));
    }
    if ask.state.switches.unknown_fields
        && let Some(object) = value.as_object_mut()
    {
        object.insert("futureProperty".into(), serde_json::json!({ "kind": "unknown" }));
    }
    value
}

fn token(at: usize, hollow: bool) -> String {
    let mark = if hollow { "h" } else { "p" };
    URL_SAFE_NO_PAD.encode(format!("RFNwdAIAAQAAAB:{mark}:{at}"))
}

pub(super) fn position(token: &str) -> Result<(usize, bool), Refused> {
    let bad = || {
        Refused::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    };
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(bad)?;
    let mut parts = text.split(':').skip(1);
    let hollow = parts.next() == Some("h");
    let at = parts.next().and_then(|at| at.parse().ok()).ok_or_else(bad)?;
    Ok((at, hollow))
}
