//! Plans that are shown before anybody signs in, and the facts they rest on.

use crate::domain::audit::{Author, Deed, changed};
use crate::domain::brand::Brand;
use crate::domain::change::Change;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, PlanId, TeamsUserId};
use crate::domain::mapping::{Owned, Ownership};
use crate::domain::once::Once;
use crate::domain::run::Step;
use crate::domain::sync_log::Line;
use crate::domain::tenant_object::ObjectChange;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::Token;
use crate::io::store::account::Account;
use crate::plan::guard::free_releases;
use crate::plan::mapping;
use crate::plan::sync::{Facts, ObservedNumber, ObservedPolicy, ObservedUser, Plan, as_we_left_it, plan};
use crate::plan::tenant::Objects;
use crate::plan::{duration, guard, preflight};
use crate::run::access::entry;
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
    /// How long the run will take, from the sign-in to the last proof, in seconds.
    pub seconds: u64,
    /// How many sign-ins of at least 60 minutes it needs (R062).
    pub sign_ins: u32,
}

impl StoredPlan {
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

    /// The plan as text, a line a change, with names instead of ids.
    #[must_use]
    pub fn text(&self) -> Vec<String> {
        let changes = self.changes.iter().map(|change| self.words(change));
        changes
            .chain(self.conflicts.iter().map(|conflict| format!("! {conflict}")))
            .collect()
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
        return io.store.plan(&enterprise.id, &id, now).await;
    }
    let brand = io.store.reseller(&enterprise.reseller).await?.brand;
    let account = io.store.account(&enterprise.id).await?;
    let account = matching::foreseen(io, enterprise, account, now).await?;
    let facts = predicted(enterprise, &brand, &account, now);
    let stored = stored(
        io,
        &enterprise.id,
        &account,
        enterprise.standing.leaving(),
        plan(&facts),
        PlanId::mint(now, io.chance.bits()),
        now,
    )
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
        io.store.plan(&enterprise.id, &id, now).await
    }
}

/// A plan with everything that is shown with it.
///
/// # Errors
/// `Upstream`.
pub async fn stored(
    io: &Io,
    enterprise: &EnterpriseId,
    account: &Account,
    leaving: bool,
    plan: Plan,
    id: PlanId,
    now: Timestamp,
) -> Result<StoredPlan> {
    let users: BTreeSet<TeamsUserId> = plan.changes.iter().map(|change| change.user().clone()).collect();
    let before = account.owned.iter().filter(|(user, _)| users.contains(user));
    let before = before.map(|(user, owned)| (user.clone(), owned.clone())).collect();
    let names = io.store.teams_users(enterprise, users.into_iter().collect()).await?;
    let releases = guard::releases(&plan.changes);
    let people: BTreeSet<&TeamsUserId> = account.rows.values().map(|row| &row.teams_user).collect();
    let people = people
        .into_iter()
        .chain(account.owned.keys())
        .collect::<BTreeSet<_>>()
        .len();
    let estimate = duration::estimate(&plan.changes, people);
    Ok(StoredPlan {
        seconds: estimate.seconds,
        sign_ins: estimate.sign_ins,
        id,
        made: now,
        account_version: account.version,
        releases_to_approve: (!leaving && releases > free_releases(account.owned.len())).then_some(releases),
        names: names.into_iter().map(|(id, user)| (id, user.name)).collect(),
        objects: Vec::new(),
        changes: plan.changes,
        conflicts: plan.conflicts,
        notes: plan.notes,
        targets: plan.targets,
        before: Some(before),
    })
}

fn predicted(enterprise: &Enterprise, brand: &Brand, account: &Account, now: Timestamp) -> Facts {
    let (wanted, without_number) = mapping::wanted(&account.rows, &account.voice_users, enterprise, brand, now);
    let (users, numbers) = as_we_left_it(&wanted, &account.owned);
    Facts {
        wanted,
        without_number,
        users,
        numbers,
        ours: account.owned.clone(),
    }
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
    let now = io.clock.now();
    let (wanted, without_number) = mapping::wanted(&account.rows, &account.voice_users, enterprise, brand, now);
    let users: BTreeSet<TeamsUserId> = wanted.keys().chain(account.owned.keys()).cloned().collect();
    let numbers: BTreeSet<_> = wanted
        .values()
        .map(|wanted| wanted.number.clone())
        .chain(account.owned.values().filter_map(|owned| owned.number.clone()))
        .collect();
    let users: Vec<TeamsUserId> = users.into_iter().collect();
    let numbers: Vec<_> = numbers.into_iter().collect();
    let (users, mut numbers) = observe(io, token, &users, &numbers).await?;
    // A number that somebody has already, and not from us, may be one that only the on-premises directory can change.
    let held = users.values().filter_map(|user| user.number.clone());
    let held: Vec<_> = held.filter(|number| !numbers.contains_key(number)).collect();
    if !held.is_empty() {
        numbers.extend(observe(io, token, &[], &held).await?.1);
    }
    Ok(Facts {
        wanted,
        without_number,
        users,
        numbers,
        ours: account.owned.clone(),
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
    numbers: &[crate::domain::phone::E164],
) -> Result<(
    BTreeMap<TeamsUserId, ObservedUser>,
    BTreeMap<crate::domain::phone::E164, ObservedNumber>,
)> {
    use crate::io::graph::AccountType;
    let configurations = io.graph.user_configurations(token, users).await?;
    let holdings = io.graph.numbers(token, numbers).await?;
    let users = configurations
        .into_iter()
        .map(|(user, configuration)| {
            let policies = configuration.policies.into_iter();
            let observed = ObservedUser {
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
