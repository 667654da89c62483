//! Policies of people: finding a policy by name, granting and revoking.

use super::batch::{Handed, Turn};
use super::wire::{PolicyAssignment, PolicyAssignments, PolicyIds, policy_name};
use super::{Graph, Token, quoted};
use crate::domain::calling_policy::PolicyType;
use crate::domain::ids::TeamsUserId;
use crate::io::store::pace::Calls;
use crate::{Error, Result};
use jiff::SignedDuration;

const ASSIGNMENT: &str = "#microsoft.graph.teamsAdministration.teamsPolicyUserAssignment";

/// How many policies go together in one call. Microsoft names no limit for its `assign`; PowerShell's own operation takes
/// 5,000 users. It begins small, grows while Microsoft takes what it gets, and halves where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together(usize);

impl Together {
    /// Where it begins, and by how much it grows.
    const FIRST: usize = 20;
    /// No more: what one refusal may spoil has to be sorted out again, and a lost answer be read back.
    pub const MOST: usize = 200;

    /// So many now.
    #[must_use]
    pub fn size(self) -> usize {
        self.0
    }

    /// Microsoft took a full collection, or did not take one.
    pub fn learn(&mut self, taken: bool) {
        self.0 = if taken {
            (self.0 + Self::FIRST).min(Self::MOST)
        } else {
            (self.0 / 2).max(1)
        };
    }
}

impl Default for Together {
    fn default() -> Self {
        Self(Self::FIRST)
    }
}

/// One policy for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyChange<'a> {
    /// Whose.
    pub user: &'a TeamsUserId,
    /// Which kind; another one of it goes.
    pub policy_type: PolicyType,
    /// Microsoft's id of the policy that is granted, from `Graph::policy_id`; without one the person's own is taken away, so
    /// that the tenant's or a group's holds again.
    pub policy_id: Option<&'a str>,
}

impl Graph {
    /// Microsoft's id of a policy; none where Teams does not know the name, or not yet.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn policy_id(&self, token: &Token, policy_type: PolicyType, name: &str) -> Result<Option<String>> {
        let key = format!("getPolicyId(type='{policy_type}',name='{}')", quoted(name));
        let url = self.url(&["admin", "teams", "policy", &key], &[]);
        let found: PolicyIds = match self.get_paced("find a policy", token, url).await {
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

    /// Grants policies, or takes them away: all of them one or the other. One answer each, in order. They go in one call;
    /// where Microsoft refuses that, in halves, down to the ones that it means: what one person is refused does not touch
    /// the others. Doing it twice does no harm.
    ///
    /// # Errors
    /// Those of our own table. What became of each is in its own answer.
    pub async fn change_policies(
        &self,
        token: &Token,
        _turn: Turn,
        changes: &[PolicyChange<'_>],
    ) -> Result<Vec<Handed<()>>> {
        let mut answers: Vec<Handed<()>> = vec![Handed::Later(SignedDuration::ZERO); changes.len()];
        // A turn was taken for the first call.
        let mut paid = true;
        let mut parts: Vec<_> = std::iter::once(0..changes.len()).collect();
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            if !std::mem::take(&mut paid) {
                match self.turn("change policies", token, Calls::Writes, 1).await {
                    Ok(()) => {}
                    // What is left was not tried.
                    Err(Error::Throttled { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
            let handed = self.change_together(token, &changes[part.clone()]).await?;
            match &handed {
                Handed::Refused { .. } if part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                    continue;
                }
                Handed::Taken(()) | Handed::Refused { .. } => {}
                // It will not be better for the others.
                Handed::Later(_) | Handed::Unknown | Handed::Expired => parts.clear(),
            }
            answers[part].fill(handed);
        }
        Ok(answers)
    }

    async fn change_together(&self, token: &Token, changes: &[PolicyChange<'_>]) -> Result<Handed<()>> {
        let (doing, action) = match changes.iter().all(|change| change.policy_id.is_some()) {
            true => ("grant policies", "assign"),
            false => ("revoke policies", "unassign"),
        };
        let value = changes.iter().map(assignment).collect();
        let path = ["admin", "teams", "policy", "userAssignments", action];
        let call = self.post(doing, token, &path, &PolicyAssignments { value })?;
        let sent = self.send(token.mark(call)).await;
        match self.kept(token, sent).await {
            Ok(_) => Ok(Handed::Taken(())),
            Err(error) => Handed::of_failure(error),
        }
    }
}

fn assignment<'a>(change: &PolicyChange<'a>) -> PolicyAssignment<'a> {
    PolicyAssignment {
        kind: ASSIGNMENT,
        user_id: change.user,
        policy_type: change.policy_type.to_string(),
        policy_id: change.policy_id,
    }
}

#[cfg(test)]
mod tests;
