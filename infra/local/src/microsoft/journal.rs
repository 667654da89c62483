//! For simulations that need thousands of small worlds: the calling side of a tenant is put in place at once, every change
//! that the service makes there is written down as it happens, and what is there can be read. All of it without HTTP.

use super::Microsoft;
use super::catalogue::Resource;
use super::state::{AccessToken, Deleted, Tenant};
use super::voice::{Delayed, Grant, Number};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The calling side of a tenant: who has which number and which policies. People are named by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Teams {
    /// Holder by number; nobody holds what is absent.
    pub numbers: BTreeMap<String, String>,
    /// Policy name by person and type, as assigned directly.
    pub policies: BTreeMap<(String, String), String>,
}

/// One change that the service made, or tried to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A number operation was carried out.
    Number {
        /// Which.
        number: String,
        /// Who had it before.
        from: Option<String>,
        /// Who has it afterwards.
        to: Option<String>,
        /// Microsoft's words where it was refused.
        refused: Option<String>,
        /// Numbers that its new holder has now.
        held: usize,
    },
    /// A policy was given or taken.
    Policy {
        /// Whose.
        person: String,
        /// Which type.
        kind: String,
        /// The name before.
        from: Option<String>,
        /// The name afterwards.
        to: Option<String>,
    },
}

impl Tenant {
    pub(super) fn journal_number(&mut self, number: &str, before: Option<u32>, outcome: &Result<(), String>) {
        if self.journal.is_none() {
            return;
        }
        let name = |at: Option<u32>| at.map(|at| self.person(at).id.to_string());
        let after = self.numbers.get(number).and_then(|known| known.holder);
        let held = self.numbers.values().filter(|known| known.holder == after).count();
        let deed = Deed::Number {
            number: number.to_owned(),
            from: name(before),
            to: name(after),
            refused: outcome.as_ref().err().cloned(),
            held: after.map_or(0, |_| held),
        };
        self.journal.get_or_insert_default().push(deed);
    }

    pub(super) fn journal_policy(&mut self, who: u32, kind: &str, before: Option<&Grant>, after: Option<&Grant>) {
        if self.journal.is_none() {
            return;
        }
        let name = |grant: Option<&Grant>| Some(self.policy_by_id(kind, &grant?.policy)?.name.clone());
        let deed = Deed::Policy {
            person: self.person(who).id.to_string(),
            kind: kind.to_owned(),
            from: name(before),
            to: name(after),
        };
        self.journal.get_or_insert_default().push(deed);
    }
}

impl Microsoft {
    /// What is there now.
    #[must_use]
    pub fn teams(&self, tenant: &str) -> Teams {
        let state = self.lock();
        let Some(tenant) = state.tenant_named(tenant).map(|at| &state.tenants[at]) else {
            return Teams::default();
        };
        let id = |at: u32| tenant.person(at).id.to_string();
        let held = tenant.numbers.iter();
        let direct = |who: u32, (kind, grant): (&String, &Delayed<Option<Grant>>)| {
            let grant = grant.now.as_ref().filter(|grant| grant.group.is_none())?;
            let name = tenant.policy_by_id(kind, &grant.policy)?.name.clone();
            Some(((id(who), kind.clone()), name))
        };
        let voice = tenant.voice.iter();
        Teams {
            numbers: held
                .filter_map(|(number, known)| Some((number.clone(), id(known.holder?))))
                .collect(),
            policies: voice
                .flat_map(|(who, voice)| voice.policies.iter().filter_map(move |policy| direct(*who, policy)))
                .collect(),
        }
    }

    /// Puts the calling side of a tenant in place as if it had been so for long: numbers, holders, policies; operations
    /// and planned faults are forgotten, budgets full, and a new journal begins. Policies must exist.
    pub fn put_teams(&self, tenant: &str, teams: &Teams) {
        let mut state = self.lock();
        state.buckets.clear();
        state.faults.clear();
        let Some(at) = state.tenant_named(tenant) else { return };
        let tenant = &mut state.tenants[at];
        tenant.numbers.clear();
        tenant.voice.clear();
        tenant.operations.clear();
        tenant.settled = 0;
        tenant.number_faults.clear();
        tenant.journal = None;
        for (number, holder) in &teams.numbers {
            give(tenant, number, Some(holder), Timestamp::UNIX_EPOCH);
        }
        for ((person, kind), name) in &teams.policies {
            let policy = tenant.policy(kind, name).map(|policy| policy.id.clone());
            if let (Some(policy), Some(who)) = (policy, tenant.user(person)) {
                tenant.grant(who, kind, Some(Grant { policy, group: None }), Timestamp::UNIX_EPOCH);
            }
        }
        tenant.journal = Some(Vec::new());
    }

    /// Somebody at the customer gives a number to a person, or takes it from whoever has it.
    pub fn edit_number(&self, tenant: &str, number: &str, holder: Option<&str>) {
        let now = self.now();
        let mut state = self.lock();
        if let Some(at) = state.tenant_named(tenant) {
            give(&mut state.tenants[at], number, holder, now);
        }
    }

    /// A person leaves the customer, with their number, or comes back without it.
    pub fn edit_person(&self, tenant: &str, person: &str, here: bool) {
        let now = self.now();
        let mut state = self.lock();
        let Some(at) = state.tenant_named(tenant) else { return };
        let tenant = &mut state.tenants[at];
        let Some(who) = tenant.anybody(person) else { return };
        tenant.person_mut(who).deleted = (!here).then_some(Deleted::Restorable);
        let held = tenant.numbers.iter().filter(|(_, known)| known.holder == Some(who));
        for number in held.map(|(number, _)| number.clone()).collect::<Vec<_>>() {
            tenant.take(&number, now);
        }
    }

    /// Takes the policies, routes and usages of a prefix out of a tenant, but for the policies named in `keep`.
    pub fn forget_objects(&self, tenant: &str, prefix: &str, keep: &BTreeSet<String>) {
        let mut state = self.lock();
        let Some(at) = state.tenant_named(tenant) else { return };
        let tenant = &mut state.tenants[at];
        let ours = |name: &str| name.starts_with(prefix);
        tenant
            .policies
            .retain(|policy| keep.contains(&policy.name) || !ours(&policy.name));
        tenant.routes.retain(|route| !ours(&route.name));
        tenant.usages.retain(|usage| !ours(usage));
    }

    /// The policies, routes and usages of a prefix, by name.
    #[must_use]
    pub fn objects(&self, tenant: &str, prefix: &str) -> BTreeSet<String> {
        let state = self.lock();
        let Some(tenant) = state.tenant_named(tenant).map(|at| &state.tenants[at]) else {
            return BTreeSet::new();
        };
        let policies = tenant
            .policies
            .iter()
            .map(|policy| format!("{} {}", policy.kind, policy.name));
        let routes = tenant.routes.iter().map(|route| format!("route {}", route.name));
        let usages = tenant.usages.iter().map(|usage| format!("usage {usage}"));
        let all = policies.chain(routes).chain(usages);
        all.filter(|name| name.contains(prefix)).collect()
    }

    /// What the service did since the journal was last read.
    #[must_use]
    pub fn deeds(&self, tenant: &str) -> Vec<Deed> {
        let mut state = self.lock();
        let Some(at) = state.tenant_named(tenant) else {
            return Vec::new();
        };
        let journal = state.tenants[at].journal.as_mut();
        journal.map(std::mem::take).unwrap_or_default()
    }

    /// Two access tokens of a person, for Graph and for the Teams administration, with everything that was consented to.
    #[must_use]
    pub fn tokens(&self, tenant: &str, person: &str, life: SignedDuration) -> Option<[String; 2]> {
        let now = self.now();
        let mut state = self.lock();
        let at = state.tenant_named(tenant)?;
        let who = state.tenants[at].user(person)?;
        state.access.retain(|_, token| token.expires > now);
        let tokens = [Resource::Graph, Resource::Teams].map(|resource| {
            let token = format!("simulated-{}", state.chance.text(60));
            let scopes = state.tenants[at].granted(0, who, resource);
            let access = AccessToken {
                tenant: at,
                user: Some(who),
                app: 0,
                resource,
                scopes,
                issued: now,
                expires: now + life,
            };
            state.access.insert(token.clone(), access);
            token
        });
        Some(tokens)
    }

    /// Ends every token that was given out.
    pub fn end_tokens(&self) {
        self.lock().access.clear();
    }
}

fn give(tenant: &mut Tenant, number: &str, holder: Option<&str>, at: Timestamp) {
    tenant
        .numbers
        .entry(number.to_owned())
        .or_insert_with(|| Number::free("directRouting"));
    match holder.and_then(|holder| tenant.user(holder)) {
        Some(who) => tenant.give(number, who, "primary", at),
        None => tenant.take(number, at),
    }
}
