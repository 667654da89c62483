//! Policies of Teams: finding one by name, giving and taking.

use super::super::catalogue::{TEAMS_READERS, TEAMS_WRITERS};
use super::super::voice::Grant;
use super::Ask;
use super::answer::{Answer, Refused, Reply};
use serde_json::{Value, json};

const PERMISSION: &[&str] = &["TeamsPolicyUserAssign.ReadWrite.All"];

/// Types that can be given to a user.
const TYPES: [&str; 10] = [
    "OnlineVoiceRoutingPolicy",
    "TeamsCallingPolicy",
    "TeamsCallHoldPolicy",
    "CallingLineIdentity",
    "OnlineVoicemailPolicy",
    "TenantDialPlan",
    "TeamsEmergencyCallingPolicy",
    "TeamsEmergencyCallRoutingPolicy",
    "TeamsUpgradePolicy",
    "TeamsMeetingPolicy",
];

fn bad(message: String) -> Refused {
    Refused::new(400, "BadRequest", message)
}

fn known_type(kind: &str) -> Result<&'static str, Refused> {
    let found = TYPES.iter().find(|known| **known == kind);
    found
        .copied()
        .ok_or_else(|| bad(format!("The policy type '{kind}' is not supported.")))
}

/// `getPolicyId(type='..',name='..')`
pub(super) fn policy_id(ask: &mut Ask<'_>, function: &str) -> Reply {
    ask.need(PERMISSION, TEAMS_READERS)?;
    let inner = function
        .split_once('(')
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let argument = |name: &str| {
        let (_, rest) = inner.split_once(&format!("{name}='"))?;
        let mut text = String::new();
        let mut letters = rest.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' if letters.peek() == Some(&'\'') => {
                    letters.next();
                    text.push('\'');
                }
                '\'' => return Some(text),
                other => text.push(other),
            }
        }
        None
    };
    let missing = |name: &str| bad(format!("The parameter '{name}' is required."));
    let kind = argument("type").ok_or_else(|| missing("type"))?;
    let name = argument("name").ok_or_else(|| missing("name"))?;
    known_type(&kind)?;
    let delay = ask.microsoft.inner.options.delays.policy_visible;
    let name = name.strip_prefix("Tag:").unwrap_or(&name);
    let found = ask
        .tenant()
        .policy(&kind, name)
        .filter(|policy| ask.now.duration_since(policy.created) >= delay);
    let values: Vec<Value> = found
        .iter()
        .map(|policy| json!({ "name": format!("Tag:{}", policy.name), "policyId": policy.id }))
        .collect();
    let context = ask.url("/$metadata#Collection(microsoft.graph.teamsAdministration.policyIdentifierDetail)");
    Ok(Answer::json(&json!({ "@odata.context": context, "value": values })))
}

/// One entry of a request.
struct Entry {
    user: u32,
    kind: &'static str,
    policy: Option<String>,
}

/// Reads all entries before anything is changed: one bad entry refuses the request.
fn entries(ask: &Ask<'_>, with_policy: bool) -> Result<Vec<Entry>, Refused> {
    let body = ask.json()?;
    let list = body["value"]
        .as_array()
        .ok_or_else(|| bad("The property 'value' is required.".into()))?;
    let mut entries = Vec::with_capacity(list.len());
    for item in list {
        let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty());
        let id = text("userId").ok_or_else(|| bad("The property 'userId' is required.".into()))?;
        let kind = known_type(text("policyType").unwrap_or_default())?;
        let user = ask
            .tenant()
            .user(id)
            .ok_or_else(|| bad(format!("The user '{id}' was not found.")))?;
        let policy = text("policyId").map(str::to_owned);
        if with_policy {
            let id = policy.as_deref().unwrap_or_default();
            if ask.tenant().policy_by_id(kind, id).is_none() {
                return Err(bad(format!("The policy '{id}' of type {kind} was not found.")));
            }
        }
        entries.push(Entry { user, kind, policy });
    }
    Ok(entries)
}

pub(super) fn assign(ask: &mut Ask<'_>) -> Reply {
    ask.need(PERMISSION, TEAMS_WRITERS)?;
    let now = ask.now;
    for Entry { user, kind, policy } in entries(ask, true)? {
        let grant = policy.map(|policy| Grant { policy, group: None });
        ask.tenant_mut().grant(user, kind, grant, now);
    }
    Ok(Answer::empty(204))
}

pub(super) fn unassign(ask: &mut Ask<'_>) -> Reply {
    ask.need(PERMISSION, TEAMS_WRITERS)?;
    let now = ask.now;
    for Entry { user, kind, .. } in entries(ask, false)? {
        ask.tenant_mut().grant(user, kind, None, now);
    }
    Ok(Answer::empty(204))
}
