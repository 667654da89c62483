//! Groups and who is in them.

use super::super::state::{Group, GroupKind};
use super::Ask;
use super::answer::{Answer, Refused, Reply, put};
use super::filter::Support;
use super::page::{Cut, page, page_of, selected};
use super::people::visible;
use super::user_record::{check_select, properties, write};
use serde_json::{Value, json};

const READ: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Directory.Read.All",
    "Directory.AccessAsUser.All",
];

pub(super) fn record(ask: &Ask<'_>, group: &Group) -> Value {
    let unified = group.kind == GroupKind::Microsoft365;
    let mut types: Vec<&str> = Vec::new();
    if unified {
        types.push("Unified");
    }
    if group.rule.is_some() {
        types.push("DynamicMembership");
    }
    let mail_enabled = matches!(
        group.kind,
        GroupKind::Microsoft365 | GroupKind::MailSecurity | GroupKind::Distribution
    );
    let mail = mail_enabled.then(|| format!("{}@{}", group.nickname, ask.tenant().default_domain()));
    let created = group.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "id": group.id.to_string(),
        "displayName": group.name,
        "description": group.description,
        "mail": mail,
        "mailNickname": group.nickname,
        "groupTypes": types,
        "mailEnabled": mail_enabled,
        "securityEnabled": matches!(group.kind, GroupKind::Security | GroupKind::MailSecurity),
        "membershipRule": group.rule,
        "membershipRuleProcessingState": group.rule.map(|_| if group.paused { "Paused" } else { "On" }),
        "onPremisesSyncEnabled": null,
        "visibility": if group.hidden { Some("HiddenMembership") } else { unified.then_some("Private") },
        "createdDateTime": created,
        "renewedDateTime": created,
        "deletedDateTime": null,
        "proxyAddresses": mail.iter().map(|mail| format!("SMTP:{mail}")).collect::<Vec<_>>(),
    })
}

const PROPERTIES: [&str; 16] = [
    "id",
    "displayName",
    "description",
    "mail",
    "mailNickname",
    "groupTypes",
    "mailEnabled",
    "securityEnabled",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesSyncEnabled",
    "visibility",
    "createdDateTime",
    "renewedDateTime",
    "deletedDateTime",
    "proxyAddresses",
];

fn rules(property: &str, operation: &str) -> Support {
    match (property, operation) {
        ("groupTypes", "eq") | ("securityEnabled" | "mailEnabled", "eq" | "in") => Support::Default,
        ("groupTypes", "not" | "count") | ("securityEnabled" | "mailEnabled", "ne" | "not") => Support::Advanced,
        ("displayName" | "membershipRule" | "mail" | "mailNickname", "eq" | "startsWith" | "ge" | "le" | "in") => {
            Support::Default
        }
        ("displayName" | "mail" | "mailNickname", "ne" | "not" | "null" | "endsWith") => Support::Advanced,
        ("id", "eq" | "in") => Support::Default,
        _ if PROPERTIES.contains(&property) => Support::Never,
        _ => Support::Unknown,
    }
}

fn check_group_select(ask: &Ask<'_>) -> Result<(), Refused> {
    match ask
        .query
        .select
        .iter()
        .flatten()
        .find(|name| !PROPERTIES.contains(&name.as_str()))
    {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.group'."
            );
            Err(Refused::new(400, "BadRequest", message))
        }
    }
}

fn matching(ask: &Ask<'_>) -> Result<Vec<Value>, Refused> {
    check_group_select(ask)?;
    ask.query
        .check_directory(rules, ask.state.switches.ignore_unsupported)?;
    let alive = ask.tenant().groups.iter().filter(|group| !group.deleted);
    let mut values: Vec<Value> = alive.map(|group| record(ask, group)).collect();
    if let Some(search) = &ask.query.search {
        let (property, text) = search.split_once(':').unwrap_or(("displayName", search));
        let text = text.to_lowercase();
        values.retain(|value| {
            let value = value[property].as_str().unwrap_or_default().to_lowercase();
            value.starts_with(&text) || value.split(' ').any(|word| word.starts_with(&text))
        });
    }
    Ok(values)
}

pub(super) fn list(ask: &mut Ask<'_>) -> Reply {
    ask.need(READ, &[])?;
    let values = matching(ask)?;
    page_of(ask, &Cut::directory(ask, "groups"), values)
}

pub(super) fn count(ask: &mut Ask<'_>) -> Reply {
    ask.need(READ, &[])?;
    if !ask.query.eventual {
        return Err(Refused::bad("$count is not currently supported."));
    }
    ask.query.count = true;
    let values = matching(ask)?;
    let filter = ask.query.filter.as_ref();
    let matches =
        |value: &&Value| filter.is_none_or(|filter| filter.matches(&|path| super::filter::inside(value, path)));
    Ok(Answer::number(values.iter().filter(matches).count()))
}

pub(super) fn one(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(READ, &[])?;
    check_group_select(ask)?;
    let group = ask.tenant().group(id).ok_or_else(|| Refused::missing(id))?;
    let mut value = selected(ask, record(ask, &ask.tenant().groups[group]));
    value["@odata.context"] = ask.url("/$metadata#groups/$entity").into();
    Ok(Answer::json(&value))
}

/// Members: users and groups mixed, or cast to one kind, or counted.
pub(super) fn members(ask: &mut Ask<'_>, id: &str, transitive: bool, rest: &[&str]) -> Reply {
    ask.need(READ, &[])?;
    let group = ask.tenant().group(id).ok_or_else(|| Refused::missing(id))?;
    if ask.tenant().groups[group].hidden {
        return Err(Refused::forbidden());
    }
    let (cast, counting) = match rest {
        [] => (None, false),
        ["$count"] => (None, true),
        [cast] => (Some(*cast), false),
        [cast, "$count"] => (Some(*cast), true),
        _ => return Err(Refused::new(404, "BadRequest", "Resource not found for the segment.")),
    };
    let (users, groups) = match cast {
        None => (true, true),
        Some("microsoft.graph.user" | "graph.user") => (true, false),
        Some("microsoft.graph.group" | "graph.group") => (false, true),
        Some(_) => return Err(Refused::new(404, "BadRequest", "Resource not found for the segment.")),
    };
    if counting && !ask.query.eventual {
        return Err(Refused::bad("$count is not currently supported."));
    }
    if cast.is_some() && !counting && !ask.query.advanced() {
        return Err(Refused::unsupported(
            "The specified cast needs $count=true and the header ConsistencyLevel: eventual.",
        ));
    }
    if ask.query.skip.is_some() {
        return Err(Refused::bad("'$skip' is not supported by the service."));
    }
    if users {
        check_select(ask.query.select.as_ref())?;
    }
    let tenant = ask.tenant();
    let people = if users {
        tenant.members(group, transitive)
    } else {
        Vec::new()
    };
    let inner = match (groups, transitive) {
        (false, _) => Vec::new(),
        (true, true) => tenant.group_with_nested(group).split_off(1),
        (true, false) => tenant.nested_groups(group),
    };
    let people: Vec<u32> = people
        .into_iter()
        .filter(|user| visible(ask, tenant.person(*user)))
        .collect();
    if counting {
        return Ok(Answer::number(people.len() + inner.len()));
    }
    let wanted = properties(ask.query.select.as_ref());
    let what = match cast {
        Some(cast) if cast.ends_with("user") => "users",
        Some(_) => "groups",
        None => "directoryObjects",
    };
    let cut = Cut::directory(ask, what);
    let future = ask.state.switches.unknown_fields;
    page(ask, &cut, people.len() + inner.len(), |at, out| {
        let Some(out) = out else { return true };
        if let Some(user) = people.get(at) {
            let start = out.len();
            write(out, tenant, tenant.person(*user), &wanted, future);
            if cast.is_none() {
                out.splice(
                    start..=start,
                    br##"{"@odata.type":"#microsoft.graph.user","##.iter().copied(),
                );
            }
        } else {
            let mut value = selected(ask, record(ask, &tenant.groups[inner[at - people.len()]]));
            if cast.is_none() {
                value["@odata.type"] = "#microsoft.graph.group".into();
            }
            put(out, &value);
        }
        true
    })
}
