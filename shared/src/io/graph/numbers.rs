//! Telephone numbers of the tenant: who holds them, giving and taking them.

use super::wire::{AssignNumber, NumberList, Single, UnassignNumber, WireNumber, WireOperation, number};
use super::{Graph, Token, encode, quoted};
use crate::domain::Invalid;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

const MANAGEMENT: [&str; 3] = ["admin", "teams", "telephoneNumberManagement"];

/// What Teams says of one number that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberHolding {
    /// Somebody or something has it: a person, a conference bridge, another application.
    pub assigned: bool,
    /// The person or resource account that has it, where it is one.
    pub holder: Option<TeamsUserId>,
    /// It is a Direct Routing number; others are not ours to touch.
    pub direct_routing: bool,
    /// It was set in the on-premises directory, and can be changed only there.
    pub on_premises: bool,
}

/// A started change of a number, to be watched until it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationId(String);

impl FromStr for OperationId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_=.|".contains(&b);
        if (1..=512).contains(&text.len()) && text.bytes().all(fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("operation", "expected an id of Microsoft"))
        }
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OperationId {
    /// From `…/operations('id')` or `…/operations/id`.
    fn from_location(location: &str) -> Option<Self> {
        let id = location.rsplit("/operations").next()?.replace("%27", "'");
        id.trim_start_matches(['(', '/', '\''])
            .trim_end_matches([')', '\'', '/'])
            .parse()
            .ok()
    }
}

/// How far a change of a number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Not ended, or in a state that we do not know; whoever waits decides for how long.
    Running,
    /// Done, as far as Microsoft says.
    Succeeded,
    /// Not done.
    Failed {
        /// Microsoft's words.
        why: String,
    },
}

impl Graph {
    /// What Teams knows of these numbers. A number that is absent is unknown to the tenant.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where an answer is about other numbers.
    pub async fn numbers(&self, token: &Token, numbers: &[E164]) -> Result<BTreeMap<E164, NumberHolding>> {
        let doing = "read numbers";
        let urls: Vec<String> = numbers
            .iter()
            .map(|wanted| filter(&format!("telephoneNumber eq '{}'", quoted(wanted.as_str()))))
            .collect();
        let answers = self.batch(doing, token, &urls, &[]).await?;
        let mut found = BTreeMap::new();
        for (wanted, answer) in numbers.iter().zip(answers) {
            if answer.status == 404 {
                continue;
            }
            let list: NumberList = answer.accept(doing)?.json(doing)?;
            let entries = list.value.into_vec();
            let foreign = entries
                .iter()
                .any(|entry| number(&entry.telephone_number).as_ref() != Some(wanted));
            if foreign || list.next.is_some() {
                return Err(Error::upstream(doing, "the filter was passed over"));
            }
            if let Some(holding) = entries.into_iter().map(holding).reduce(worst) {
                found.insert(wanted.clone(), holding);
            }
        }
        Ok(found)
    }

    /// The plain numbers that a person or resource account holds; those with an extension are left out.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where the answer is about others.
    pub async fn numbers_of(&self, token: &Token, user: &TeamsUserId) -> Result<BTreeMap<E164, NumberHolding>> {
        let doing = "read a user's numbers";
        let urls = [filter(&format!("assignmentTargetId eq '{user}'"))];
        let mut found = BTreeMap::new();
        for answer in self.batch(doing, token, &urls, &[]).await? {
            let list: NumberList = answer.accept(doing)?.json(doing)?;
            if list.next.is_some() {
                return Err(Error::upstream(doing, "the filter was passed over"));
            }
            for entry in list.value.into_vec() {
                let plain = number(&entry.telephone_number);
                let holding = holding(entry);
                if holding.holder.as_ref() != Some(user) {
                    return Err(Error::upstream(doing, "the filter was passed over"));
                }
                found.extend(plain.map(|plain| (plain, holding)));
            }
        }
        Ok(found)
    }

    /// Starts to give a Direct Routing number to a person; enterprise voice comes with it. Without an operation
    /// to watch, read the number back.
    ///
    /// # Errors
    /// Those of Microsoft. After `Upstream` it may have happened or not: read back before trying again.
    pub async fn assign_number(&self, token: &Token, number: &E164, user: &TeamsUserId) -> Result<Option<OperationId>> {
        let body = AssignNumber {
            telephone_number: number,
            assignment_target_id: user,
            number_type: "directRouting",
            assignment_category: "primary",
        };
        let call = self.post("assign a number", token, &change("assignNumber"), &body)?;
        Ok(OperationId::from_location(self.send(call).await?.location()))
    }

    /// Starts to take a Direct Routing number from whoever has it.
    ///
    /// # Errors
    /// As `assign_number`.
    pub async fn unassign_number(&self, token: &Token, number: &E164) -> Result<Option<OperationId>> {
        let body = UnassignNumber {
            telephone_number: number,
            number_type: "directRouting",
        };
        let call = self.post("unassign a number", token, &change("unassignNumber"), &body)?;
        Ok(OperationId::from_location(self.send(call).await?.location()))
    }

    /// How far a started change is.
    ///
    /// # Errors
    /// Those of Microsoft, among them `Refused` with 404 where it is no longer known.
    pub async fn operation(&self, token: &Token, operation: &OperationId) -> Result<OperationState> {
        let doing = "watch a change of a number";
        let [admin, teams, management] = MANAGEMENT;
        let url = self.url(&[admin, teams, management, "operations", &operation.0], &[]);
        let found: Single<WireOperation> = self.get(doing, token, url).await?;
        found
            .into_inner()
            .map(state)
            .ok_or_else(|| Error::upstream(doing, "the answer holds no operation"))
    }
}

fn change(action: &'static str) -> [&'static str; 5] {
    let [admin, teams, management] = MANAGEMENT;
    [admin, teams, management, "numberAssignments", action]
}

fn filter(filter: &str) -> String {
    format!(
        "/{}/numberAssignments?{}",
        MANAGEMENT.join("/"),
        encode(&[("$filter", filter)])
    )
}

fn holding(entry: WireNumber) -> NumberHolding {
    let target = entry.assignment_target_id.filter(|target| !target.is_empty());
    let status = entry.assignment_status.as_deref();
    NumberHolding {
        // A state that we do not know is not a free number.
        assigned: target.is_some() || !matches!(status, None | Some("unassigned")),
        holder: target.and_then(|target| target.parse().ok()),
        direct_routing: entry.number_type.as_deref() == Some("directRouting"),
        on_premises: entry.number_source.as_deref() == Some("onPremises"),
    }
}

/// Of two entries for one number, the one that leaves us less freedom.
fn worst(one: NumberHolding, other: NumberHolding) -> NumberHolding {
    let freedom = |holding: &NumberHolding| (!holding.assigned, holding.direct_routing, !holding.on_premises);
    if freedom(&other) < freedom(&one) { other } else { one }
}

fn state(operation: WireOperation) -> OperationState {
    let failed = |status: &str| status == "failed";
    let of_numbers = || operation.numbers.iter();
    if failed(&operation.status) || of_numbers().any(|number| number.status.as_deref().is_some_and(failed)) {
        let details: Vec<&str> = of_numbers()
            .filter_map(|number| number.status_detail.as_deref())
            .collect();
        let why = if details.is_empty() {
            "Microsoft gave no reason".to_owned()
        } else {
            details.join("; ")
        };
        OperationState::Failed { why }
    } else if operation.status == "succeeded" {
        OperationState::Succeeded
    } else {
        OperationState::Running
    }
}

#[cfg(test)]
mod tests;
