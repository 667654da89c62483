//! What becomes of the tenant's own voice objects: those that a brand needs (R154-R159), compared with what was looked at
//! and with what we remember of having made. Drift is set back (R160-R161); what was there before us is never touched.
//! Why a record decides, and not the names: `infra/decisions/0025-a-record-says-which-objects-are-ours.md`.

use super::preflight::{name_taken, policy_drift};
use crate::domain::brand::Brand;
use crate::domain::calling_policy::{CallingPolicy, routing_name};
use crate::domain::finding::Finding;
use crate::domain::tenant_object::{KnownObject, ObjectAction, ObjectChange, ObjectKey, ObjectSettings, TenantObject};
use crate::domain::voice::CallHandling;
use std::collections::{BTreeMap, BTreeSet};

/// The objects that a brand needs for calls through `gateways`, in the order in which they can be made: the usage, the
/// route that it leads to, the policy that gives it to users, and the six calling policies (R155-R158).
#[must_use]
pub fn wanted(brand: &Brand, gateways: Vec<String>) -> Vec<TenantObject> {
    let name = routing_name(brand);
    let object = |name: String, settings| TenantObject { name, settings };
    let usages = vec![name.clone()];
    let mut all = vec![
        object(name.clone(), ObjectSettings::PstnUsage {}),
        object(
            name.clone(),
            ObjectSettings::VoiceRoute {
                number_pattern: ".*".into(),
                gateways,
                pstn_usages: usages.clone(),
                priority: None,
            },
        ),
        object(name, ObjectSettings::VoiceRoutingPolicy { pstn_usages: usages }),
    ];
    all.extend(
        CallingPolicy::all()
            .into_iter()
            .map(|policy| object(policy.name(brand), calling_settings(policy))),
    );
    all
}

/// Voicemail, forwarding and music as the name of the policy says (R158, 1.4 #10).
fn calling_settings(policy: CallingPolicy) -> ObjectSettings {
    let (voicemail, forwarding) = match policy.call_handling {
        CallHandling::Voicemail => ("UserOverride", true),
        CallHandling::NoVoicemail => ("AlwaysDisabled", true),
        CallHandling::NoVoicemailNoForwarding => ("AlwaysDisabled", false),
    };
    ObjectSettings::CallingPolicy {
        allow_private_calling: true,
        allow_voicemail: voicemail.into(),
        allow_call_forwarding_to_phone: forwarding,
        allow_call_forwarding_to_user: forwarding,
        music_on_hold_enabled_type: if policy.pbx_music { "Disabled" } else { "Enabled" }.into(),
    }
}

/// What a look has shown, or is thought to be there: only what is there.
pub type Seen = BTreeMap<ObjectKey, ObjectSettings>;

/// What we would see if nobody has touched anything since: for plans that are shown before anybody signs in.
#[must_use]
pub fn as_we_left_them(known: &[KnownObject]) -> Seen {
    let placed = known.iter().filter(|known| known.placed);
    placed
        .map(|known| (known.object.key(), known.object.settings.clone()))
        .collect()
}

/// What is done with the objects, and what should be known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// In order of execution: what is put, and then, when nobody has it any more, what is taken away.
    pub changes: Vec<ObjectChange>,
    /// What somebody else has changed or deleted.
    pub drift: Vec<Finding>,
    /// Names of ours that something else has. Nothing may be put in place while there are any.
    pub conflicts: Vec<Finding>,
    /// What was there before us and is already right.
    pub adopted: Vec<TenantObject>,
}

impl Objects {
    /// The same without what is taken away, where a run may only add.
    #[must_use]
    pub fn held(mut self, takes_away: bool) -> Self {
        self.changes.retain(|change| takes_away || change.puts());
        self
    }
}

/// What is to be done so that the tenant has what is `wanted`, and nothing else that we have made.
///
/// | known | seen | becomes |
/// |---|---|---|
/// | no | nothing | made |
/// | no | as wanted | adopted: never taken away |
/// | no | something else | left alone, conflict |
/// | adopted | the same three | the same three |
/// | ours | nothing | made; deleted by somebody, unless it was only about to be made |
/// | ours | as wanted | left as it is |
/// | ours | as we left it | changed: something else is wanted now |
/// | ours | something else | set back: changed by somebody |
/// | ours, not wanted | there | taken away |
#[must_use]
pub fn plan(wanted: &[TenantObject], known: &[KnownObject], seen: &Seen) -> Objects {
    let ours: BTreeMap<ObjectKey, &KnownObject> = known
        .iter()
        .filter(|known| known.ours)
        .map(|known| (known.object.key(), known))
        .collect();
    let mut objects = Objects::default();
    for object in wanted {
        let key = object.key();
        let found = seen.get(&key);
        let mut put = |action| objects.changes.push(change(object, action, found));
        match (ours.get(&key), found) {
            (None, None) => put(ObjectAction::Create),
            (None, Some(found)) if object.settings.agree(found) => objects.adopted.push(object.clone()),
            (None, Some(found)) => {
                let taken = name_taken(&object.name, &object.settings, found);
                objects.conflicts.push(taken);
            }
            (Some(known), None) => {
                put(ObjectAction::Create);
                if known.placed {
                    let deleted = policy_drift(&object.name, &object.settings, None);
                    objects.drift.push(deleted);
                }
            }
            (Some(_), Some(found)) if object.settings.agree(found) => {}
            (Some(known), Some(found)) if known.placed && known.object.settings.agree(found) => {
                put(ObjectAction::Update);
            }
            (Some(_), Some(found)) => {
                put(ObjectAction::Restore);
                let changed = policy_drift(&object.name, &object.settings, Some(found));
                objects.drift.push(changed);
            }
        }
    }
    let needed: BTreeSet<ObjectKey> = wanted.iter().map(TenantObject::key).collect();
    let gone = ours.iter().filter(|(key, _)| !needed.contains(*key)).rev();
    objects.changes.extend(gone.filter_map(|(key, known)| {
        let found = seen.get(key)?;
        Some(change(&known.object, ObjectAction::Remove, Some(found)))
    }));
    objects
}

fn change(object: &TenantObject, action: ObjectAction, found: Option<&ObjectSettings>) -> ObjectChange {
    let goes = action == ObjectAction::Remove;
    ObjectChange {
        kind: object.settings.kind(),
        name: object.name.clone(),
        action,
        was: found.map(ToString::to_string),
        becomes: (!goes).then(|| object.settings.to_string()),
        object: (!goes).then(|| object.clone()),
    }
}

/// Whether a sync has something to do with the objects, as far as can be known without looking: a region or the brand's
/// prefix is another than when they were made, or a run was interrupted before they were confirmed. Where none was ever
/// made nothing waits: the first sync of a mapped user makes them.
#[must_use]
pub fn waits(wanted: &[TenantObject], known: &[KnownObject]) -> bool {
    let objects = plan(wanted, known, &as_we_left_them(known));
    let something = !objects.changes.is_empty() || !objects.conflicts.is_empty();
    !known.is_empty() && something
}

#[cfg(test)]
mod tests;
