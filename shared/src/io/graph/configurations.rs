//! What Teams says of people: the read-back of numbers and policies.

use super::numbers::{FEW, worth};
use super::pages::Pages;
use super::wire::{ConfigurationList, Single, WireConfiguration, WireEffectivePolicy, number, policy_name};
use super::{Graph, Token};
use crate::domain::calling_policy::PolicyType;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::io::store::pace::Calls;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Without it Microsoft hides newer members of enums.
const ALL_MEMBERS: (&str, &str) = ("prefer", "include-unknown-enum-members");

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
        if users.len() > FEW {
            self.configurations_by_list(token, users).await
        } else {
            self.configurations_one_by_one(token, users).await
        }
    }

    async fn configurations_one_by_one(
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

    /// The same out of the list of everybody, as long as that is worth it. Whoever is not in what was read of it is asked
    /// for: somebody who is new may be missing from a list and be known by name.
    async fn configurations_by_list(
        &self,
        token: &Token,
        users: &[TeamsUserId],
    ) -> Result<BTreeMap<TeamsUserId, UserConfiguration>> {
        let doing = "read the tenant's Teams configurations";
        let mut wanted: BTreeSet<&TeamsUserId> = users.iter().collect();
        let first = self.url(&["admin", "teams", "userConfigurations"], &[("$top", "1000")]);
        let mut pages = Pages::new(self, token, doing, first, &[ALL_MEMBERS]).paced();
        let mut found = BTreeMap::new();
        for _ in 0..worth(users.len()) {
            self.turn(doing, token, Calls::Reads, 1).await?;
            let page = pages.fetch().await;
            let Some(answer) = self.kept(token, page).await? else {
                break;
            };
            let list: ConfigurationList = answer.json(doing)?;
            let entries = list.value.into_vec();
            pages.note(None, entries.len(), list.next.as_deref())?;
            for wire in entries {
                if wanted.remove(&wire.id) {
                    found.insert(wire.id.clone(), configuration(wire));
                }
            }
            if wanted.is_empty() || list.next.is_none() {
                break;
            }
        }
        let rest: Vec<TeamsUserId> = wanted.into_iter().cloned().collect();
        found.extend(self.configurations_one_by_one(token, &rest).await?);
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
