//! Users: list, count, one, and the caller.

use super::super::state::{Tenant, User};
use super::Ask;
use super::answer::{Answer, Refused, Reply};
use super::page::{Cut, page};
use super::user_record::{check_select, properties, rules, value, write};

const READ: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.AccessAsUser.All",
];
const READ_BASIC: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.AccessAsUser.All",
];
/// What `User.ReadBasic.All` shows.
const BASIC: [&str; 7] = [
    "displayName",
    "givenName",
    "id",
    "mail",
    "surname",
    "userPrincipalName",
    "photo",
];

/// Whether a caller can already see a user: new ones come late, and later still in advanced queries.
pub(super) fn visible(ask: &Ask<'_>, user: &User) -> bool {
    let delays = &ask.microsoft.inner.options.delays;
    let delay = if ask.query.eventual {
        delays.advanced_visible
    } else {
        delays.directory_visible
    };
    user.deleted.is_none() && (!user.late || ask.now.duration_since(user.created) >= delay)
}

pub(super) fn list(ask: &mut Ask<'_>) -> Reply {
    let basic = ask
        .query
        .select
        .as_ref()
        .is_some_and(|all| all.iter().all(|one| BASIC.contains(&one.as_str())));
    ask.need(if basic { READ_BASIC } else { READ }, &[])?;
    check_select(ask.query.select.as_ref())?;
    ask.query
        .check_directory(rules, ask.state.switches.ignore_unsupported)?;
    let order = sorted(ask)?;
    let wanted = properties(ask.query.select.as_ref());
    let tenant = ask.tenant();
    let future = ask.state.switches.unknown_fields;
    let length = order.as_ref().map_or(tenant.users.len(), Vec::len);
    let cut = Cut::directory(ask, "users");
    page(ask, &cut, length, |at, out| {
        let user = &tenant.users[order.as_ref().map_or(at, |order| order[at])];
        let matches = visible(ask, user) && passes(ask, tenant, user);
        if let (true, Some(out)) = (matches, out) {
            write(out, tenant, user, &wanted, future);
        }
        matches
    })
}

fn passes(ask: &Ask<'_>, tenant: &Tenant, user: &User) -> bool {
    let filtered = ask
        .query
        .filter
        .as_ref()
        .is_none_or(|filter| filter.matches(&|name| value(tenant, user, name)));
    filtered && ask.query.search.as_ref().is_none_or(|search| found(search, user))
}

/// `$search="displayName:text"`
fn found(search: &str, user: &User) -> bool {
    let (property, text) = search.split_once(':').unwrap_or(("displayName", search));
    let text = text.to_lowercase();
    let value = match property {
        "mail" => user.mail().unwrap_or_default().to_lowercase(),
        "userPrincipalName" => user.sign_in.to_lowercase(),
        _ => user.display_name().to_lowercase(),
    };
    value
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| word.starts_with(&text))
        || value.starts_with(&text)
}

/// The order of the list, where it is not that of the directory.
fn sorted(ask: &Ask<'_>) -> Result<Option<Vec<usize>>, Refused> {
    let Some((property, descending)) = &ask.query.order else {
        return Ok(None);
    };
    if !matches!(
        property.as_str(),
        "displayName" | "userPrincipalName" | "createdDateTime"
    ) {
        return Err(Refused::unsupported(format!(
            "Sorting by '{property}' is not supported."
        )));
    }
    let tenant = ask.tenant();
    let mut order: Vec<usize> = (0..tenant.users.len()).collect();
    order.sort_by_cached_key(|at| {
        value(tenant, &tenant.users[*at], property)
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
    });
    if *descending {
        order.reverse();
    }
    Ok(Some(order))
}

pub(super) fn count(ask: &mut Ask<'_>) -> Reply {
    ask.need(READ_BASIC, &[])?;
    if !ask.query.eventual {
        return Err(Refused::bad("$count is not currently supported."));
    }
    ask.query.count = true;
    ask.query.check_directory(rules, false)?;
    let tenant = ask.tenant();
    let count = tenant
        .users
        .iter()
        .filter(|user| visible(ask, user) && passes(ask, tenant, user))
        .count();
    Ok(Answer::number(count))
}

pub(super) fn one(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(READ_BASIC, &[])?;
    let found = ask
        .tenant()
        .user(id)
        .filter(|user| visible(ask, ask.tenant().person(*user)));
    let user = found.ok_or_else(|| Refused::missing(id))?;
    show(ask, user)
}

pub(super) fn me(ask: &mut Ask<'_>) -> Reply {
    let Some(user) = ask.user else {
        return Err(Refused::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ));
    };
    if !ask
        .scopes
        .iter()
        .any(|scope| *scope == "User.Read" || READ.contains(scope))
    {
        return Err(Refused::forbidden());
    }
    show(ask, user)
}

fn show(ask: &Ask<'_>, user: u32) -> Reply {
    check_select(ask.query.select.as_ref())?;
    let mut out = Vec::with_capacity(2048);
    let wanted = properties(ask.query.select.as_ref());
    write(
        &mut out,
        ask.tenant(),
        ask.tenant().person(user),
        &wanted,
        ask.state.switches.unknown_fields,
    );
    let mut whole = format!("{{\"@odata.context\":\"{}\",", ask.url("/$metadata#users/$entity")).into_bytes();
    whole.extend_from_slice(&out[1..]);
    Ok(Answer::bytes(200, whole))
}
