//! The world as values: tenants with people, groups, domains and what they agreed to; tokens; what an operator set.

use super::catalogue::{PLANS, ROLES, Resource, SKUS};
use super::chance::{Chance, Guid};
use super::controls::people::Script;
use super::faults::{Counters, Fault, Pause};
use super::record::Record;
use super::voice::{Number, NumberFault, Operation, Policy, Route, Voice};
use super::{GroupSummary, Options, TenantSummary, Throttle, generate, login};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that changes.
pub(super) struct State {
    pub(super) tenants: Vec<Tenant>,
    pub(super) chance: Chance,
    pub(super) login: login::LoginState,
    pub(super) access: HashMap<String, AccessToken>,
    pub(super) switches: Switches,
    pub(super) throttle: Throttle,
    pub(super) faults: Vec<Fault>,
    /// Pauses that clients were asked for and that have not passed.
    pub(super) pauses: Vec<Pause>,
    /// Requests to Graph so far.
    pub(super) arrived: u64,
    /// The one that is answered now.
    pub(super) answering: u64,
    pub(super) scripts: Vec<Script>,
    pub(super) counters: Counters,
    pub(super) record: Record,
    pub(super) buckets: HashMap<(usize, super::graph::throttle::Budget), super::graph::throttle::Bucket>,
}

impl State {
    pub(super) fn new(options: &Options, now: Timestamp) -> Self {
        Self {
            tenants: generate::tenants(options, now),
            chance: Chance::new(options.seed, "answers"),
            login: login::LoginState::default(),
            access: HashMap::new(),
            switches: Switches::default(),
            throttle: options.throttle.clone(),
            faults: Vec::new(),
            pauses: Vec::new(),
            arrived: 0,
            answering: 0,
            scripts: Vec::new(),
            counters: Counters::default(),
            record: Record::default(),
            buckets: HashMap::new(),
        }
    }

    /// Finds a tenant by GUID or by one of its verified domains.
    pub(super) fn tenant_named(&self, name: &str) -> Option<usize> {
        let guid = name.parse::<Guid>().ok();
        self.tenants.iter().position(|tenant| match guid {
            Some(guid) => tenant.id == guid,
            None => tenant
                .domains
                .iter()
                .any(|domain| domain.verified && domain.name.eq_ignore_ascii_case(name)),
        })
    }
}

/// Behaviours that documents and reports disagree on, or that only trouble clients now and then.
pub(super) struct Switches {
    /// Single user configurations and operations come inside `value`.
    pub(super) wrap_singles: bool,
    /// Unknown fields are sprinkled in.
    pub(super) unknown_fields: bool,
    /// Every other page is empty.
    pub(super) empty_pages: bool,
    /// ID tokens carry `wids`.
    pub(super) wids: bool,
    /// Unsupported query options are ignored, not refused.
    pub(super) ignore_unsupported: bool,
    /// Parts of a batch come back in another order.
    pub(super) shuffle_batches: bool,
    /// A 429 carries no `Retry-After`.
    pub(super) no_retry_after: bool,
    /// Entries of lists come again: the last one of a page on the next page, changes that are known in delta queries.
    pub(super) repeat_entries: bool,
    /// How long new access tokens live, in seconds; by chance 60 to 90 minutes without it.
    pub(super) token_seconds: Option<u32>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            wrap_singles: true,
            unknown_fields: false,
            empty_pages: false,
            wids: true,
            ignore_unsupported: false,
            shuffle_batches: true,
            no_retry_after: false,
            repeat_entries: false,
            token_seconds: None,
        }
    }
}

/// What an access token stands for; the token itself says nothing.
#[derive(Clone)]
pub(super) struct AccessToken {
    pub(super) tenant: usize,
    /// `None`: the application itself.
    pub(super) user: Option<u32>,
    /// To which application it was given.
    pub(super) app: usize,
    pub(super) resource: Resource,
    /// Permissions that are written in it; each must still be in force when it is used.
    pub(super) scopes: BTreeSet<&'static str>,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

/// One customer's directory.
pub(super) struct Tenant {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) country: &'static str,
    pub(super) created: Timestamp,
    pub(super) domains: Vec<Domain>,
    pub(super) users: Vec<User>,
    pub(super) by_id: HashMap<Guid, u32>,
    pub(super) groups: Vec<Group>,
    /// Index into `ROLES` to users.
    pub(super) roles: BTreeMap<u8, BTreeSet<u32>>,
    /// Seats bought, by index into `SKUS`.
    pub(super) subscriptions: BTreeMap<u8, Subscription>,
    /// Applications that somebody has consented to, by their place among the registered ones.
    pub(super) apps: BTreeMap<usize, AppInTenant>,
    pub(super) numbers: BTreeMap<String, Number>,
    pub(super) voice: HashMap<u32, Voice>,
    pub(super) operations: Vec<Operation>,
    /// Operations before this one are done.
    pub(super) settled: usize,
    /// What was done to numbers and policies, where somebody wants to know.
    pub(super) journal: Option<Vec<super::journal::Deed>>,
    pub(super) number_faults: HashMap<String, NumberFault>,
    pub(super) policies: Vec<Policy>,
    pub(super) usages: BTreeSet<String>,
    pub(super) routes: Vec<Route>,
    /// TXT records that can be seen on the internet, by domain name, with the time of publication.
    pub(super) dns: HashMap<String, (String, Timestamp)>,
    /// Raised by each change of a user or group.
    pub(super) changes: u32,
    /// Delta tokens from this change or before are no longer known.
    pub(super) forgotten: u32,
    /// Permissions that tokens come without, though nothing is asked anew: what a grant that was cut down behind
    /// everybody's back looks like.
    pub(super) withheld: BTreeSet<String>,
    /// People may consent to harmless permissions themselves.
    pub(super) user_consent: bool,
    /// People who may not consent can ask for approval.
    pub(super) approval_workflow: bool,
    /// A number's country must be the user's usage location.
    pub(super) strict_usage_location: bool,
}

/// An application in a tenant.
#[derive(Default)]
pub(super) struct AppInTenant {
    pub(super) consents: Vec<Consent>,
    /// Application permissions.
    pub(super) app_roles: BTreeMap<(Resource, &'static str), Timestamp>,
    /// Directory roles of the application itself.
    pub(super) directory_roles: BTreeSet<u8>,
}

/// A delegated permission that was granted.
pub(super) struct Consent {
    /// `None`: for everybody in the organisation.
    pub(super) user: Option<u32>,
    pub(super) resource: Resource,
    pub(super) scope: &'static str,
    pub(super) effective: Timestamp,
}

pub(super) struct Subscription {
    pub(super) enabled: u32,
    pub(super) warning: u32,
    pub(super) suspended: u32,
    pub(super) status: &'static str,
}

pub(super) struct Domain {
    pub(super) name: String,
    pub(super) verified: bool,
    pub(super) default: bool,
    pub(super) initial: bool,
    pub(super) services: Vec<String>,
    /// What a TXT record must say.
    pub(super) text: String,
    /// Usable for voice without further ado.
    pub(super) voice: bool,
    /// Its people sign in somewhere else.
    pub(super) federated: bool,
}

/// The state of a service plan that differs from what the product gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PlanStatus {
    Enabled,
    Warning,
    Suspended,
    Deleted,
}

impl PlanStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Warning => "Warning",
            Self::Suspended => "Suspended",
            Self::Deleted => "Deleted",
        }
    }

    fn works(self) -> bool {
        matches!(self, Self::Enabled | Self::Warning)
    }
}

/// One account.
#[derive(Clone)]
pub(super) struct User {
    pub(super) id: Guid,
    pub(super) given: Cow<'static, str>,
    pub(super) surname: Cow<'static, str>,
    /// Where it is not given name and surname.
    pub(super) display: Option<Box<str>>,
    pub(super) sign_in: Box<str>,
    /// `None`: like the sign-in name. Empty: there is none.
    pub(super) mail: Option<Box<str>>,
    pub(super) department: &'static str,
    pub(super) title: &'static str,
    pub(super) usage_location: Option<Cow<'static, str>>,
    pub(super) enabled: bool,
    pub(super) guest: bool,
    /// Synced from an on-premises directory.
    pub(super) synced: bool,
    /// Bits by index into `SKUS`.
    pub(super) skus: u16,
    /// Exceptions, by index into `PLANS`.
    pub(super) plans: Vec<(u8, PlanStatus)>,
    pub(super) created: Timestamp,
    /// Created while the world runs: then it takes a while to be seen.
    pub(super) late: bool,
    pub(super) licensed: Timestamp,
    pub(super) deleted: Option<Deleted>,
    pub(super) changed: u32,
    /// Tokens from before are worthless.
    pub(super) revoked: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    Restorable,
    ForGood,
}

impl User {
    /// An account without licences, which comes into being now and is seen later.
    pub(super) fn new(id: Guid, sign_in: &str, display: &str, now: Timestamp) -> Self {
        Self {
            id,
            given: Cow::Borrowed(""),
            surname: Cow::Borrowed(""),
            display: Some(display.into()),
            sign_in: sign_in.into(),
            mail: Some("".into()),
            department: "",
            title: "",
            usage_location: None,
            enabled: true,
            guest: false,
            synced: false,
            skus: 0,
            plans: Vec::new(),
            created: now,
            late: true,
            licensed: now,
            deleted: None,
            changed: 0,
            revoked: None,
        }
    }

    pub(super) fn display_name(&self) -> String {
        match &self.display {
            Some(name) => name.to_string(),
            None => format!("{} {}", self.given, self.surname),
        }
    }

    pub(super) fn mail(&self) -> Option<&str> {
        match &self.mail {
            None => Some(&self.sign_in),
            Some(mail) => Some(&**mail).filter(|mail| !mail.is_empty()),
        }
    }

    pub(super) fn has_sku(&self, sku: u8) -> bool {
        self.skus & (1 << sku) != 0
    }

    /// All plans with their status, those of products first.
    pub(super) fn assigned_plans(&self) -> Vec<(u8, PlanStatus)> {
        let mut seen = 0_u32;
        let mut plans = Vec::with_capacity(20);
        for (at, sku) in (0_u8..).zip(&SKUS) {
            if !self.has_sku(at) {
                continue;
            }
            for plan in sku.plans {
                if seen & (1 << plan) == 0 {
                    seen |= 1 << plan;
                    let exception = self.plans.iter().find(|(other, _)| other == plan);
                    plans.push((*plan, exception.map_or(PlanStatus::Enabled, |(_, status)| *status)));
                }
            }
        }
        plans.extend(self.plans.iter().filter(|(plan, _)| seen & (1 << plan) == 0));
        plans
    }

    /// Whether any of the plans works for this person.
    pub(super) fn can(&self, wanted: &[u8]) -> bool {
        self.assigned_plans()
            .iter()
            .any(|(plan, status)| status.works() && wanted.contains(plan))
    }
}

pub(super) struct Group {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kind: GroupKind,
    pub(super) nickname: String,
    /// The rule of a dynamic group.
    pub(super) rule: Option<&'static str>,
    pub(super) members: Members,
    pub(super) created: Timestamp,
    pub(super) deleted: bool,
    /// Its rule is not applied at present.
    pub(super) paused: bool,
    /// Applications do not see who is in it.
    pub(super) hidden: bool,
    pub(super) changed: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupKind {
    Security,
    Microsoft365,
    MailSecurity,
    Distribution,
}

#[derive(Clone)]
pub(super) enum Members {
    /// Users and groups by index.
    Listed { users: Vec<u32>, groups: Vec<usize> },
    /// Everybody who is not a guest.
    EveryMember,
    /// Everybody who is not a guest, in one department and country.
    Department(&'static str, &'static str),
}

impl Tenant {
    pub(super) fn user(&self, id: &str) -> Option<u32> {
        let found = match id.parse::<Guid>() {
            Ok(guid) => self.by_id.get(&guid).copied(),
            Err(_) => self.user_signing_in_as(id),
        };
        found.filter(|at| self.person(*at).deleted.is_none())
    }

    /// By id, deleted or not.
    pub(super) fn anybody(&self, id: &str) -> Option<u32> {
        self.by_id.get(&id.parse().ok()?).copied()
    }

    /// One more account; answers its index.
    pub(super) fn add(&mut self, user: User) -> u32 {
        let at = u32::try_from(self.users.len()).unwrap_or(u32::MAX);
        self.by_id.insert(user.id, at);
        self.users.push(user);
        self.person_mut(at);
        at
    }

    /// By sign-in name; a guest also by the mail address of the home account.
    pub(super) fn user_signing_in_as(&self, name: &str) -> Option<u32> {
        let found = self.users.iter().position(|user| {
            user.deleted.is_none()
                && (user.sign_in.eq_ignore_ascii_case(name)
                    || user.guest && user.mail().is_some_and(|mail| mail.eq_ignore_ascii_case(name)))
        });
        found.and_then(|at| u32::try_from(at).ok())
    }

    /// A user by index; indices are made here and users are never taken out of the list.
    pub(super) fn person(&self, at: u32) -> &User {
        &self.users[at as usize]
    }

    pub(super) fn person_mut(&mut self, at: u32) -> &mut User {
        self.changes += 1;
        let user = &mut self.users[at as usize];
        user.changed = self.changes;
        user
    }

    pub(super) fn has_role(&self, user: u32, any: &[u8]) -> bool {
        any.iter()
            .any(|role| self.roles.get(role).is_some_and(|holders| holders.contains(&user)))
    }

    pub(super) fn roles_of(&self, user: u32) -> impl Iterator<Item = u8> {
        self.roles
            .iter()
            .filter(move |(_, holders)| holders.contains(&user))
            .map(|(role, _)| *role)
    }

    /// The object id of a role in this tenant; made from both so that it stays the same.
    pub(super) fn role_object(&self, role: u8) -> String {
        let tenant = self.id.to_string();
        let template = ROLES[usize::from(role)].template;
        format!("{}{}", &template[..8], &tenant[8..])
    }

    pub(super) fn group(&self, id: &str) -> Option<usize> {
        let guid = id.parse::<Guid>().ok()?;
        self.groups.iter().position(|group| group.id == guid && !group.deleted)
    }

    /// Whether a user belongs to a group by itself, not through another group.
    pub(super) fn direct_member(&self, group: usize, user: u32) -> bool {
        let person = self.person(user);
        person.deleted.is_none()
            && match &self.groups[group].members {
                Members::Listed { users, .. } => users.contains(&user),
                Members::EveryMember => !person.guest,
                Members::Department(department, country) => {
                    !person.guest
                        && person.department == *department
                        && person.usage_location.as_deref() == Some(*country)
                }
            }
    }

    pub(super) fn nested_groups(&self, group: usize) -> Vec<usize> {
        match &self.groups[group].members {
            Members::Listed { groups, .. } => groups.iter().copied().filter(|at| !self.groups[*at].deleted).collect(),
            Members::EveryMember | Members::Department(..) => Vec::new(),
        }
    }

    /// The group itself and all groups inside it.
    pub(super) fn group_with_nested(&self, group: usize) -> Vec<usize> {
        let mut found = vec![group];
        let mut next = 0;
        while let Some(&at) = found.get(next) {
            for inner in self.nested_groups(at) {
                if !found.contains(&inner) {
                    found.push(inner);
                }
            }
            next += 1;
        }
        found
    }

    /// Users of a group in order of their index; `transitive`: also through groups inside it.
    pub(super) fn members(&self, group: usize, transitive: bool) -> Vec<u32> {
        let groups = if transitive {
            self.group_with_nested(group)
        } else {
            vec![group]
        };
        let mut found = BTreeSet::new();
        for at in groups {
            match &self.groups[at].members {
                Members::Listed { users, .. } => {
                    found.extend(
                        users
                            .iter()
                            .copied()
                            .filter(|user| self.person(*user).deleted.is_none()),
                    );
                }
                Members::EveryMember | Members::Department(..) => {
                    let everybody = 0..u32::try_from(self.users.len()).unwrap_or(u32::MAX);
                    found.extend(everybody.filter(|user| self.direct_member(at, *user)));
                }
            }
        }
        found.into_iter().collect()
    }

    /// Groups that a user is in.
    pub(super) fn groups_of(&self, user: u32, transitive: bool) -> Vec<usize> {
        let alive = (0..self.groups.len()).filter(|at| !self.groups[*at].deleted);
        let contains = |at: &usize| {
            let inside = if transitive {
                self.group_with_nested(*at)
            } else {
                vec![*at]
            };
            inside.into_iter().any(|group| self.direct_member(group, user))
        };
        alive.filter(contains).collect()
    }

    pub(super) fn consumed(&self, sku: u8) -> usize {
        self.users
            .iter()
            .filter(|user| user.deleted.is_none() && user.has_sku(sku))
            .count()
    }

    pub(super) fn default_domain(&self) -> &str {
        self.domains
            .iter()
            .find(|domain| domain.default)
            .map_or("", |domain| &domain.name)
    }

    pub(super) fn initial_domain(&self) -> &str {
        self.domains
            .iter()
            .find(|domain| domain.initial)
            .map_or("", |domain| &domain.name)
    }

    /// Delegated scopes that work for a user at one resource.
    pub(super) fn granted(&self, app: usize, user: u32, resource: Resource) -> BTreeSet<&'static str> {
        let consents = self.apps.get(&app).into_iter().flat_map(|app| &app.consents);
        let for_user = consents.filter(|consent| consent.user.is_none_or(|only| only == user));
        for_user
            .filter(|consent| consent.resource == resource)
            .map(|consent| consent.scope)
            .collect()
    }

    /// When a delegated scope starts to work for a user.
    pub(super) fn effective(&self, app: usize, user: u32, resource: Resource, scope: &str) -> Option<Timestamp> {
        let consents = self.apps.get(&app).into_iter().flat_map(|app| &app.consents);
        let matching = consents.filter(|consent| {
            consent.user.is_none_or(|only| only == user) && consent.resource == resource && consent.scope == scope
        });
        matching.map(|consent| consent.effective).min()
    }

    /// Application permissions that work at one resource.
    pub(super) fn app_roles(&self, app: usize, resource: Resource, now: Timestamp) -> BTreeSet<&'static str> {
        let roles = self.apps.get(&app).into_iter().flat_map(|app| &app.app_roles);
        let working = roles.filter(|((of, _), from)| *of == resource && **from <= now);
        working.map(|((_, name), _)| *name).collect()
    }

    /// What is left of permissions in a token.
    pub(super) fn in_tokens(&self, mut permissions: BTreeSet<&'static str>) -> BTreeSet<&'static str> {
        permissions.retain(|name| !self.withheld.contains(*name));
        permissions
    }

    pub(super) fn summary(&self) -> TenantSummary {
        let role = |role: u8| self.roles.get(&role).into_iter().flatten();
        let name = |user: &u32| self.person(*user).sign_in.to_string();
        let plain = |user: &u32| {
            let person = self.person(*user);
            person.enabled && !person.guest && self.roles_of(*user).next().is_none()
        };
        let everybody = 0..u32::try_from(self.users.len()).unwrap_or(u32::MAX);
        let alive = (0..self.groups.len()).filter(|at| !self.groups[*at].deleted);
        TenantSummary {
            id: self.id.to_string(),
            display_name: self.name.clone(),
            initial_domain: self.initial_domain().to_owned(),
            default_domain: self.default_domain().to_owned(),
            sbc_domains: self
                .domains
                .iter()
                .filter(|domain| domain.voice)
                .map(|domain| domain.name.clone())
                .collect(),
            global_admins: role(super::catalogue::GLOBAL_ADMINISTRATOR).map(name).collect(),
            teams_admin: role(super::catalogue::TEAMS_ADMINISTRATOR)
                .map(name)
                .next()
                .unwrap_or_default(),
            ordinary_user: everybody
                .into_iter()
                .find(plain)
                .map(|user| name(&user))
                .unwrap_or_default(),
            users: self.users.iter().filter(|user| user.deleted.is_none()).count(),
            groups: alive
                .map(|at| GroupSummary {
                    name: self.groups[at].name.clone(),
                    users: self.members(at, true).len(),
                })
                .collect(),
        }
    }
}

/// A plan's index by its name, for the controls.
pub(super) fn plan_named(name: &str) -> Option<u8> {
    PLANS
        .iter()
        .position(|plan| plan.name.eq_ignore_ascii_case(name))
        .and_then(|at| u8::try_from(at).ok())
}

/// A product's index by part number or id.
pub(super) fn sku_named(name: &str) -> Option<u8> {
    let found = SKUS
        .iter()
        .position(|sku| sku.part.eq_ignore_ascii_case(name) || sku.id.eq_ignore_ascii_case(name));
    found.and_then(|at| u8::try_from(at).ok())
}

/// A role's index by display name or template id.
pub(super) fn role_named(name: &str) -> Option<u8> {
    let found = ROLES
        .iter()
        .position(|role| role.name.eq_ignore_ascii_case(name) || role.template == name);
    found.and_then(|at| u8::try_from(at).ok())
}
