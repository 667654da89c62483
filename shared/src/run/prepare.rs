//! The tenant's voice objects of a brand, through the PowerShell worker: looked at, put in place, taken away (R152,
//! R154-R161). What we are about to make is written down before it is made, and what the worker answers after it: whatever
//! is cut in between, the record knows what is ours (`infra/decisions/0025-a-record-says-which-objects-are-ours.md`).

use crate::domain::brand::Brand;
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::TenantId;
use crate::domain::tenant_object::{
    KnownObject, ObjectAction, ObjectChange, ObjectKey, ObjectKind, ObjectName, TenantObject,
};
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::store::leases::Lease;
use crate::io::tenant_config::{Configured, Done, OnBehalf};
use crate::plan::duration;
use crate::plan::preflight::object_not_proven;
use crate::plan::tenant::{self, Objects, Seen};
use crate::run::session::Session;
use std::collections::{BTreeMap, BTreeSet};

/// What the worker says of a route to a domain that Teams does not take.
const DOMAIN_NOT_CONFIGURED: &str = "DomainNotConfigured";

/// The derived trunks of an enterprise: its label below the base domains of the chosen regions.
#[must_use]
pub fn gateways(io: &Io, enterprise: &Enterprise) -> Vec<String> {
    let label = enterprise
        .setup
        .tenant()
        .map(|tenant| tenant.label.as_str())
        .unwrap_or_default();
    io.config.calling_domains(label, &enterprise.settings.sbc_regions)
}

/// What the tenant should have; nothing once the integration is being removed.
fn wanted(io: &Io, kept: &Enterprise, brand: &Brand) -> Vec<TenantObject> {
    if kept.standing.leaving() {
        Vec::new()
    } else {
        tenant::wanted(brand, gateways(io, kept))
    }
}

async fn known(io: &Io, kept: &Enterprise) -> Result<Vec<KnownObject>> {
    match kept.setup.tenant() {
        Some(tenant) => io.store.tenant_objects(&kept.id, &tenant.id).await,
        None => Ok(Vec::new()),
    }
}

/// What a sync would do with the objects, as far as can be known without asking Microsoft.
///
/// # Errors
/// `Upstream`.
pub async fn foreseen(io: &Io, kept: &Enterprise, brand: &Brand) -> Result<Objects> {
    let known = known(io, kept).await?;
    Ok(tenant::plan(
        &wanted(io, kept, brand),
        &known,
        &tenant::as_we_left_them(&known),
    ))
}

/// Whether a sync has to change objects that an earlier one made: other regions, another prefix, a run that was cut.
///
/// # Errors
/// `Upstream`.
pub async fn waits(io: &Io, kept: &Enterprise, brand: &Brand) -> Result<bool> {
    if kept.standing.leaving() {
        return Ok(false);
    }
    Ok(tenant::waits(&wanted(io, kept, brand), &known(io, kept).await?))
}

/// Looks at the objects and says what is to be done with them. Changes nothing.
///
/// # Errors
/// `TokenExpired`, `Refused` with Microsoft's words, `Upstream`.
pub(super) async fn compare(
    io: &Io,
    lease: &Lease,
    kept: &Enterprise,
    brand: &Brand,
    session: &Session,
) -> Result<Objects> {
    if session.teams().is_err() {
        // Nobody has signed in, and only a person's token is taken there.
        return foreseen(io, kept, brand).await;
    }
    let (wanted, known) = (wanted(io, kept, brand), known(io, kept).await?);
    let seen = look(io, lease, session, &wanted, &known).await?;
    Ok(tenant::plan(&wanted, &known, &seen))
}

async fn look(
    io: &Io,
    lease: &Lease,
    session: &Session,
    wanted: &[TenantObject],
    known: &[KnownObject],
) -> Result<Seen> {
    let ours = known.iter().filter(|known| known.ours).map(|known| &known.object);
    let objects = wanted.iter().chain(ours);
    let names: BTreeMap<ObjectKey, ObjectName> = objects.map(|object| (object.key(), object.named())).collect();
    if names.is_empty() {
        return Ok(Seen::new());
    }
    let names: Vec<ObjectName> = names.into_values().collect();
    let there = io.tenant_config.look(ready(io, lease, session).await?, &names).await?;
    Ok(there
        .into_iter()
        .map(|object| (object.key(), object.settings))
        .collect())
}

/// A call of the worker cannot be stopped half-way: before each, the session must hold out for it, and so must the lease.
async fn ready<'a>(io: &Io, lease: &Lease, session: &'a Session) -> Result<OnBehalf<'a>> {
    let now = io.clock.now();
    session.lasts(now, duration::PREPARING)?;
    io.store.renew(lease, now).await?;
    Ok(OnBehalf {
        tenant: &session.tenant,
        graph: &session.graph,
        teams: session.teams()?,
    })
}

/// What was done with the objects, and what stood in the way.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// For the log.
    pub(super) results: Vec<Configured>,
    /// The run cannot go on while there are any.
    pub(super) findings: Vec<Finding>,
    /// Teams does not let a route lead to a calling domain yet; Microsoft's words.
    pub(super) refused: Option<String>,
}

/// Puts the objects in place on behalf of the person signed in. `planned` is what the run's plan does with them; where it
/// puts none and all are known, nobody is asked. Otherwise they are looked at once more: days may lie between a plan and
/// the sign-in that carries it out. `untried`: whether the calling domains carry calls, only the route tells, so it is put in
/// place in any case.
///
/// # Errors
/// `TokenExpired`, `Refused` with Microsoft's words, `Busy`.
pub(super) async fn tenant_objects(
    io: &Io,
    lease: &Lease,
    kept: &Enterprise,
    brand: &Brand,
    session: &Session,
    planned: &[ObjectChange],
    untried: bool,
) -> Result<Prepared> {
    let wanted = wanted(io, kept, brand);
    let mut record = Record::read(io, kept, session).await?;
    let puts = planned.iter().any(|change| change.puts() && change.object.is_some());
    if !puts && !untried && record.has(&wanted) {
        return Ok(Prepared::default());
    }
    let seen = look(io, lease, session, &wanted, &record.known()).await?;
    let objects = tenant::plan(&wanted, &record.known(), &seen);
    if !objects.conflicts.is_empty() {
        return Ok(Prepared {
            findings: objects.conflicts,
            ..Prepared::default()
        });
    }
    record.adopt(objects.adopted);
    record.confirm(&wanted, &seen);
    let puts: Vec<ObjectChange> = objects.changes.into_iter().filter(ObjectChange::puts).collect();
    for change in &puts {
        record.intend(change);
    }
    record.write(io, lease).await?;
    let mut objects: Vec<TenantObject> = puts.into_iter().filter_map(|change| change.object).collect();
    if untried {
        let ours = wanted.iter().filter(|object| record.is_ours(&object.key()));
        let routes = ours.filter(|object| object.settings.kind() == ObjectKind::VoiceRoute);
        let again: Vec<TenantObject> = routes.filter(|route| !objects.contains(route)).cloned().collect();
        objects.extend(again);
    }
    if objects.is_empty() {
        return Ok(Prepared::default());
    }
    let Done { results, stopped } = io
        .tenant_config
        .apply(ready(io, lease, session).await?, &objects)
        .await?;
    let mut findings = Vec::new();
    for (object, result) in objects.iter().zip(&results) {
        let as_put = result.now.as_ref().is_some_and(|now| object.settings.agree(now));
        if as_put && object.key() == result.key() {
            record.placed(object);
        } else {
            findings.push(object_not_proven(object.settings.kind(), &object.name, false));
        }
    }
    record.write(io, lease).await?;
    match stopped {
        None if results.len() < objects.len() => Err(Error::upstream(
            "configure the tenant's voice objects",
            "the worker left some out",
        )),
        None => Ok(Prepared {
            results,
            findings,
            refused: None,
        }),
        Some(Error::Refused { code, message, .. }) if code == DOMAIN_NOT_CONFIGURED => Ok(Prepared {
            results,
            findings,
            refused: Some(message),
        }),
        Some(error) => Err(error),
    }
}

/// Takes away what we made and nobody needs any more, when nobody has it any more: everything at the end of a final sync
/// (R152), and the objects of an old prefix. What was there before us stays. Then looks whether it is gone.
///
/// # Errors
/// `TokenExpired`, `Refused` with Microsoft's words, `Busy`.
pub(super) async fn take_away(
    io: &Io,
    lease: &Lease,
    kept: &Enterprise,
    brand: &Brand,
    session: &Session,
) -> Result<Prepared> {
    let wanted = wanted(io, kept, brand);
    let mut record = Record::read(io, kept, session).await?;
    let unneeded = record.unneeded(&wanted);
    if unneeded.is_empty() {
        return Ok(Prepared::default());
    }
    let names: Vec<ObjectName> = unneeded.values().rev().cloned().collect();
    let Done { results, stopped } = io
        .tenant_config
        .remove(ready(io, lease, session).await?, &names)
        .await?;
    record.removed(results.iter().map(Configured::key));
    record.write(io, lease).await?;
    if let Some(error) = stopped {
        return Err(error);
    }
    let there = io.tenant_config.look(ready(io, lease, session).await?, &names).await?;
    let left: BTreeSet<ObjectKey> = there.iter().map(TenantObject::key).collect();
    record.removed(unneeded.into_keys().filter(|key| !left.contains(key)));
    record.write(io, lease).await?;
    let findings = there
        .iter()
        .map(|object| object_not_proven(object.settings.kind(), &object.name, true))
        .collect();
    Ok(Prepared {
        results,
        findings,
        refused: None,
    })
}

/// What we know of the tenant's objects, as it is in the table and as it becomes.
struct Record {
    tenant: TenantId,
    kept: Vec<KnownObject>,
    objects: BTreeMap<ObjectKey, KnownObject>,
}

impl Record {
    /// The record of the tenant that the session is in; it is the one that the enterprise is bound to.
    async fn read(io: &Io, enterprise: &Enterprise, session: &Session) -> Result<Self> {
        let tenant = session.tenant.clone();
        let kept = io.store.tenant_objects(&enterprise.id, &tenant).await?;
        let by_key = kept.iter().map(|known| (known.object.key(), known.clone()));
        Ok(Self {
            tenant,
            objects: by_key.collect(),
            kept,
        })
    }

    fn known(&self) -> Vec<KnownObject> {
        self.objects.values().cloned().collect()
    }

    fn is_ours(&self, key: &ObjectKey) -> bool {
        self.objects.get(key).is_some_and(|known| known.ours)
    }

    fn has(&self, wanted: &[TenantObject]) -> bool {
        let as_wanted = |object: &TenantObject| {
            let known = self.objects.get(&object.key());
            known.is_some_and(|known| known.placed && object.settings.agree(&known.object.settings))
        };
        wanted.iter().all(as_wanted)
    }

    fn adopt(&mut self, objects: Vec<TenantObject>) {
        for object in objects {
            let known = KnownObject {
                object,
                ours: false,
                placed: true,
            };
            self.objects.insert(known.object.key(), known);
        }
    }

    /// What is ours and already as it is wanted: only the answer was lost. What is neither ours nor wanted is forgotten.
    fn confirm(&mut self, wanted: &[TenantObject], seen: &Seen) {
        let needed: BTreeSet<ObjectKey> = wanted.iter().map(TenantObject::key).collect();
        self.objects.retain(|key, known| known.ours || needed.contains(key));
        for object in wanted {
            let key = object.key();
            let there = seen.get(&key).is_some_and(|found| object.settings.agree(found));
            if there && self.objects.get(&key).is_some_and(|known| known.ours) {
                self.placed(object);
            }
        }
    }

    /// Before it is put. What is changed of an object that is there stays as it was known until the answer.
    fn intend(&mut self, change: &ObjectChange) {
        let Some(object) = change.object.clone().filter(|_| change.action == ObjectAction::Create) else {
            return;
        };
        let known = KnownObject {
            object,
            ours: true,
            placed: false,
        };
        self.objects.insert(known.object.key(), known);
    }

    fn placed(&mut self, object: &TenantObject) {
        let known = KnownObject {
            object: object.clone(),
            ours: true,
            placed: true,
        };
        self.objects.insert(object.key(), known);
    }

    /// What is ours and nobody needs, by kind in the order of making.
    fn unneeded(&self, wanted: &[TenantObject]) -> BTreeMap<ObjectKey, ObjectName> {
        let needed: BTreeSet<ObjectKey> = wanted.iter().map(TenantObject::key).collect();
        let ours = self.objects.iter().filter(|(_, known)| known.ours);
        ours.filter(|(key, _)| !needed.contains(*key))
            .map(|(key, known)| (key.clone(), known.object.named()))
            .collect()
    }

    fn removed(&mut self, keys: impl Iterator<Item = ObjectKey>) {
        for key in keys {
            self.objects.remove(&key);
        }
    }

    async fn write(&mut self, io: &Io, lease: &Lease) -> Result<()> {
        let now = self.known();
        if now != self.kept {
            io.store.put_tenant_objects(lease, &self.tenant, &now).await?;
            self.kept = now;
        }
        Ok(())
    }
}
