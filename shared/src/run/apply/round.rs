//! One call's share of the work: which steps come next, and what is written of them.

use super::{Page, Progress, Stage, read};
use crate::domain::ids::RunId;
use crate::domain::run::{Authority, Run, Step, StepState};
use crate::domain::sync_log::Line;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::{Together, Token};
use crate::io::store::leases::Lease;
use crate::io::store::steps::RunProgress;
use crate::run::session::Session;
use jiff::Timestamp;

/// Steps of a stage that are submitted before somebody asks how far the call may still go. For each of them Teams is asked
/// first what it has: one page of a list is a thousand.
const SUBMIT_AT_ONCE: usize = 1_000;
/// Settled steps that may be read again by the next call; beyond that it is noted where they end.
const READ_AGAIN: u32 = 1_000;

/// What one call of the worker does for a run.
pub(crate) struct Round<'a> {
    pub(super) io: &'a Io,
    pub(super) lease: &'a Lease,
    pub(super) run: RunId,
    pub(super) token: &'a Token,
    /// How far the steps are, and what they share.
    pub(super) progress: RunProgress,
    /// How many policies go together.
    pub(super) together: Together,
    debug: bool,
    revocable: bool,
    until: Timestamp,
    noted_below: u32,
    lines: Vec<Line>,
}

/// Steps of a stage.
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    /// Where the stage goes on.
    pub(super) next: Option<u32>,
    /// No other stage comes after this one.
    pub(super) last: bool,
}

impl<'a> Round<'a> {
    /// Goes on with a run where its steps say; nothing is begun after `until`.
    ///
    /// # Errors
    /// `Upstream`.
    pub(crate) async fn open(
        io: &'a Io,
        lease: &'a Lease,
        run: &Run,
        session: &'a Session,
        until: Timestamp,
    ) -> Result<Self> {
        let progress = io.store.run_progress(&lease.enterprise, &run.id).await?;
        Ok(Self {
            io,
            lease,
            run: run.id.clone(),
            token: &session.graph,
            noted_below: progress.settled_below,
            progress,
            together: Together::default(),
            debug: run.debug,
            revocable: run.authority != Authority::GlobalAdmin,
            until,
            lines: Vec::new(),
        })
    }

    /// What happened since this was asked last, for the log.
    pub(crate) fn lines(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    /// Does the next piece of the work: hands over what is pending in the present stage, or else looks what is in place.
    ///
    /// # Errors
    /// `TokenExpired`, `Throttled` and faults of Microsoft; what was made so far is kept.
    pub(crate) async fn go_on(&mut self) -> Result<Progress> {
        let Some(stage) = self.stage().await? else {
            return Ok(Progress {
                ended: true,
                ..Progress::default()
            });
        };
        let pending = |step: &Step| step.state == StepState::Pending;
        let from = self.progress.settled_below;
        let found = self.find(stage, from, SUBMIT_AT_ONCE, pending).await?;
        match stage {
            _ if found.steps.is_empty() => self.prove(stage).await,
            Stage::Releases | Stage::Assignments => self.submit_numbers(found.steps).await,
            Stage::Policies => self.submit_policies(found.steps).await,
        }
    }

    /// The stage of the first step that is not settled.
    async fn stage(&mut self) -> Result<Option<Stage>> {
        loop {
            let page = self.read(self.progress.settled_below).await?;
            let Some(last) = page.steps.last().map(|step| step.index) else {
                return Ok(None);
            };
            let open = page.steps.iter().find(|step| !step.settled());
            self.progress.settled_below = open.map_or(last + 1, |step| step.index);
            if self.progress.settled_below - self.noted_below >= READ_AGAIN {
                self.keep_progress().await?;
            }
            if let Some(change) = open.and_then(|step| step.change.as_ref()) {
                return Ok(Some(Stage::of(change)));
            }
            if open.is_some() {
                return Err(Error::upstream("apply a plan", "a step has no change"));
            }
            if page.next.is_none() {
                return Ok(None);
            }
        }
    }

    /// Steps of this stage from an index on, at most `most` of the wanted ones.
    pub(super) async fn find(&self, stage: Stage, from: u32, most: usize, wanted: fn(&Step) -> bool) -> Result<Found> {
        let (mut steps, mut next) = (Vec::new(), from);
        let found = |steps, next, last| Found { steps, next, last };
        loop {
            let page = self.read(next).await?;
            for step in page.steps {
                if step.change.as_ref().map(Stage::of) != Some(stage) {
                    return Ok(found(steps, None, false));
                }
                if steps.len() == most {
                    return Ok(found(steps, Some(next), false));
                }
                next = step.index + 1;
                if wanted(&step) {
                    steps.push(step);
                }
            }
            if page.next.is_none() {
                return Ok(found(steps, None, true));
            }
        }
    }

    pub(super) async fn read(&self, from: u32) -> Result<Page> {
        read(self.io, &self.lease.enterprise, &self.run, from).await
    }

    /// Whether there is time for one more call, and the run is still ours to go on with.
    ///
    /// # Errors
    /// `Busy` if the lease was lost, `Cancelled` if somebody wants the run stopped, `TokenExpired` where the person may no
    /// longer act.
    pub(super) async fn may_go_on(&mut self) -> Result<bool> {
        let now = self.io.clock.now();
        if now >= self.until {
            return Ok(false);
        }
        self.io.store.renew(self.lease, now).await?;
        // The tokens of a deputy or of our application are gone: nobody lets the run go on any more.
        let (enterprise, run) = (&self.lease.enterprise, &self.run);
        if self.revocable && self.io.store.sealed(enterprise, run, now).await?.is_none() {
            return Err(Error::TokenExpired);
        }
        Ok(true)
    }

    /// Writes the new states of steps; what is ours follows in the same write.
    pub(super) async fn note(&mut self, steps: &mut [Step]) -> Result<()> {
        let now = self.io.clock.now();
        for step in &mut *steps {
            step.applied_at = (step.state == StepState::Applied).then_some(now);
        }
        self.io.store.put_steps(self.lease, &self.run, steps, now).await?;
        for step in &*steps {
            let outcome = match &step.state {
                StepState::Applied => "applied".to_owned(),
                StepState::Failed { why } => format!("failed: {why}"),
                StepState::Skipped { why } => why.clone(),
                StepState::Submitted { operation: None, .. } => continue,
                state @ (StepState::Pending | StepState::Submitted { .. } | StepState::Verifying { .. }) => {
                    if self.debug {
                        self.lines.push(Line::Change(format!("{}: {state:?}", step.what)));
                    }
                    continue;
                }
            };
            let what = step.what.clone();
            self.lines.push(Line::Outcome { what, outcome });
        }
        Ok(())
    }

    /// Keeps how far the steps are, and what they share.
    pub(super) async fn keep_progress(&mut self) -> Result<()> {
        let now = self.io.clock.now();
        let store = &self.io.store;
        store
            .put_run_progress(self.lease, &self.run, &self.progress, now)
            .await?;
        self.noted_below = self.progress.settled_below;
        Ok(())
    }
}
