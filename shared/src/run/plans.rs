//! Plans that are shown before anybody signs in, and the facts they rest on.

use crate::domain::Invalid;
use crate::domain::audit::{Author, Deed, changed};
use crate::domain::brand::Brand;
use crate::domain::calling_policy::{CallingPolicy, routing_name};
use crate::domain::change::{Change, Why};
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, PlanId, RunId, TeamsUserId};
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::once::Once;
use crate::domain::permission::Approval;
use crate::domain::phone::E164;
use crate::domain::run::Step;
use crate::domain::schedule;
use crate::domain::sync_log::Line;
use crate::domain::tenant_object::ObjectChange;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::{AccountType, Token};
use crate::io::store::account::Account;
use crate::plan::mapping;
use crate::plan::preflight::Moment;
use crate::plan::sync::{Facts, ObservedNumber, ObservedPolicy, ObservedUser, Plan, as_we_left_it, plan};
use crate::plan::tenant::Objects;
use crate::plan::{duration, guard, preflight};
use crate::run::access::{Access, entry};
use crate::run::{matching, prepare};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A plan as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Our key.
    pub id: PlanId,
    /// When it was made.
    pub made: Timestamp,
    /// The account's version that it was made from.
    pub account_version: u64,
    /// What is done with the tenant's own objects, before the changes; or after them, where it is all taken away.
    #[serde(default)]
    pub objects: Vec<ObjectChange>,
    /// In order of execution.
    pub changes: Vec<Change>,
    /// Why, of each change, in the same order.
    #[serde(default)]
    pub reasons: Vec<Why>,
    /// What is left alone, and why.
    pub conflicts: Vec<Finding>,
    /// What is done all the same, and should be known.
    #[serde(default)]
    pub notes: Vec<Finding>,
    /// Names of the users concerned, as they were.
    pub names: BTreeMap<TeamsUserId, String>,
    /// What will be ours of each user.
    pub targets: BTreeMap<TeamsUserId, Owned>,
    /// What was ours before of each user whom the changes concern: the way back (decision 0026).
    /// Absent where the plan is from before there was a way back.
    #[serde(default)]
    pub before: Option<Ownership>,
    /// Releases that need a named approval because there are more than pass by themselves.
    pub releases_to_approve: Option<usize>,
    /// Who has approved them, in the plan that a run executes.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// How many requests to Microsoft the changes take.
    #[serde(default)]
    pub calls: u64,
    /// How long the run will take, from the sign-in to the last proof, in seconds.
    pub seconds: u64,
    /// How many sign-ins of at least 60 minutes it needs (R062).
    pub sign_ins: u32,
}

impl StoredPlan {
    /// The plan as text, a line a change in the order of execution, with names instead of ids and the reason of each; then
    /// what is left alone.
    #[must_use]
    pub fn text(&self) -> Vec<String> {
        let objects = |puts| {
            let these = self.objects.iter().filter(move |object| object.puts() == puts);
            these.map(ToString::to_string)
        };
        let changes = self.reasoned().map(|(change, why)| {
            let text = self.words(change);
            match why {
                Why::Unknown => text,
                why => format!("{text}: {}", why.text()),
            }
        });
        let conflicts = self.conflicts.iter().map(|conflict| format!("! {conflict}"));
        // What is taken away goes when nobody has it any more.
        objects(true)
            .chain(changes)
            .chain(objects(false))
            .chain(conflicts)
            .collect()
    }

    /// Every change with its reason.
    pub fn reasoned(&self) -> impl Iterator<Item = (&Change, Why)> {
        let reasons = self.reasons.iter().copied().chain(std::iter::repeat(Why::Unknown));
        self.changes.iter().zip(reasons)
    }

    /// A change in words, with the user's name in place of the id.
    #[must_use]
    pub fn words(&self, change: &Change) -> String {
        let text = change.to_string();
        match self.names.get(change.user()) {
            Some(name) => text.replace(change.user().as_str(), name),
            None => text,
        }
    }

    /// The same steps, each with its change in words, so that whoever shows some of them need not read the plan.
    #[must_use]
    pub fn worded(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for (step, change) in steps.iter_mut().zip(&self.changes) {
            step.what = self.words(change);
        }
        steps
    }

    /// The same plan with what is done with the tenant's own objects, and what should be known of them.
    #[must_use]
    pub fn with_objects(mut self, objects: Objects) -> Self {
        self.objects = objects.changes;
        self.notes.extend(objects.drift);
        self.conflicts.extend(objects.conflicts);
        self
    }
}

/// Makes a plan from what is saved and from what we last put in place, without asking Microsoft (no sign-in is needed
/// to look). A run reads the tenant itself and refuses to do more than was shown.
///
/// # Errors
/// `Conflict` before the set-up is complete.
pub async fn make(io: &Io, kept: &Enterprise, author: &Author, once: &Once, now: Timestamp) -> Result<StoredPlan> {
    let enterprise = &kept;
    preflight::may_start(&enterprise.standing, &enterprise.setup, &enterprise.group_filter).map_err(Error::Conflict)?;
    if let Some(known) = io.store.answered(once, now).await? {
        let id: PlanId = known
            .parse()
            .map_err(|invalid| Error::upstream("read a remembered answer", invalid))?;
        return get(io, &enterprise.id, &id, now).await;
    }
    let brand = io.store.reseller(&enterprise.reseller).await?.brand;
    let account = io.store.account(&enterprise.id).await?;
    let account = matching::foreseen(io, enterprise, account, now).await?;
    let facts = predicted(io, enterprise, &brand, &account, now).await?;
    let id = PlanId::mint(now, io.chance.bits());
    let stored = stored(io, enterprise, &account, plan(&facts), id, now)
        .await?
        .with_objects(prepare::foreseen(io, enterprise, &brand).await?);
    let made = changed("plan", None, Some(stored.id.to_string()));
    let entry = entry(io, author, Deed::PlanMade, made.into_iter().collect(), now);
    let id = io
        .store
        .put_plan(&enterprise.id, &stored.id, &stored, &entry, once, now)
        .await?;
    if id == stored.id {
        Ok(stored)
    } else {
        get(io, &enterprise.id, &id, now).await
    }
}

/// A plan with everything that is shown with it.
///
/// # Errors
/// `Upstream`.
pub async fn stored(
    io: &Io,
    enterprise: &Enterprise,
    account: &Account,
    plan: Plan,
    id: PlanId,
    now: Timestamp,
) -> Result<StoredPlan> {
    let users: BTreeSet<TeamsUserId> = plan.changes.iter().map(|change| change.user().clone()).collect();
    let before = account.owned.iter().filter(|(user, _)| users.contains(user));
    let before = before.map(|(user, owned)| (user.clone(), owned.clone())).collect();
    let names = io
        .store
        .teams_users(&enterprise.id, users.into_iter().collect())
        .await?;
    let releases = guard::releases(&plan.changes);
    let limit = enterprise.release_limit.free(account.owned.len());
    let people: BTreeSet<&TeamsUserId> = account.rows.values().map(|row| &row.teams_user).collect();
    let people = people
        .into_iter()
        .chain(account.owned.keys())
        .collect::<BTreeSet<_>>()
        .len();
    let estimate = duration::estimate(&plan.changes, people);
    Ok(StoredPlan {
        calls: duration::cost(&plan.changes).calls,
        seconds: estimate.seconds,
        sign_ins: estimate.sign_ins,
        id,
        made: now,
        account_version: account.version,
        releases_to_approve: (!enterprise.standing.leaving() && releases > limit).then_some(releases),
        approval: None,
        before: Some(before),
        names: names.into_iter().map(|(id, user)| (id, user.name)).collect(),
        objects: Vec::new(),
        changes: plan.changes,
        reasons: plan.reasons,
        conflicts: plan.conflicts,
        notes: plan.notes,
        targets: plan.targets,
    })
}

/// A plan, and who has approved its releases.
///
/// # Errors
/// `NotFound`.
pub async fn get(io: &Io, enterprise: &EnterpriseId, plan: &PlanId, now: Timestamp) -> Result<StoredPlan> {
    let (stored, approval) = futures::try_join!(
        io.store.plan::<StoredPlan>(enterprise, plan, now),
        io.store.approval(enterprise, plan, now)
    )?;
    Ok(StoredPlan { approval, ..stored })
}

/// Who has approved the releases of the plan that a run executes, where that was needed.
///
/// # Errors
/// `Upstream`.
pub async fn approval_used(io: &Io, enterprise: &EnterpriseId, run: &RunId) -> Result<Option<Approval>> {
    let plan: Option<StoredPlan> = io.store.run_plan(enterprise, run).await?;
    Ok(plan.and_then(|plan| plan.approval))
}

/// Somebody who may approves the releases of a plan, by their number. Who does it again, or later, changes nothing.
///
/// # Errors
/// `NotFound`; `PlanStale` where the mapping changed since it was made; `Invalid` where it releases another number.
pub async fn approve(io: &Io, access: &Access, plan: &PlanId, releases: usize, now: Timestamp) -> Result<StoredPlan> {
    let enterprise = &access.kept.id;
    let stored = get(io, enterprise, plan, now).await?;
    if stored.account_version != io.store.account_version(enterprise).await? {
        return Err(Error::PlanStale(
            "the mapping changed since this plan was made; make a new plan, read it, and approve that one".into(),
        ));
    }
    let releases_of_plan = guard::releases(&stored.changes);
    if releases != releases_of_plan {
        let expected =
            format!("this plan takes the numbers of {releases_of_plan} users away; read it and give that number");
        return Err(Invalid::new("releases", expected).into());
    }
    if stored.approval.is_some() {
        return Ok(stored);
    }
    let author = access.author();
    let approval = Approval {
        releases,
        by: author.who.clone(),
        at: now,
    };
    let changes = [
        changed("plan", None, Some(plan.to_string())),
        changed("releases", None, Some(releases.to_string())),
    ];
    let changes = changes.into_iter().flatten().collect();
    let entry = entry(io, &author, Deed::PlanApproved, changes, now);
    io.store.approve_plan(enterprise, plan, &approval, &entry, now).await?;
    get(io, enterprise, plan, now).await
}

/// What is known before Teams is asked: what is wanted, what is ours, and what the directory says of everybody.
async fn known(io: &Io, enterprise: &Enterprise, brand: &Brand, account: &Account, now: Timestamp) -> Result<Facts> {
    let (wanted, without_number) = mapping::wanted(&account.rows, &account.voice_users, enterprise, brand, now);
    let people = wanted.keys().cloned().collect();
    let (people, directory) = futures::try_join!(
        io.store.teams_users(&enterprise.id, people),
        io.store.directory(&enterprise.id)
    )?;
    let zone = schedule::zone(&enterprise.settings.time_zone)?;
    let seen = preflight::people(
        &wanted,
        |voice| account.voice_users.get(voice),
        preflight::Directory {
            people: &people,
            filter: &enterprise.group_filter,
            read_at: directory.read_at,
            moment: Moment { now, zone: &zone },
        },
    );
    let calling = CallingPolicy::all().into_iter().map(|policy| policy.name(brand));
    Ok(Facts {
        asking_nothing: mapping::asking_nothing(&account.rows, &account.voice_users, enterprise, now),
        leaving: enterprise.standing.leaving(),
        unfit: seen.unfit,
        remarks: seen.remarks,
        brand_policies: calling.chain([routing_name(brand)]).collect(),
        wanted,
        without_number,
        ours: account.owned.clone(),
        ..Facts::default()
    })
}

/// The same facts with what Teams has if nobody has touched what we put there.
pub(super) async fn predicted(
    io: &Io,
    enterprise: &Enterprise,
    brand: &Brand,
    account: &Account,
    now: Timestamp,
) -> Result<Facts> {
    let facts = known(io, enterprise, brand, account, now).await?;
    let (users, numbers) = as_we_left_it(&facts.wanted, &facts.ours);
    Ok(Facts {
        users,
        numbers,
        ..facts
    })
}

/// The same facts with what Teams says now of everybody and every number involved. Complete or an error.
///
/// # Errors
/// Whatever keeps Microsoft from answering.
pub async fn gather(
    io: &Io,
    token: &Token,
    enterprise: &Enterprise,
    brand: &Brand,
    account: &Account,
) -> Result<Facts> {
    let facts = known(io, enterprise, brand, account, io.clock.now()).await?;
    let users: BTreeSet<TeamsUserId> = facts.wanted.keys().chain(facts.ours.keys()).cloned().collect();
    let wanted = facts.wanted.values().map(|wanted| wanted.number.clone());
    let ours = facts.ours.values().filter_map(|owned| owned.number.clone());
    let numbers: BTreeSet<E164> = wanted.chain(ours).collect();
    let users: Vec<TeamsUserId> = users.into_iter().collect();
    let numbers: Vec<E164> = numbers.into_iter().collect();
    let (users, mut numbers) = observe(io, token, &users, &numbers).await?;
    // A number that somebody has already, and not from us, may be one that only the on-premises directory can change.
    let held = users.values().filter_map(|user| user.number.clone());
    let held: Vec<_> = held.filter(|number| !numbers.contains_key(number)).collect();
    if !held.is_empty() {
        numbers.extend(observe(io, token, &[], &held).await?.1);
    }
    Ok(Facts {
        users,
        numbers,
        ..facts
    })
}

/// What Teams says of these users and numbers.
///
/// # Errors
/// Whatever keeps Microsoft from answering.
pub async fn observe(
    io: &Io,
    token: &Token,
    users: &[TeamsUserId],
    numbers: &[E164],
) -> Result<(BTreeMap<TeamsUserId, ObservedUser>, BTreeMap<E164, ObservedNumber>)> {
    let configurations = io.graph.user_configurations(token, users).await?;
    let holdings = io.graph.numbers(token, numbers).await?;
    let users = configurations
        .into_iter()
        .map(|(user, configuration)| {
            let policies = configuration.policies.into_iter();
            let observed = ObservedUser {
                calling_off: !configuration.enterprise_voice && !configuration.numbers.is_empty(),
                number: configuration.numbers.into_iter().next(),
                policies: policies
                    .map(|(kind, policy)| {
                        (
                            kind,
                            ObservedPolicy {
                                name: policy.name,
                                by_group: policy.by_group,
                            },
                        )
                    })
                    .collect(),
                on_premises: configuration.account_type == AccountType::OnPremises,
                not_teams_only: configuration.not_teams_only,
            };
            (user, observed)
        })
        .collect();
    let numbers = holdings
        .into_iter()
        .map(|(number, holding)| {
            let observed = ObservedNumber {
                foreign_kind: !holding.direct_routing,
                orphaned: holding.direct_routing && holding.assigned && holding.holder.is_none(),
                holder: holding.holder,
                on_premises: holding.on_premises,
            };
            (number, observed)
        })
        .collect();
    Ok((users, numbers))
}

/// The plan in a line of the log.
#[must_use]
pub fn line(plan: &Plan) -> Line {
    Line::Plan {
        changes: plan.changes.len(),
        conflicts: plan.conflicts.len(),
    }
}
