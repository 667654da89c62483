//! Policies of people: finding a policy by name, granting and revoking.

use super::wire::{PolicyAssignment, PolicyAssignments, PolicyIds, policy_name};
use super::{Graph, Token, quoted};
use crate::domain::calling_policy::PolicyType;
use crate::domain::ids::TeamsUserId;
use crate::{Error, Result};

/// Microsoft names no limit; small collections keep one refusal from spoiling many.
const MOST_AT_ONCE: usize = 20;
const ASSIGNMENT: &str = "#microsoft.graph.teamsAdministration.teamsPolicyUserAssignment";

/// One policy for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyGrant {
    /// Who gets it.
    pub user: TeamsUserId,
    /// In place of which other.
    pub policy_type: PolicyType,
    /// Microsoft's id of the policy, from `Graph::policy_id`.
    pub policy_id: String,
}

impl Graph {
    /// Microsoft's id of a policy; none where Teams does not know the name, or not yet.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn policy_id(&self, token: &Token, policy_type: PolicyType, name: &str) -> Result<Option<String>> {
        let key = format!("getPolicyId(type='{policy_type}',name='{}')", quoted(name));
        let url = self.url(&["admin", "teams", "policy", &key], &[]);
        let found: PolicyIds = match self.get("find a policy", token, url).await {
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            found => found?,
        };
        let wanted = |found: &str| policy_name(found).eq_ignore_ascii_case(name);
        Ok(found
            .value
            .into_vec()
            .into_iter()
            .find(|policy| policy.name.as_deref().is_some_and(wanted))
            .and_then(|policy| policy.policy_id))
    }

    /// Grants policies; one result each, in order. What one person is refused does not touch the others.
    ///
    /// # Errors
    /// Failures that concern all: `TokenExpired`, `Throttled`, `Upstream`. Some may have been granted by then;
    /// granting again does no harm.
    pub async fn grant(&self, token: &Token, grants: &[PolicyGrant]) -> Result<Vec<Result<()>>> {
        let wire = grants
            .iter()
            .map(|grant| assignment(&grant.user, grant.policy_type, Some(&grant.policy_id)))
            .collect();
        self.change_policies("grant policies", token, "assign", wire).await
    }

    /// Takes policies away, so that the tenant's or a group's policy holds again; otherwise as `grant`.
    ///
    /// # Errors
    /// As `grant`.
    pub async fn revoke(&self, token: &Token, revoked: &[(TeamsUserId, PolicyType)]) -> Result<Vec<Result<()>>> {
        let wire = revoked
            .iter()
            .map(|(user, policy_type)| assignment(user, *policy_type, None))
            .collect();
        self.change_policies("revoke policies", token, "unassign", wire).await
    }

    async fn change_policies(
        &self,
        doing: &'static str,
        token: &Token,
        action: &str,
        all: Vec<PolicyAssignment<'_>>,
    ) -> Result<Vec<Result<()>>> {
        let mut results = Vec::with_capacity(all.len());
        for chunk in all.chunks(MOST_AT_ONCE) {
            match self.change_together(doing, token, action, chunk.to_vec()).await {
                Ok(()) => results.extend(chunk.iter().map(|_| Ok(()))),
                Err(refused @ Error::Refused { .. }) if chunk.len() == 1 => results.push(Err(refused)),
                Err(Error::Refused { .. }) => {
                    for single in chunk {
                        match self.change_together(doing, token, action, vec![single.clone()]).await {
                            Err(error) if !matches!(error, Error::Refused { .. }) => return Err(error),
                            result => results.push(result),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    async fn change_together(
        &self,
        doing: &'static str,
        token: &Token,
        action: &str,
        value: Vec<PolicyAssignment<'_>>,
    ) -> Result<()> {
        let path = ["admin", "teams", "policy", "userAssignments", action];
        let call = self.post(doing, token, &path, &PolicyAssignments { value })?;
        self.send(call).await.map(drop)
    }
}

fn assignment<'a>(user: &'a TeamsUserId, policy_type: PolicyType, policy_id: Option<&'a str>) -> PolicyAssignment<'a> {
    PolicyAssignment {
        kind: ASSIGNMENT,
        user_id: user,
        policy_type: policy_type.to_string(),
        policy_id,
    }
}

#[cfg(test)]
mod tests;
