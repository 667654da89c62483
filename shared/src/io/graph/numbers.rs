//! Telephone numbers of the tenant: who holds them, giving and taking them.

use super::batch::{Handed, MOST_PARTS, Turn};
use super::pages::Pages;
use super::wire::{AssignNumber, NumberList, Single, UnassignNumber, WireNumber, WireOperation, number};
use super::{Graph, Token, encode, quoted};
use crate::domain::Invalid;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::io::http::Answer;
use crate::io::store::pace::Calls;
use crate::{Error, Result};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Up to so many are asked for one by one, in one batch.
pub(super) const FEW: usize = 20;

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
        if numbers.len() > FEW {
            self.numbers_by_list(token, numbers).await
        } else {
            self.numbers_one_by_one(token, numbers).await
        }
    }

    async fn numbers_one_by_one(&self, token: &Token, numbers: &[E164]) -> Result<BTreeMap<E164, NumberHolding>> {
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

    /// The same out of the tenant's whole list: one call for a thousand numbers instead of one for each. A list that is
    /// longer than that is worth is left, and the rest is asked for one by one.
    async fn numbers_by_list(&self, token: &Token, numbers: &[E164]) -> Result<BTreeMap<E164, NumberHolding>> {
        let doing = "read the tenant's numbers";
        let mut wanted: BTreeSet<&E164> = numbers.iter().collect();
        let [admin, teams, management] = MANAGEMENT;
        let first = self.url(&[admin, teams, management, "numberAssignments"], &[("$top", "1000")]);
        let mut pages = Pages::new(self, token, doing, first, &[]).paced();
        let mut found: BTreeMap<E164, NumberHolding> = BTreeMap::new();
        for _ in 0..worth(numbers.len()) {
            self.turn(doing, token, Calls::Reads, 1).await?;
            let page = pages.fetch().await;
            let Some(answer) = self.kept(token, page).await? else {
                return Ok(found);
            };
            let list: NumberList = answer.json(doing)?;
            let entries = list.value.into_vec();
            pages.note(None, entries.len(), list.next.as_deref())?;
            for entry in entries {
                let Some(number) = number(&entry.telephone_number).filter(|number| wanted.contains(number)) else {
                    continue;
                };
                let mut held = holding(entry);
                if let Some(other) = found.remove(&number) {
                    held = worst(other, held);
                }
                found.insert(number, held);
            }
            if list.next.is_none() {
                return Ok(found);
            }
        }
        wanted.retain(|number| !found.contains_key(*number));
        let rest: Vec<E164> = wanted.into_iter().cloned().collect();
        found.extend(self.numbers_one_by_one(token, &rest).await?);
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

    /// Starts to give and take Direct Routing numbers, at most `MOST_PARTS`, in one call; enterprise voice comes and goes with
    /// them. Of what Microsoft takes there is an operation to watch; without one, read the number back.
    ///
    /// # Errors
    /// Those of our own table. What became of each change is in its own answer.
    pub async fn change_numbers(
        &self,
        token: &Token,
        _turn: Turn,
        changes: &[NumberChange<'_>],
    ) -> Result<Vec<Handed<Option<OperationId>>>> {
        let doing = "change numbers";
        let parts: Vec<_> = changes.iter().map(NumberChange::part).collect::<Result<_>>()?;
        let sent = self.batch_of_changes(doing, token, &parts).await;
        let answers = match self.kept(token, sent).await {
            Ok(answers) => answers,
            Err(error) => {
                let all = Handed::of_failure(error)?;
                return Ok(vec![all; changes.len()]);
            }
        };
        let operation = |answer: &Answer| OperationId::from_location(answer.location());
        let handed: Vec<_> = answers
            .iter()
            .map(|answer| match answer {
                Some(answer) => Handed::read(doing, answer, operation),
                None => Handed::Unknown,
            })
            .collect();
        let longest = handed.iter().filter_map(|handed| match handed {
            Handed::Later(wait) => Some(*wait),
            Handed::Taken(_) | Handed::Refused { .. } | Handed::Unknown | Handed::Expired => None,
        });
        if let (Some(wait), Some(pace)) = (longest.max(), &token.pace) {
            pace.pause(wait).await?;
        }
        Ok(handed)
    }

    /// How far started changes are, in their order; none of those that Microsoft no longer knows.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn operations(&self, token: &Token, operations: &[OperationId]) -> Result<Vec<Option<OperationState>>> {
        let doing = "watch changes of numbers";
        let management = MANAGEMENT.join("/");
        let urls: Vec<String> = operations
            .iter()
            .map(|operation| format!("/{management}/operations/{}", operation.0))
            .collect();
        let answers = self.batch(doing, token, &urls, &[]).await?;
        answers
            .into_iter()
            .map(|answer| {
                if answer.status == 404 {
                    return Ok(None);
                }
                let found: Single<WireOperation> = answer.accept(doing)?.json(doing)?;
                let found = found.into_inner().map(state).map(Some);
                found.ok_or_else(|| Error::upstream(doing, "the answer holds no operation"))
            })
            .collect()
    }
}

/// One change of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberChange<'a> {
    /// Gives it to a person.
    Assign {
        /// Which.
        number: &'a E164,
        /// To whom.
        to: &'a TeamsUserId,
    },
    /// Takes it from whoever has it.
    Unassign {
        /// Which.
        number: &'a E164,
    },
}

impl NumberChange<'_> {
    /// Where it is posted, and what.
    fn part(&self) -> Result<(String, Box<RawValue>)> {
        let (action, body) = match self {
            Self::Assign { number, to } => (
                "assignNumber",
                serde_json::value::to_raw_value(&AssignNumber {
                    telephone_number: number,
                    assignment_target_id: to,
                    number_type: "directRouting",
                    assignment_category: "primary",
                }),
            ),
            Self::Unassign { number } => (
                "unassignNumber",
                serde_json::value::to_raw_value(&UnassignNumber {
                    telephone_number: number,
                    number_type: "directRouting",
                }),
            ),
        };
        let body = body.map_err(|error| Error::upstream("change numbers", error))?;
        Ok((format!("/{}/numberAssignments/{action}", MANAGEMENT.join("/")), body))
    }
}

/// So many pages of a list are worth reading for so many entries of it: as many as there would be batches.
pub(super) fn worth(wanted: usize) -> usize {
    wanted.div_ceil(MOST_PARTS)
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
