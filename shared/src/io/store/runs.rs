//! Plans, runs, their steps, log lines and sealed tokens.

use super::leases::Lease;
use super::{Outcome, Store, Write, keys, number};
use crate::domain::audit::Entry;
use crate::domain::email::EmailAddress;
use crate::domain::enterprise::Enterprise;
use crate::domain::explanation::{Explanation, explain};
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, PlanId, RunId};
use crate::domain::once::Once;
use crate::domain::run::{Authority, Run, RunKind, RunState, Tally, Trigger};
use crate::domain::sync_log::Line;
use crate::domain::sync_status::SyncStatus;
use crate::domain::visit::Link;
use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How long runs and their logs are kept for support.
pub(super) const HISTORY: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How long a plan that nobody executes is kept.
pub(super) const PLAN_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize, Deserialize)]
struct RunItem {
    id: RunId,
    kind: RunKind,
    state: RunState,
    plan: Option<PlanId>,
    permission: String,
    debug: bool,
    requested_by: String,
    /// The person it waits for or had is this deputy.
    #[serde(default)]
    deputy: Option<EmailAddress>,
    /// Nobody signs in.
    #[serde(default)]
    unattended: bool,
    #[serde(default)]
    trigger: Trigger,
    #[serde(default)]
    retry_of: Option<RunId>,
    created: Timestamp,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    findings: Vec<Finding>,
    lines: u32,
    #[serde(default)]
    tally: Tally,
}

/// A line of a run's log as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    /// From 0.
    pub number: u32,
    /// The whole line, with its time.
    pub text: String,
    /// Which explanation goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// The obstacle that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
    /// It is among the details of a debug log (R200).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detail: bool,
    /// When it was written; unknown for lines from before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct SealedItem {
    sealed: String,
    key: String,
}

/// Tokens of a person, sealed under a KMS data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Ciphertext, base64.
    pub sealed: String,
    /// The encrypted data key, base64.
    pub key: String,
}

impl From<RunItem> for Run {
    fn from(item: RunItem) -> Self {
        Self {
            id: item.id,
            kind: item.kind,
            state: item.state,
            plan: item.plan,
            debug: item.debug,
            requested_by: item.requested_by,
            authority: match item.deputy {
                _ if item.unattended => Authority::Unattended,
                Some(deputy) => Authority::Deputy(deputy),
                None => Authority::GlobalAdmin,
            },
            trigger: item.trigger,
            retry_of: item.retry_of,
            created: item.created,
            started: item.started,
            ended: item.ended,
            findings: item.findings,
            lines: item.lines,
            tally: item.tally,
        }
    }
}

fn item(run: &Run, permission: &str) -> RunItem {
    RunItem {
        id: run.id.clone(),
        kind: run.kind,
        state: run.state,
        plan: run.plan.clone(),
        permission: permission.to_owned(),
        debug: run.debug,
        requested_by: run.requested_by.clone(),
        deputy: run.authority.deputy().cloned(),
        unattended: run.authority == Authority::Unattended,
        trigger: run.trigger,
        retry_of: run.retry_of.clone(),
        created: run.created,
        started: run.started,
        ended: run.ended,
        findings: run.findings.clone(),
        lines: run.lines,
        tally: run.tally,
    }
}

/// As an item has it.
fn state_name(state: RunState) -> String {
    let name = serde_json::to_value(state).ok();
    name.and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl Store {
    /// Keeps a plan; the same request again gives the id of the first time.
    ///
    /// # Errors
    /// `KeyReused`.
    pub async fn put_plan(
        &self,
        enterprise: &EnterpriseId,
        plan: &PlanId,
        document: &impl Serialize,
        entry: &Entry,
        once: &Once,
        now: Timestamp,
    ) -> Result<PlanId> {
        let head = self
            .document(&keys::plan(enterprise, plan), document, now + PLAN_LIFE)
            .await?;
        let writes = vec![head.build()?, self.audited(enterprise, entry)?];
        let id = self.create_once(writes, once, plan.as_str(), now).await?;
        id.parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// A stored plan.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn plan<T: DeserializeOwned>(
        &self,
        enterprise: &EnterpriseId,
        plan: &PlanId,
        now: Timestamp,
    ) -> Result<T> {
        let found = self.read_document(&keys::plan(enterprise, plan), now).await?;
        found.ok_or(Error::NotFound("plan"))
    }

    /// Creates a run that waits for its sign-in, with the link to it, unless another run is going on or the enterprise has
    /// moved since its Global Admin and its standing were checked. `status` is the sync status with the run as its current one.
    ///
    /// # Errors
    /// `Busy` if status or enterprise moved, `KeyReused`.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of it is written together, and the call is made once"
    )]
    pub async fn create_run(
        &self,
        kept: &Enterprise,
        run: &Run,
        permission: &impl Serialize,
        link_hash: &str,
        link_ends: Timestamp,
        status: &SyncStatus,
        entry: &Entry,
        once: &Once,
        now: Timestamp,
    ) -> Result<RunId> {
        let permission =
            serde_json::to_string(permission).map_err(|error| Error::upstream("encode a permission", error))?;
        let enterprise = &kept.id;
        let to = Link::Run {
            enterprise: enterprise.clone(),
            run: run.id.clone(),
            return_to: None,
        };
        let mut writes = vec![
            self.put(&keys::run(enterprise, &run.id), &item(run, &permission))?
                .until(now + HISTORY)
                .build()?,
            self.link_write(link_hash, to, link_ends)?,
            self.audited(enterprise, entry)?,
            self.check(
                &keys::enterprise(enterprise),
                "attribute_not_exists(pk) OR version = :kept",
            )
            .with(":kept", number(kept.version))
            .build()?,
        ];
        writes.extend(self.status_writes(kept, status)?);
        let id = self.create_once(writes, once, run.id.as_str(), now).await?;
        id.parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
    }

    /// A run.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<Run> {
        Ok(self.run_item(enterprise, run).await?.into())
    }

    async fn run_item(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<RunItem> {
        self.get(&keys::run(enterprise, run))
            .await?
            .ok_or(Error::NotFound("run"))
    }

    /// What the person who started the run has permitted.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run_permission<T: DeserializeOwned>(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<T> {
        let permission = self.run_item(enterprise, run).await?.permission;
        serde_json::from_str(&permission).map_err(|error| Error::upstream("decode a permission", error))
    }

    /// A page of runs, newest first (R151).
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn runs(
        &self,
        enterprise: &EnterpriseId,
        before: Option<&RunId>,
        limit: u16,
    ) -> Result<(Vec<Run>, bool)> {
        let after = before.map(|run| keys::run(enterprise, run).sk);
        let pk = keys::enterprise_partition(enterprise);
        let (items, next) = self
            .page::<RunItem>(&pk, keys::RUN, after, Some(i32::from(limit)), false)
            .await?;
        Ok((items.into_iter().map(Run::from).collect(), next.is_some()))
    }

    /// Writes a run's progress, the log lines that go with it, and the entry of the audit trail where it is news, under the
    /// lease.
    ///
    /// # Errors
    /// `Busy` if the lease was lost.
    pub async fn put_run(
        &self,
        lease: &Lease,
        run: &mut Run,
        lines: &[(Line, Timestamp)],
        entry: Option<&Entry>,
    ) -> Result<()> {
        let started = run.started.unwrap_or(run.created);
        let permission = self.run_item(&lease.enterprise, &run.id).await?.permission;
        let mut requests = Vec::new();
        for (line, at) in lines {
            let kept = LineItem {
                number: run.lines,
                text: line.at(started, *at),
                explanation: explain(line),
                finding: match line {
                    Line::Obstacle(finding) => Some(finding.clone()),
                    _ => None,
                },
                detail: line.detail(),
                at: Some(*at),
            };
            let key = keys::line(&lease.enterprise, &run.id, kept.number);
            requests.push(self.put(&key, &kept)?.until(*at + HISTORY).build()?);
            run.lines += 1;
        }
        let write = self
            .put(&keys::run(&lease.enterprise, &run.id), &item(run, &permission))?
            .until(run.created + HISTORY);
        if let Some(entry) = entry {
            requests.push(self.audited(&lease.enterprise, entry)?);
        }
        requests.push(write.build()?);
        // A transaction takes 100 writes; what is longer is written in order, the run itself last.
        for part in requests.rchunks(90).rev() {
            let mut writes = vec![self.fenced(lease).build()?];
            writes.extend_from_slice(part);
            if self.transact(writes).await? != Outcome::Written {
                return Err(Error::Busy);
            }
        }
        Ok(())
    }

    /// The condition that a worker has begun with the run and that it has not ended.
    pub(super) fn under_way(&self, enterprise: &EnterpriseId, run: &RunId) -> Write<'_> {
        let rests = [
            RunState::AwaitingSignIn,
            RunState::Succeeded,
            RunState::Failed,
            RunState::Abandoned,
            RunState::Cancelled,
        ];
        let condition = "attribute_exists(pk) AND NOT #state IN (:rest0, :rest1, :rest2, :rest3, :rest4)";
        let names = [":rest0", ":rest1", ":rest2", ":rest3", ":rest4"];
        let check = self.check(&keys::run(enterprise, run), condition);
        names.into_iter().zip(rests).fold(check, |check, (name, state)| {
            check.with(name, super::text(state_name(state)))
        })
    }

    /// Moves a run out of one state without a lease, for the moments before the worker has begun, with its entry.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn move_run(
        &self,
        enterprise: &EnterpriseId,
        run: &RunId,
        from: RunState,
        to: RunState,
        entry: &Entry,
    ) -> Result<bool> {
        let key = keys::run(enterprise, run);
        let write = if to.ended() {
            self.update(&key, "SET #state = :to, ended = :at")
                .with(":at", super::attribute(&entry.at)?)
        } else {
            self.update(&key, "SET #state = :to")
        };
        let write = write
            .when("#state = :from")
            .with(":from", super::text(state_name(from)))
            .with(":to", super::text(state_name(to)));
        let writes = vec![write.build()?, self.audited(enterprise, entry)?];
        Ok(self.transact(writes).await? == Outcome::Written)
    }

    /// Makes a run that waits for a sign-in wait for this deputy's; for the Global Admin's where there is none.
    ///
    /// # Errors
    /// `Busy` where it no longer waits.
    pub async fn await_sign_in_of(
        &self,
        enterprise: &EnterpriseId,
        run: &RunId,
        deputy: Option<&EmailAddress>,
    ) -> Result<()> {
        let key = keys::run(enterprise, run);
        let write = match deputy {
            Some(deputy) => self
                .update(&key, "SET deputy = :deputy REMOVE unattended")
                .with(":deputy", super::text(deputy.as_str())),
            None => self.update(&key, "REMOVE deputy, unattended"),
        };
        let write = write
            .when("#state = :waits")
            .with(":waits", super::text(state_name(RunState::AwaitingSignIn)));
        if self.write(write).await? {
            Ok(())
        } else {
            Err(Error::Busy)
        }
    }

    /// A page of log lines from `from` on.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn lines(&self, enterprise: &EnterpriseId, run: &RunId, from: u32, limit: u16) -> Result<Vec<LineItem>> {
        let pk = keys::run_partition(enterprise, run);
        let after = from.checked_sub(1).map(|last| keys::line(enterprise, run, last).sk);
        Ok(self.page(&pk, keys::LINE, after, Some(i32::from(limit)), true).await?.0)
    }

    /// Keeps the sealed tokens of a run until `expires`, when the tokens themselves end.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn put_sealed(
        &self,
        enterprise: &EnterpriseId,
        run: &RunId,
        sealed: &Sealed,
        expires: Timestamp,
    ) -> Result<()> {
        let item = SealedItem {
            sealed: sealed.sealed.clone(),
            key: sealed.key.clone(),
        };
        self.write(self.put(&keys::sealed(enterprise, run), &item)?.until(expires))
            .await
            .map(drop)
    }

    /// The sealed tokens of a run, as long as they have not ended.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn sealed(&self, enterprise: &EnterpriseId, run: &RunId, now: Timestamp) -> Result<Option<Sealed>> {
        let item: Option<SealedItem> = self.get_unexpired(&keys::sealed(enterprise, run), now).await?;
        Ok(item.map(|item| Sealed {
            sealed: item.sealed,
            key: item.key,
        }))
    }

    /// Deletes the sealed tokens of a run.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn delete_sealed(&self, enterprise: &EnterpriseId, run: &RunId) -> Result<()> {
        self.write(self.delete(&keys::sealed(enterprise, run))).await.map(drop)
    }
}
