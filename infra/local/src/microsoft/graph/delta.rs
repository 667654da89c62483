//! Delta queries of users and groups: everything once, then what changed since.

use super::super::state::Deleted;
use super::Ask;
use super::answer::{Answer, Refused, Reply, put};
use super::groups::record;
use super::page::{position, selected};
use super::user_record::{check_select, properties, write};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;

const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Delta ignores `$top`; the service chooses the size of its pages.
const PAGE: usize = 500;

/// Where a round starts: the change counter of the last one, `None` for everything.
fn since(ask: &Ask<'_>) -> Result<Option<u32>, Refused> {
    let Some(token) = &ask.query.delta_token else {
        return Ok(None);
    };
    if token == "latest" {
        return Ok(Some(ask.tenant().changes));
    }
    let reset = || {
        let location = ask.url(&format!("{}?{}", ask.path, ask.query.continued("$deltatoken", "")));
        let mut refused = Refused::new(
            410,
            "resyncRequired",
            "Resync required. Full synchronization is needed.",
        );
        refused.headers.push(("Location", location));
        refused
    };
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let (seen, issued) = text
        .as_deref()
        .and_then(|text| text.split_once('.'))
        .ok_or_else(reset)?;
    let (Ok(seen), Ok(issued)) = (seen.parse::<u32>(), issued.parse::<i64>()) else {
        return Err(reset());
    };
    let age = SignedDuration::from_secs(ask.now.as_second() - issued);
    if age > TOKEN_LIFE || seen > ask.tenant().changes {
        Err(reset())
    } else {
        Ok(Some(seen))
    }
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

fn rounds(
    ask: &Ask<'_>,
    what: &str,
    length: usize,
    mut row: impl FnMut(usize, Option<u32>, &mut Vec<u8>) -> bool,
) -> Reply {
    check(ask)?;
    let since = since(ask)?;
    let start = ask
        .query
        .skip_token
        .as_ref()
        .map_or(Ok((0, false)), |token| position(token))?
        .0;
    let mut rows = Vec::new();
    let (mut written, mut at) = (0, start);
    while at < length && written < PAGE {
        let before = rows.len();
        if written > 0 {
            rows.push(b',');
        }
        if row(at, since, &mut rows) {
            written += 1;
        } else {
            rows.truncate(before);
        }
        at += 1;
    }
    let mut out = b"{\"@odata.context\":".to_vec();
    put(&mut out, &ask.url(&format!("/$metadata#{what}")));
    let link = |options: String| ask.url(&format!("{}?{options}", ask.path));
    if at < length {
        let token = URL_SAFE_NO_PAD.encode(format!("RFNwdAIAAQAAAB:p:{at}"));
        let mut options = ask.query.continued("$skiptoken", &token);
        if let Some(delta) = &ask.query.delta_token {
            options.push_str("&$deltatoken=");
            options.push_str(delta);
        }
        out.extend_from_slice(b",\"@odata.nextLink\":");
        put(&mut out, &link(options));
    } else {
        let token = URL_SAFE_NO_PAD.encode(format!("{}.{}", ask.tenant().changes, ask.now.as_second()));
        out.extend_from_slice(b",\"@odata.deltaLink\":");
        put(&mut out, &link(ask.query.continued("$deltatoken", &token)));
    }
    out.extend_from_slice(b",\"value\":[");
    out.append(&mut rows);
    out.extend_from_slice(b"]}");
    Ok(Answer::bytes(200, out))
}

pub(super) fn users(ask: &mut Ask<'_>) -> Reply {
    ask.need(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"], &[])?;
    check_select(ask.query.select.as_ref())?;
    let tenant = ask.tenant();
    let wanted = properties(ask.query.select.as_ref());
    let only = ask.query.filter.as_ref().and_then(|filter| filter.equal_to("id"));
    rounds(ask, "users", tenant.users.len(), |at, since, out| {
        let user = &tenant.users[at];
        if since.is_some_and(|since| user.changed <= since) || only.is_some_and(|only| user.id.to_string() != only) {
            return false;
        }
        match user.deleted {
            None => write(out, tenant, user, &wanted, ask.state.switches.unknown_fields),
            Some(_) if since.is_none() => return false,
            Some(kind) => removed(out, &user.id.to_string(), kind == Deleted::ForGood),
        }
        true
    })
}

pub(super) fn groups(ask: &mut Ask<'_>) -> Reply {
    ask.need(&["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"], &[])?;
    let tenant = ask.tenant();
    rounds(ask, "groups", tenant.groups.len(), |at, since, out| {
        let group = &tenant.groups[at];
        if since.is_some_and(|since| group.changed <= since) || (group.deleted && since.is_none()) {
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
