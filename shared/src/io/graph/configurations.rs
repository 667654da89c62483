//! What Teams says of people: the read-back of numbers and policies.

use super::wire::{Single, WireConfiguration, WireEffectivePolicy, number, policy_name};
use super::{Graph, Token};
use crate::domain::calling_policy::PolicyType;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// Without it Microsoft hides newer members of enums.
const ALL_MEMBERS: (&str, &str) = ("Prefer", "include-unknown-enum-members");

/// The policy type whose name is a person's coexistence mode with Skype for Business.
const COEXISTENCE: &str = "TeamsUpgradePolicy";
/// Its instance under which all calls ring in Teams.
const TEAMS_ONLY: &str = "UpgradeToTeams";

/// One person's voice configuration in Teams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserConfiguration {
    /// What kind of account.
    pub account_type: AccountType,
    /// May call the telephone network at all.
    pub enterprise_voice: bool,
    /// Plain numbers, the primary one first; those with an extension are left out.
    pub numbers: Vec<E164>,
    /// Policies that differ from the tenant's; a missing type means the tenant's.
    pub policies: BTreeMap<PolicyType, AssignedPolicy>,
    /// The coexistence mode, where another one than Teams only is set for the person.
    pub not_teams_only: Option<String>,
}

/// A policy that holds for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedPolicy {
    /// Its name.
    pub name: String,
    /// Inherited from a group, not granted to the person.
    pub by_group: bool,
}

/// What kind of account Teams sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountType {
    /// A person.
    User,
    /// An auto attendant, a call queue or the like.
    ResourceAccount,
    /// A guest of another tenant.
    Guest,
    /// A person who is homed on-premises and cannot be enabled.
    OnPremises,
    /// A person without the needed licence.
    Ineligible,
    /// Anything else.
    Unknown,
}

impl Graph {
    /// What Teams says of these people. Who is absent is unknown to Teams, or not known yet.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where an answer is about somebody else.
    pub async fn user_configurations(
        &self,
        token: &Token,
        users: &[TeamsUserId],
    ) -> Result<BTreeMap<TeamsUserId, UserConfiguration>> {
        let doing = "read users' Teams configuration";
        let urls: Vec<String> = users
            .iter()
            .map(|user| format!("/admin/teams/userConfigurations/{user}"))
            .collect();
        let answers = self.batch(doing, token, &urls, &[ALL_MEMBERS]).await?;
        let mut found = BTreeMap::new();
        for (user, answer) in users.iter().zip(answers) {
            if answer.status == 404 {
                continue;
            }
            let wire: Single<WireConfiguration> = answer.accept(doing)?.json(doing)?;
            match wire.into_inner() {
                Some(wire) if wire.id == *user => found.insert(user.clone(), configuration(wire)),
                _ => return Err(Error::upstream(doing, "the answer is about somebody else")),
            };
        }
        Ok(found)
    }
}

fn configuration(mut wire: WireConfiguration) -> UserConfiguration {
    wire.telephone_numbers
        .sort_by_key(|entry| entry.assignment_category.as_deref() != Some("primary"));
    let not_teams_only = wire.effective_policy_assignments.iter().find_map(other_mode);
    let mut policies = BTreeMap::new();
    for (policy_type, policy) in wire.effective_policy_assignments.into_iter().filter_map(policy) {
        // What was granted to the person wins over what a group gives.
        if !policy.by_group || !policies.contains_key(&policy_type) {
            policies.insert(policy_type, policy);
        }
    }
    UserConfiguration {
        account_type: match wire.account_type.as_deref() {
            Some("user") => AccountType::User,
            Some("resourceAccount") => AccountType::ResourceAccount,
            Some("guest") => AccountType::Guest,
            Some("sfbOnPremUser") => AccountType::OnPremises,
            Some("ineligibleUser") => AccountType::Ineligible,
            _ => AccountType::Unknown,
        },
        enterprise_voice: wire.is_enterprise_voice_enabled.unwrap_or_default(),
        numbers: wire
            .telephone_numbers
            .iter()
            .filter_map(|entry| number(entry.telephone_number.as_deref()?))
            .collect(),
        policies,
        not_teams_only,
    }
}

/// The name of a coexistence mode under which calls may ring elsewhere.
fn other_mode(wire: &WireEffectivePolicy) -> Option<String> {
    if wire.policy_type.as_deref() != Some(COEXISTENCE) {
        return None;
    }
    let assigned = wire.policy_assignment.as_ref()?;
    let mode = policy_name(assigned.display_name.as_deref()?);
    (!mode.eq_ignore_ascii_case(TEAMS_ONLY)).then(|| mode.to_owned())
}

fn policy(wire: WireEffectivePolicy) -> Option<(PolicyType, AssignedPolicy)> {
    let policy_type = match wire.policy_type.as_deref()? {
        "OnlineVoiceRoutingPolicy" => PolicyType::OnlineVoiceRoutingPolicy,
        "TeamsCallingPolicy" => PolicyType::TeamsCallingPolicy,
        _ => return None,
    };
    let assigned = wire.policy_assignment?;
    let name = assigned.display_name.or(assigned.policy_id)?;
    Some((
        policy_type,
        AssignedPolicy {
            name: policy_name(&name).to_owned(),
            by_group: assigned.assignment_type.as_deref() == Some("group"),
        },
    ))
}

#[cfg(test)]
mod tests;
