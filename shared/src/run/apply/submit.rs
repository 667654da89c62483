//! Handing changes of numbers to Microsoft, a batch at a time.

use super::{Progress, Round};
use crate::domain::change::Change;
use crate::domain::finding::Code;
use crate::domain::ids::TeamsUserId;
use crate::domain::phone::E164;
use crate::domain::run::{Step, StepState};
use crate::error::{Error, Result};
use crate::io::graph::{Handed, MOST_PARTS, NumberChange, NumberHolding, OperationId};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// After a call without an answer the next one waits so many seconds: whatever ails Microsoft has time to pass.
const AFTER_SILENCE: u32 = 5;

impl Round<'_> {
    /// Hands over releases or assignments, all of one stage. Teams is asked first what it has: time has passed since the
    /// plan was made, perhaps days, and what somebody else did since is not undone.
    pub(super) async fn submit_numbers(&mut self, steps: Vec<Step>) -> Result<Progress> {
        let numbers: BTreeSet<E164> = steps.iter().filter_map(number).cloned().collect();
        let numbers: Vec<E164> = numbers.into_iter().collect();
        let held = self.io.graph.numbers(self.token, &numbers).await?;
        let before = self.releases_before(&steps).await?;
        let may_call = self.may_call(&steps, &held).await?;
        let now = self.io.clock.now();
        let (mut to_send, mut decided) = (Vec::new(), Vec::new());
        for mut step in steps {
            match decide(&step, &held, &before, &may_call, now) {
                Some((state, code)) => {
                    (step.state, step.code) = (state, code);
                    decided.push(step);
                }
                None => to_send.push(step),
            }
        }
        self.note(&mut decided).await?;
        while !to_send.is_empty() {
            if !self.may_go_on().await? {
                break;
            }
            let size = self.progress.in_a_batch.map_or(MOST_PARTS, |size| size as usize);
            let batch: Vec<Step> = to_send.drain(..to_send.len().min(size)).collect();
            if self.hand_over(batch).await? {
                return Ok(Progress {
                    wait: Some(AFTER_SILENCE),
                    ..Progress::default()
                });
            }
        }
        Ok(Progress::default())
    }

    /// Who may call of those who have their number already.
    async fn may_call(&self, steps: &[Step], held: &BTreeMap<E164, NumberHolding>) -> Result<BTreeSet<TeamsUserId>> {
        let has = |step: &&Step| {
            let holding = number(step).and_then(|number| held.get(number));
            holding.and_then(|holding| holding.holder.as_ref()) == Some(&step.user)
        };
        let given = steps
            .iter()
            .filter(|step| matches!(step.change, Some(Change::Assign { .. })))
            .filter(has);
        let users: Vec<TeamsUserId> = given.map(|step| step.user.clone()).collect();
        if users.is_empty() {
            return Ok(BTreeSet::new());
        }
        let configurations = self.io.graph.user_configurations(self.token, &users).await?;
        let calling = configurations.into_iter().filter(|(_, user)| user.enterprise_voice);
        Ok(calling.map(|(user, _)| user).collect())
    }

    /// The releases that must be in place before these steps.
    async fn releases_before(&self, steps: &[Step]) -> Result<BTreeMap<u32, Step>> {
        let before: BTreeSet<u32> = steps.iter().flat_map(|step| step.after.iter().copied()).collect();
        let (enterprise, run) = (&self.lease.enterprise, &self.run);
        self.io.store.steps_at(enterprise, run, &before).await
    }

    /// One batch; whether its answer, or that of a part, was lost.
    async fn hand_over(&mut self, mut batch: Vec<Step>) -> Result<bool> {
        let turn = self.io.graph.turn_to_change(self.token, batch.len()).await?;
        self.note_sent(&mut batch).await?;
        let changes: Vec<NumberChange<'_>> = batch.iter().filter_map(sent).collect();
        let handed = self.io.graph.change_numbers(self.token, turn, &changes).await?;
        let refused = handed
            .iter()
            .filter(|handed| matches!(handed, Handed::Later(_)))
            .count();
        let noted = self.note_answers(batch, handed, |operation| operation).await;
        self.learn(refused > 0).await?;
        noted
    }

    /// Where Microsoft has room for less than we assume, every part that it refuses for now costs as well: batches shrink to
    /// half, and grow again with each one that is taken.
    async fn learn(&mut self, refused: bool) -> Result<()> {
        let most = u32::try_from(MOST_PARTS).unwrap_or(u32::MAX);
        let size = self.progress.in_a_batch.unwrap_or(most);
        let next = if refused {
            (size / 2).max(1)
        } else {
            (size + 1).min(most)
        };
        if next != size {
            self.progress.in_a_batch = Some(next);
            self.keep_progress().await?;
        }
        Ok(())
    }

    /// Notes that steps may be with Microsoft from now on.
    pub(super) async fn note_sent(&mut self, batch: &mut [Step]) -> Result<()> {
        let at = self.io.clock.now();
        for step in &mut *batch {
            step.state = StepState::Submitted { operation: None, at };
        }
        self.note(batch).await
    }

    /// Notes what Microsoft answered to each step; whether an answer was lost.
    ///
    /// # Errors
    /// `TokenExpired` and `Throttled` where some of them were not done for that.
    pub(super) async fn note_answers<T>(
        &mut self,
        batch: Vec<Step>,
        handed: Vec<Handed<T>>,
        operation: fn(T) -> Option<OperationId>,
    ) -> Result<bool> {
        let at = self.io.clock.now();
        let (mut later, mut expired, mut lost) = (None, false, false);
        let mut noted = Vec::with_capacity(batch.len());
        for (mut step, handed) in batch.into_iter().zip(handed) {
            step.state = match handed {
                Handed::Taken(taken) => match operation(taken) {
                    Some(operation) => StepState::Submitted {
                        operation: Some(operation.to_string()),
                        at,
                    },
                    None => StepState::Verifying { since: at },
                },
                Handed::Refused { code, message } => StepState::Failed {
                    why: format!("{message} ({code})"),
                },
                Handed::Later(wait) => {
                    later = later.max(Some(wait));
                    StepState::Pending
                }
                Handed::Expired => {
                    expired = true;
                    StepState::Pending
                }
                // What is noted of it holds: it may be with Microsoft or not.
                Handed::Unknown => {
                    lost = true;
                    continue;
                }
            };
            noted.push(step);
        }
        self.note(&mut noted).await?;
        match later {
            _ if expired => Err(Error::TokenExpired),
            Some(wait) => Err(Error::Throttled {
                doing: "change what Teams has",
                wait: wait.max(SignedDuration::from_secs(1)),
            }),
            None => Ok(lost),
        }
    }
}

/// The number that a step is about.
pub(super) fn number(step: &Step) -> Option<&E164> {
    match step.change.as_ref()? {
        Change::Release { number, .. } | Change::Assign { number, .. } | Change::Adopt { number, .. } => Some(number),
        Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. } => None,
    }
}

/// What is sent to Microsoft for a step, if anything.
fn sent(step: &Step) -> Option<NumberChange<'_>> {
    match step.change.as_ref()? {
        Change::Release { number, .. } => Some(NumberChange::Unassign { number }),
        Change::Assign { number, to, .. } => Some(NumberChange::Assign { number, to }),
        Change::Adopt { .. } | Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. } => None,
    }
}

/// What becomes of a step that need not or must not be sent, as Teams is now.
fn decide(
    step: &Step,
    held: &BTreeMap<E164, NumberHolding>,
    before: &BTreeMap<u32, Step>,
    may_call: &BTreeSet<TeamsUserId>,
    now: Timestamp,
) -> Option<(StepState, Option<Code>)> {
    let looked_at = Some((StepState::Verifying { since: now }, None));
    let change = step.change.as_ref()?;
    let holding = number(step).and_then(|number| held.get(number));
    match change {
        // Somebody took it away already, or gave it to somebody else: it is not ours to take any more.
        Change::Release { from, .. } => match holding.and_then(|holding| holding.holder.as_ref()) {
            Some(holder) if holder == from => None,
            Some(_) | None => looked_at,
        },
        Change::Assign { to, .. } => {
            let in_the_way = step.after.iter().filter_map(|index| before.get(index));
            if let Some(blocked) = in_the_way.into_iter().find_map(not_released) {
                return Some(blocked);
            }
            match holding {
                // Whose calling is switched off gets the number once more, which switches it on (decision 0022).
                Some(holding) if holding.holder.as_ref() == Some(to) => looked_at.filter(|_| may_call.contains(to)),
                Some(holding) if holding.assigned => {
                    let why = "not tried: somebody else has got the number since the plan was made".to_owned();
                    Some((StepState::Skipped { why }, Some(Code::NumberTaken)))
                }
                Some(_) | None => None,
            }
        }
        Change::Adopt { .. } => looked_at,
        Change::Revoke { .. } | Change::Grant { .. } | Change::AdoptPolicy { .. } => None,
    }
}

/// Why a step cannot follow a release that is not in place: for the reason of that one.
fn not_released(release: &Step) -> Option<(StepState, Option<Code>)> {
    let reason = match &release.state {
        StepState::Applied => return None,
        StepState::Failed { why } | StepState::Skipped { why } => why.as_str(),
        StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. } => "it is not proven yet",
    };
    let why = format!("not tried: a number was not released before ({reason})");
    Some((
        StepState::Skipped { why },
        Some(release.code.unwrap_or(Code::MsRefused)),
    ))
}

#[cfg(test)]
mod tests;
