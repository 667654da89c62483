//! Reading the tenant: organisation, one's own roles, groups and their sizes.

use super::pages::Pages;
use super::wire::{Page, Single, WireGroup, WireOrganization, WireRole, plain_number};
use super::{EVENTUAL, Graph, Token};
use crate::domain::group_filter::{Group, GroupFacts};
use crate::domain::ids::{GroupId, TenantId};
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Role template of Global Administrator, the same in every tenant.
pub const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Role template of Teams Administrator.
pub const TEAMS_ADMINISTRATOR: &str = "69091246-20e8-4a56-aa4d-066075b2a7a8";

const GROUP_FIELDS: &str =
    "id,displayName,mailNickname,groupTypes,securityEnabled,membershipRule,membershipRuleProcessingState";

/// The tenant itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `tid`.
    pub id: TenantId,
    /// Display name.
    pub name: String,
    /// `bluefinch` of `bluefinch.onmicrosoft.com`, the domain that the tenant was born with.
    pub initial_label: String,
    /// Its verified domains.
    pub domains: Vec<VerifiedDomain>,
    /// Its country as two letters, where it says one.
    pub country: Option<String>,
}

/// One verified domain of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDomain {
    /// Its name.
    pub name: String,
    /// New users get it unless told.
    pub default: bool,
    /// The one that the tenant was born with.
    pub initial: bool,
}

/// An active directory role of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRole {
    /// Display name.
    pub name: String,
    /// The same in every tenant, lower case.
    pub template_id: String,
}

impl Graph {
    /// The tenant of the person signed in.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where the answer lacks the tenant or its initial domain.
    pub async fn organization(&self, token: &Token) -> Result<Organization> {
        let doing = "read the organisation";
        let fields = "id,displayName,countryLetterCode,defaultUsageLocation,verifiedDomains";
        let url = self.url(&["organization"], &[("$select", fields)]);
        let page: Page<WireOrganization> = self.get(doing, token, url).await?;
        let Some(found) = page.value.into_iter().next() else {
            return Err(Error::upstream(doing, "there is none"));
        };
        let domains: Vec<VerifiedDomain> = found
            .verified_domains
            .into_iter()
            .map(|domain| VerifiedDomain {
                name: domain.name.to_ascii_lowercase(),
                default: domain.is_default,
                initial: domain.is_initial,
            })
            .collect();
        let initial = domains.iter().find(|domain| domain.initial);
        let Some((label, _)) = initial.and_then(|domain| domain.name.split_once('.')) else {
            return Err(Error::upstream(doing, "it has no initial domain"));
        };
        Ok(Organization {
            id: found.id.parse().map_err(|error| Error::upstream(doing, error))?,
            name: found.display_name.unwrap_or_else(|| label.to_owned()),
            initial_label: label.to_owned(),
            domains,
            country: found.default_usage_location.or(found.country_letter_code),
        })
    }

    /// The active roles of the person signed in, also those held through groups. A role that was not activated
    /// (Privileged Identity Management) is not among them.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn my_roles(&self, token: &Token) -> Result<Vec<DirectoryRole>> {
        let doing = "read one's own roles";
        let path = ["me", "transitiveMemberOf", "microsoft.graph.directoryRole"];
        let fields = ("$select", "id,displayName,roleTemplateId");
        let cast = self.url(&path, &[fields, ("$count", "true"), ("$top", "999")]);
        let roles = match self.all::<WireRole>(doing, token, cast, &[EVENTUAL]).await {
            // The index behind the cast lags; an empty answer deserves a second look.
            Ok(roles) if !roles.is_empty() => roles,
            Ok(_)
            | Err(Error::Refused {
                status: 400 | 404 | 501,
                ..
            }) => {
                let plain = self.url(&path[..2], &[("$top", "999")]);
                let mut mixed = self.all::<WireRole>(doing, token, plain, &[]).await?;
                mixed.retain(|member| member.kind.as_deref() == Some("#microsoft.graph.directoryRole"));
                mixed
            }
            Err(error) => return Err(error),
        };
        Ok(roles
            .into_iter()
            .filter_map(|role| {
                Some(DirectoryRole {
                    name: role.display_name.unwrap_or_default(),
                    template_id: role.role_template_id?.to_ascii_lowercase(),
                })
            })
            .collect())
    }

    /// All groups, or those whose name has words that begin like `search`; by name.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn groups(&self, token: &Token, search: Option<&str>) -> Result<Vec<Group>> {
        let doing = "read the groups";
        let fields = [("$select", GROUP_FIELDS), ("$top", "999")];
        let found = match search.map(str::trim).filter(|words| !words.is_empty()) {
            None => self.all(doing, token, self.url(&["groups"], &fields), &[]).await?,
            Some(words) => {
                let words = words.replace('\\', r"\\").replace('"', "\\\"");
                let search = format!("\"displayName:{words}\"");
                let url = self.url(
                    &["groups"],
                    &[fields[0], fields[1], ("$search", &search), ("$count", "true")],
                );
                self.all(doing, token, url, &[EVENTUAL]).await?
            }
        };
        let mut groups = found
            .into_iter()
            .map(|wire| group(doing, wire))
            .collect::<Result<Vec<_>>>()?;
        groups.sort_by_cached_key(Group::place);
        Ok(groups)
    }

    /// One group; none where it is gone.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn group_by_id(&self, token: &Token, id: &GroupId) -> Result<Option<Group>> {
        let doing = "read a group";
        let url = self.url(&["groups", id.as_str()], &[("$select", GROUP_FIELDS)]);
        match self.get::<Single<WireGroup>>(doing, token, url).await {
            Ok(found) => found.into_inner().map(|wire| group(doing, wire)).transpose(),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many people are in each group, also through groups in it, disabled accounts included. None where the
    /// group is gone or hides its members.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn group_sizes(&self, token: &Token, groups: &[GroupId]) -> Result<BTreeMap<GroupId, Option<u64>>> {
        let doing = "count the members of groups";
        let path = |group| format!("/groups/{group}/transitiveMembers/microsoft.graph.user/$count");
        let urls: Vec<String> = groups.iter().map(path).collect();
        // No low priority: somebody looks at the list.
        let answers = self.batch(doing, token, &urls, &[EVENTUAL]).await?;
        groups
            .iter()
            .cloned()
            .zip(answers)
            .map(|(group, answer)| match answer.status.as_u16() {
                403 | 404 => Ok((group, None)),
                _ => Ok((group, Some(plain_number(&answer.accept(doing)?, doing)?))),
            })
            .collect()
    }

    /// All entries of a list that is short enough to be kept whole.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        token: &Token,
        first: url::Url,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<T>> {
        let mut pages = Pages::new(self, token, doing, first, headers);
        let mut all = Vec::new();
        while let Some(answer) = pages.fetch().await? {
            let page: Page<T> = answer.json(doing)?;
            pages.note(page.count, page.value.len(), page.next.as_deref())?;
            all.extend(page.value);
        }
        Ok(all)
    }
}

fn group(doing: &'static str, wire: WireGroup) -> Result<Group> {
    let has = |kind: &str| wire.group_types.iter().any(|found| found == kind);
    let nickname = wire.mail_nickname.as_deref().unwrap_or_default();
    let name = wire.display_name.as_deref().unwrap_or(nickname);
    let facts = GroupFacts {
        name,
        mail_nickname: nickname,
        unified: has("Unified"),
        dynamic: has("DynamicMembership"),
        security: wire.security_enabled.unwrap_or_default(),
        rule: wire.membership_rule.as_deref(),
    };
    Ok(Group {
        id: wire.id.parse().map_err(|error| Error::upstream(doing, error))?,
        name: name.to_owned(),
        kind: facts.kind(),
        banned: facts.banned(),
        paused: wire.membership_rule_processing_state.as_deref() == Some("Paused"),
        members: None,
    })
}

#[cfg(test)]
mod tests;
