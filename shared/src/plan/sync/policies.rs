//! Which policies a plan grants, revokes and adopts. Only what was granted to a user directly is ours to take away, and what
//! somebody else had granted directly before us comes back then.

use super::{Facts, ObservedPolicy, Reasoned, why_taken};
use crate::domain::calling_policy::PolicyType;
use crate::domain::change::{Change, Why};
use crate::domain::ids::TeamsUserId;
use crate::domain::mapping::Owned;
use crate::plan::mapping::Wanted;
use std::collections::BTreeSet;

/// The kinds that we assign, in the order in which they are.
pub(super) const KINDS: [PolicyType; 2] = [PolicyType::OnlineVoiceRoutingPolicy, PolicyType::TeamsCallingPolicy];

/// Policies of everybody who is not in conflict, revoked before others are granted.
pub(super) fn changes(facts: &Facts, blocked: &BTreeSet<&TeamsUserId>) -> Vec<Reasoned> {
    let (mut revokes, mut others) = (Vec::new(), Vec::new());
    let users: BTreeSet<&TeamsUserId> = facts.wanted.keys().chain(facts.ours.keys()).collect();
    let nothing = Owned::default();
    for user in users.into_iter().filter(|user| !blocked.contains(user)) {
        let Some(observed) = facts.users.get(user) else {
            continue;
        };
        let ours = facts.ours.get(user).unwrap_or(&nothing);
        for kind in KINDS {
            let wanted = facts.wanted.get(user).map(|wanted| name(wanted, kind));
            let change = change(facts, user, kind, wanted, observed.policies.get(&kind), ours);
            match change {
                Some(change @ (Change::Revoke { .. }, _)) => revokes.push(change),
                other => others.extend(other),
            }
        }
    }
    revokes.append(&mut others);
    revokes
}

fn name(wanted: &Wanted, kind: PolicyType) -> &String {
    match kind {
        PolicyType::OnlineVoiceRoutingPolicy => &wanted.routing_policy,
        PolicyType::TeamsCallingPolicy => &wanted.calling_policy,
    }
}

/// What is done with one kind of policy of one user.
fn change(
    facts: &Facts,
    user: &TeamsUserId,
    policy_type: PolicyType,
    wanted: Option<&String>,
    has: Option<&ObservedPolicy>,
    owned: &Owned,
) -> Option<Reasoned> {
    let user = user.clone();
    let (ours, before) = (owned.policy(policy_type), owned.before(policy_type));
    let not_the_brands = |name: &&String| !facts.brand_policies.contains(*name);
    match (wanted, has) {
        // What a group gives is there without us, and stays the group's.
        (Some(wanted), Some(has)) if has.name == *wanted && (has.by_group || ours == Some(wanted)) => None,
        (Some(wanted), Some(has)) if has.name == *wanted => {
            let name = wanted.clone();
            let adopt = Change::AdoptPolicy {
                user,
                policy_type,
                name,
            };
            Some((adopt, Why::AlreadyThere))
        }
        (Some(wanted), has) => {
            let direct = has.filter(|policy| !policy.by_group).map(|policy| &policy.name);
            // What was there before us was there before our first grant.
            let keeps = if ours.is_some() {
                before.cloned()
            } else {
                direct.filter(not_the_brands).cloned()
            };
            let why = match ours {
                Some(ours) if ours == wanted && direct.is_some() => Why::ReplacedByOthers,
                Some(ours) if ours == wanted => Why::TakenAway,
                Some(_) => Why::SettingsChanged,
                None => Why::Mapped,
            };
            let grant = Change::Grant {
                user,
                policy_type,
                name: wanted.clone(),
                was: has.map(|policy| policy.name.clone()),
                keeps,
            };
            Some((grant, why))
        }
        (None, Some(has)) if !has.by_group && ours == Some(&has.name) => {
            let why = why_taken(facts, &user);
            let revoke = Change::Revoke {
                user,
                policy_type,
                name: has.name.clone(),
                back: before.filter(not_the_brands).cloned(),
            };
            Some((revoke, why))
        }
        (None, _) => None,
    }
}
