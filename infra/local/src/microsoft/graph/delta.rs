//! Delta queries of users and groups: everything once, then what changed since.
//!
//! A token holds what was asked for first, so links carry nothing else. A round ends where the directory stood when it
//! began: what changes while it is read comes again in the next one.

use super::super::state::Deleted;
use super::Ask;
use super::answer::{Answer, Refused, Reply, put};
use super::groups::record;
use super::page::selected;
use super::query::Query;
use super::user_record::{check_select, properties, write_set};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Delta ignores `$top`; the service chooses the size of its pages.
const PAGE: usize = 500;
/// How many of the last known changes come again, where the operator wishes it.
const REPLAYED: u32 = 3;

/// Where a client is in the stream of changes.
#[derive(Serialize, Deserialize)]
struct Place {
    /// The next entry of the directory.
    at: usize,
    /// The change counter that the client knows; `None`: nothing yet.
    known: Option<u32>,
    /// The change counter when the round began.
    began: u32,
    /// Seconds of the epoch.
    issued: i64,
    /// What was asked for first.
    options: String,
}

impl Place {
    fn read(token: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
    }

    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Where this call goes on, with the query as it was asked first.
fn place(ask: &mut Ask<'_>) -> Result<Place, Refused> {
    let options = ask.query.continued("", "");
    let options = options.trim_end_matches(['=', '&']).to_owned();
    let changes = ask.tenant().changes;
    let fresh = |known| Place {
        at: 0,
        known,
        began: changes,
        issued: ask.now.as_second(),
        options: options.clone(),
    };
    let (token, next_page) = match (&ask.query.skip_token, &ask.query.delta_token) {
        (Some(token), _) => (token, true),
        (None, Some(token)) if token == "latest" => return Ok(fresh(Some(changes))),
        (None, Some(token)) => (token, false),
        (None, None) => return Ok(fresh(None)),
    };
    let Some(mut place) = Place::read(token) else {
        return Err(reset(ask, &options));
    };
    let age = SignedDuration::from_secs(ask.now.as_second() - place.issued);
    if age > TOKEN_LIFE || place.began > changes || place.began <= ask.tenant().forgotten {
        return Err(reset(ask, &place.options));
    }
    ask.query = Query::read(&place.options, &HeaderMap::new(), false)?;
    if !next_page {
        (place.at, place.known, place.began) = (0, Some(place.began), changes);
    }
    Ok(place)
}

fn reset(ask: &Ask<'_>, options: &str) -> Refused {
    let more = if options.is_empty() { "" } else { "&" };
    let location = ask.url(&format!("{}?{options}{more}$deltatoken=", ask.path));
    let mut refused = Refused::new(
        410,
        "resyncRequired",
        "Resync required. Full synchronization is needed.",
    );
    refused.headers.push(("Location", location));
    refused
}

fn check(ask: &Ask<'_>) -> Result<(), Refused> {
    if ask.query.order.is_some() || ask.query.expand || ask.query.search.is_some() {
        return Err(Refused::unsupported("The query is not supported by delta."));
    }
    match &ask.query.filter {
        Some(filter) if filter.equal_to("id").is_none() => {
            Err(Refused::unsupported("Delta supports filters on id only."))
        }
        _ => Ok(()),
    }
}

/// Writes a page of a round; `row` is told up to which change the client knows everything.
fn page(
    ask: &Ask<'_>,
    mut place: Place,
    what: &str,
    length: usize,
    mut row: impl FnMut(usize, Option<u32>, &mut Vec<u8>) -> bool,
) -> Reply {
    let again = ask.state.switches.repeat_entries;
    let known = place.known.map(|known| {
        if again {
            known.saturating_sub(REPLAYED).max(1)
        } else {
            known
        }
    });
    let mut rows = Vec::new();
    let mut first = 0..0;
    let mut written = 0;
    while place.at < length && written < PAGE {
        let before = rows.len();
        if written > 0 {
            rows.push(b',');
        }
        if row(place.at, known, &mut rows) {
            if written == 0 {
                first = 0..rows.len();
            }
            written += 1;
        } else {
            rows.truncate(before);
        }
        place.at += 1;
    }
    if again && written > 0 {
        rows.push(b',');
        rows.extend_from_within(first);
    }
    let mut out = b"{\"@odata.context\":".to_vec();
    put(&mut out, &ask.url(&format!("/$metadata#{what}")));
    let (name, kind) = if place.at < length {
        (&b",\"@odata.nextLink\":"[..], "$skiptoken")
    } else {
        place.issued = ask.now.as_second();
        (&b",\"@odata.deltaLink\":"[..], "$deltatoken")
    };
    out.extend_from_slice(name);
    put(&mut out, &ask.url(&format!("{}?{kind}={}", ask.path, place.token())));
    out.extend_from_slice(b",\"value\":[");
    out.append(&mut rows);
    out.extend_from_slice(b"]}");
    Ok(Answer::bytes(200, out))
}

pub(super) fn users(ask: &mut Ask<'_>) -> Reply {
    ask.need(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"], &[])?;
    let place = place(ask)?;
    check(ask)?;
    check_select(ask.query.select.as_ref())?;
    let tenant = ask.tenant();
    let wanted = properties(ask.query.select.as_ref());
    let only = ask.query.filter.as_ref().and_then(|filter| filter.equal_to("id"));
    let switches = &ask.state.switches;
    page(ask, place, "users", tenant.users.len(), |at, known, out| {
        let user = &tenant.users[at];
        if known.is_some_and(|known| user.changed <= known) || only.is_some_and(|only| user.id.to_string() != only) {
            return false;
        }
        match user.deleted {
            None => write_set(out, tenant, user, &wanted, switches.unknown_fields),
            Some(_) if known.is_none() && !switches.repeat_entries => return false,
            Some(kind) => removed(out, &user.id.to_string(), kind == Deleted::ForGood),
        }
        true
    })
}

pub(super) fn groups(ask: &mut Ask<'_>) -> Reply {
    ask.need(&["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"], &[])?;
    let place = place(ask)?;
    check(ask)?;
    let tenant = ask.tenant();
    page(ask, place, "groups", tenant.groups.len(), |at, known, out| {
        let group = &tenant.groups[at];
        if known.is_some_and(|known| group.changed <= known) || (group.deleted && known.is_none()) {
            return false;
        }
        if group.deleted {
            removed(out, &group.id.to_string(), false);
        } else {
            put(out, &selected(ask, record(ask, group)));
        }
        true
    })
}

fn removed(out: &mut Vec<u8>, id: &str, for_good: bool) {
    let reason = if for_good { "deleted" } else { "changed" };
    put(out, &serde_json::json!({ "id": id, "@removed": { "reason": reason } }));
}
