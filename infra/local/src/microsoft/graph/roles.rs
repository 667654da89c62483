//! Directory roles: of the caller, of a user, of the tenant.

use super::super::catalogue::ROLES;
use super::super::state::Tenant;
use super::Ask;
use super::answer::{Answer, Refused, Reply};
use super::groups::record;
use super::page::{Cut, page_of};
use super::people::visible;
use super::user_record::{properties, write};
use serde_json::{Value, json};

const READ: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.AccessAsUser.All",
];

fn role(tenant: &Tenant, at: u8) -> Value {
    let known = &ROLES[usize::from(at)];
    json!({
        "id": tenant.role_object(at), "deletedDateTime": null, "displayName": known.name,
        "description": format!("Can do what a {} may do.", known.name), "roleTemplateId": known.template,
    })
}

pub(super) fn my_memberships(ask: &mut Ask<'_>, transitive: bool, rest: &[&str]) -> Reply {
    let Some(user) = ask.user else {
        return Err(Refused::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ));
    };
    if ask.scopes.is_empty()
        || !ask
            .scopes
            .iter()
            .any(|scope| scope.contains("Read") || scope.starts_with("Directory"))
    {
        return Err(Refused::forbidden());
    }
    answer(ask, user, transitive, rest)
}

pub(super) fn memberships(ask: &mut Ask<'_>, id: &str, transitive: bool, rest: &[&str]) -> Reply {
    ask.need(
        &[
            "User.Read.All",
            "GroupMember.Read.All",
            "Group.Read.All",
            "Directory.Read.All",
        ],
        &[],
    )?;
    let user = ask.tenant().user(id).ok_or_else(|| Refused::missing(id))?;
    answer(ask, user, transitive, rest)
}

fn answer(ask: &mut Ask<'_>, user: u32, transitive: bool, rest: &[&str]) -> Reply {
    let (groups, roles, cast, counting) = match rest {
        [] => (true, true, false, false),
        ["$count"] => (true, true, false, true),
        ["microsoft.graph.directoryRole" | "graph.directoryRole"] => (false, true, true, false),
        ["microsoft.graph.directoryRole" | "graph.directoryRole", "$count"] => (false, true, true, true),
        ["microsoft.graph.group" | "graph.group"] => (true, false, true, false),
        ["microsoft.graph.group" | "graph.group", "$count"] => (true, false, true, true),
        _ => return Err(Refused::new(404, "BadRequest", "Resource not found for the segment.")),
    };
    if counting && !ask.query.eventual {
        return Err(Refused::bad("$count is not currently supported."));
    }
    if cast && !counting && !ask.query.advanced() {
        return Err(Refused::unsupported(
            "The specified cast needs $count=true and the header ConsistencyLevel: eventual.",
        ));
    }
    let tenant = ask.tenant();
    let mut values = Vec::new();
    // Without a permission to read groups their properties come back empty.
    let readable = ask.scopes.iter().any(|scope| {
        matches!(
            *scope,
            "GroupMember.Read.All" | "Group.Read.All" | "Directory.Read.All" | "User.Read.All"
        )
    });
    if groups {
        for at in tenant.groups_of(user, transitive) {
            let mut value = record(ask, &tenant.groups[at]);
            if !readable && let Some(fields) = value.as_object_mut() {
                for (name, field) in fields.iter_mut() {
                    if name != "id" {
                        *field = if field.is_array() { json!([]) } else { Value::Null };
                    }
                }
            }
            if !cast {
                value["@odata.type"] = "#microsoft.graph.group".into();
            }
            values.push(value);
        }
    }
    if roles {
        for at in tenant.roles_of(user) {
            let mut value = role(tenant, at);
            if !cast {
                value["@odata.type"] = "#microsoft.graph.directoryRole".into();
            }
            values.push(value);
        }
    }
    if counting {
        return Ok(Answer::number(values.len()));
    }
    let what = match (groups, roles) {
        (false, _) => "directoryRoles",
        (true, false) => "groups",
        (true, true) => "directoryObjects",
    };
    page_of(ask, &Cut::directory(ask, what), values)
}

/// Activated roles; this list has no pages.
pub(super) fn list(ask: &mut Ask<'_>) -> Reply {
    ask.need(READ, &[])?;
    let tenant = ask.tenant();
    let values: Vec<Value> = tenant.roles.keys().map(|at| role(tenant, *at)).collect();
    let cut = Cut {
        counted: false,
        default: 999,
        ..Cut::directory(ask, "directoryRoles")
    };
    page_of(ask, &cut, values)
}

pub(super) fn holders(ask: &mut Ask<'_>, id: &str) -> Reply {
    ask.need(READ, &[])?;
    let tenant = ask.tenant();
    let found = tenant.roles.iter().find(|(at, _)| tenant.role_object(**at) == id);
    let (_, holders) = found.ok_or_else(|| Refused::missing(id))?;
    let wanted = properties(ask.query.select.as_ref());
    let people = holders
        .iter()
        .map(|user| tenant.person(*user))
        .filter(|user| visible(ask, user));
    let values: Vec<Value> = people
        .map(|user| {
            let mut out = Vec::new();
            write(&mut out, tenant, user, &wanted, false);
            let mut value: Value = serde_json::from_slice(&out).unwrap_or(Value::Null);
            value["@odata.type"] = "#microsoft.graph.user".into();
            value
        })
        .collect();
    page_of(ask, &Cut::directory(ask, "directoryObjects"), values)
}
