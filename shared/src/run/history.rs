//! What is read of runs: the history, the changes of one run, its log.

pub use crate::io::store::runs::LineItem;

use crate::domain::ids::{EnterpriseId, RunId, TeamsUserId};
use crate::domain::run::{Run, Step};
use crate::error::Result;
use crate::io::Io;
use crate::plan::dial_pad::{DialPad, dial_pad};
use crate::run::plans::StoredPlan;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A run with more changes than this is shown with its figures only; its changes are read in parts.
pub const SHOWN_WHOLE: u32 = 1_000;
/// Lines that are read at a time.
const LINES_AT_ONCE: u16 = 1_000;
/// The longest text of a log in one answer, in bytes; a function answers with 6 MB at most.
const TEXT_MAX: usize = 4 * 1024 * 1024;

/// The changes of one user.
#[derive(Debug)]
pub struct UserSteps {
    /// Who.
    pub teams_user: TeamsUserId,
    /// As they were called then.
    pub name: Option<String>,
    /// In the order of the plan, each in words.
    pub steps: Vec<Step>,
    /// The clock of the dial pad, where the run has given them a number.
    pub dial_pad: Option<DialPad>,
}

/// The changes of a run by user; nothing before its plan is made, and where they are more than [`SHOWN_WHOLE`].
///
/// # Errors
/// `Upstream`.
pub async fn users(io: &Io, enterprise: &EnterpriseId, run: &Run) -> Result<Option<Vec<UserSteps>>> {
    if run.tally.planned > SHOWN_WHOLE {
        return Ok(None);
    }
    let Some(plan) = io.store.run_plan::<StoredPlan>(enterprise, &run.id).await? else {
        return Ok(None);
    };
    let steps = plan.worded(io.store.steps(enterprise, &run.id).await?);
    let mut users: BTreeMap<TeamsUserId, UserSteps> = BTreeMap::new();
    for step in steps {
        let user = users.entry(step.user.clone()).or_insert_with(|| UserSteps {
            teams_user: step.user.clone(),
            name: plan.names.get(&step.user).cloned(),
            steps: Vec::new(),
            dial_pad: None,
        });
        user.steps.push(step);
    }
    let now = io.clock.now();
    for user in users.values_mut() {
        user.dial_pad = dial_pad(&user.steps, now);
    }
    Ok(Some(users.into_values().collect()))
}

/// A part of a run's changes, from number `from` on in the order of the plan, and where to go on. It costs the same however
/// many there are.
///
/// # Errors
/// `Upstream`.
pub async fn changes(
    io: &Io,
    enterprise: &EnterpriseId,
    run: &RunId,
    from: u32,
    limit: u16,
) -> Result<(Vec<Step>, Option<u32>)> {
    let (steps, more) = io.store.steps_from(enterprise, run, from, limit).await?;
    let next = steps.last().filter(|_| more).map(|step| step.index + 1);
    if steps.first().is_none_or(|step| !step.what.is_empty()) {
        return Ok((steps, next));
    }
    // A run from before changes were kept in words.
    let plan = io.store.run_plan::<StoredPlan>(enterprise, run).await?;
    let what = |step: &Step| {
        let change = plan.as_ref()?.changes.get(usize::try_from(step.index).ok()?)?;
        Some(plan.as_ref()?.words(change))
    };
    let worded = steps.into_iter().map(|step| Step {
        what: what(&step).unwrap_or_default(),
        ..step
    });
    Ok((worded.collect(), next))
}

/// The lines of a log that a reader of this level sees.
pub fn of_level(lines: Vec<LineItem>, details: bool) -> impl Iterator<Item = LineItem> {
    lines.into_iter().filter(move |line| details || !line.detail)
}

/// A log as text, from line number `from` on. What does not fit into an answer is left out, and the last line says so.
///
/// # Errors
/// `Upstream`.
pub async fn log_text(io: &Io, enterprise: &EnterpriseId, run: &RunId, from: u32, details: bool) -> Result<String> {
    let (mut text, mut next) = (String::new(), from);
    loop {
        let lines = io.store.lines(enterprise, run, next, LINES_AT_ONCE).await?;
        let Some(last) = lines.last() else { break };
        let full = lines.len() == usize::from(LINES_AT_ONCE);
        next = last.number + 1;
        for line in of_level(lines, details) {
            text.push_str(&line.text);
            text.push('\n');
        }
        if !full {
            break;
        }
        if text.len() > TEXT_MAX {
            // A line of text cannot fail to be written into memory.
            let _ = writeln!(text, "-- go on with from={next}");
            break;
        }
    }
    Ok(text)
}
