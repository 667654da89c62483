//! A tenant's calling domains: made, proven by the provider's DNS, activated by accounts that have a licence for a while
//! (R147, R148), and taken away at the end. `plan::activation` says what is next; here it is done, one effect at a time. What
//! is intended is noted before it is asked for and what came of it after, so that a worker who is killed in between leaves
//! nothing behind twice. Why so: `infra/decisions/0024-calling-domains.md`.

use crate::domain::calling_domain::{ActivationAccount, CallingDomain, DomainState, TxtRecord};
use crate::domain::enterprise::Enterprise;
use crate::domain::finding::Finding;
use crate::domain::ids::{EnterpriseId, TeamsUserId};
use crate::domain::product::Product;
use crate::domain::secret::Secret;
use crate::domain::sync_log::Line;
use crate::domain::tenant_object::ObjectKind;
use crate::error::{Error, Result};
use crate::io::Io;
use crate::io::graph::{Given, NewAccount, NewDomain, TenantDomain, Verification};
use crate::io::store::keys::PENDING_SHARDS;
use crate::io::store::leases::Lease;
use crate::plan::activation::{Action, Facts, Seen, next};
use crate::plan::preflight::tenant;
use crate::run::prepare;
use crate::run::session::Session;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What people see of the account in their directory.
const ACCOUNT_NAME: &str = "Calling domain activation (temporary)";
/// Where the tenant does not say its country.
const ANY_COUNTRY: &str = "US";
/// What is new is not known everywhere at once; seconds until the next look.
const KNOWN_AFTER: u32 = 10;
/// What is not known after this time is not there.
const KNOWN_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// What the session must still be good for when a wait is over: to put the route in place.
const RESERVE: SignedDuration = SignedDuration::from_mins(5);

/// Whether the route can be put in place.
#[derive(Debug)]
pub(super) enum Ready {
    /// As far as is known.
    Yes,
    /// Perhaps after so many seconds.
    After(u32),
    /// Not in this run.
    No(Vec<Finding>),
}

/// The work on the domains of one tenant, in one call of the worker.
pub(super) struct Domains<'a> {
    io: &'a Io,
    lease: &'a Lease,
    session: &'a Session,
    needed: Vec<String>,
    known: BTreeMap<String, CallingDomain>,
    seen: BTreeMap<String, Seen>,
    country: String,
    products: Option<Vec<Product>>,
    /// Products that turned out to have no free seat.
    spent: BTreeSet<String>,
    unseen: BTreeSet<String>,
    refused: BTreeSet<String>,
    /// For the log, in order.
    pub(super) lines: Vec<Line>,
}

/// The domains that Teams refused in a route, by Microsoft's words. Words that name none of them speak of all.
fn refused_in(words: &str, needed: &[String]) -> BTreeSet<String> {
    let message = words.to_lowercase();
    let named: BTreeSet<String> = needed
        .iter()
        .filter(|domain| message.contains(domain.as_str()))
        .cloned()
        .collect();
    if named.is_empty() {
        needed.iter().cloned().collect()
    } else {
        named
    }
}

impl<'a> Domains<'a> {
    /// What the table remembers, and what the tenant says.
    ///
    /// # Errors
    /// Those of Microsoft and of the table.
    pub(super) async fn gather(io: &'a Io, lease: &'a Lease, kept: &Enterprise, session: &'a Session) -> Result<Self> {
        let needed = prepare::gateways(io, kept).into_iter();
        let mut domains = Self {
            io,
            lease,
            session,
            needed: needed.map(|domain| domain.to_lowercase()).collect(),
            known: remembered(io, lease, session).await?,
            seen: BTreeMap::new(),
            country: ANY_COUNTRY.to_owned(),
            products: None,
            spent: BTreeSet::new(),
            unseen: BTreeSet::new(),
            refused: BTreeSet::new(),
            lines: Vec::new(),
        };
        let organization = io.graph.organization(&session.graph).await?;
        if let Some(country) = organization.country {
            domains.country = country;
        }
        let verified = organization.domains.into_iter().map(|domain| TenantDomain {
            name: domain.name,
            verified: true,
            federated: false,
        });
        domains.see(verified);
        Ok(domains)
    }

    fn see(&mut self, domains: impl IntoIterator<Item = TenantDomain>) {
        let seen = domains.into_iter().map(|domain| {
            let TenantDomain {
                name,
                verified,
                federated,
            } = domain;
            (name, Seen { verified, federated })
        });
        self.seen = seen.collect();
    }

    /// All domains are there and nothing is under way with any: the common case, which needs no further look.
    fn settled(&self) -> bool {
        self.refused.is_empty()
            && self.needed.iter().all(|domain| {
                let known = self.known.get(domain);
                let untouched = |known: &CallingDomain| !known.ours && known.account.is_none();
                self.seen.contains_key(domain) && known.is_none_or(|known| known.active.is_some() || untouched(known))
            })
    }

    /// Goes as far as can be gone now.
    ///
    /// # Errors
    /// Those of Microsoft and of the table; what is missing is no error.
    pub(super) async fn ready(&mut self) -> Result<Ready> {
        match self.advance().await {
            Err(Error::Refused {
                status: 403,
                doing,
                message,
                ..
            }) => Ok(Ready::No(vec![tenant::not_allowed(doing, &message)])),
            result => result,
        }
    }

    /// What would keep the domains from being made ready, as far as looking tells: nothing is made. What a run would wait
    /// for is none of it.
    ///
    /// # Errors
    /// Those of Microsoft and of the table.
    pub(super) async fn foreseen(mut self) -> Result<Vec<Finding>> {
        match self.look_ahead().await {
            Err(Error::Refused {
                status: 403,
                doing,
                message,
                ..
            }) => Ok(vec![tenant::not_allowed(doing, &message)]),
            result => result,
        }
    }

    async fn look_ahead(&mut self) -> Result<Vec<Finding>> {
        if self.settled() {
            return Ok(Vec::new());
        }
        let all = self.io.graph.domains(&self.session.graph).await?;
        self.see(all);
        let mut action = self.next(self.io.clock.now());
        if action == Action::ReadProducts {
            self.products = Some(self.io.graph.products(&self.session.graph).await?);
            action = self.next(self.io.clock.now());
        }
        match action {
            Action::Stop(findings) => Ok(findings),
            Action::ReadProducts
            | Action::Create(_)
            | Action::ReadRecord(_)
            | Action::Verify(_)
            | Action::MakeAccount(_)
            | Action::License { .. }
            | Action::Configure
            | Action::Wait(_) => Ok(Vec::new()),
        }
    }

    fn next(&self, now: Timestamp) -> Action {
        next(&Facts {
            now,
            until: self.session.stop_by() - RESERVE,
            needed: &self.needed,
            seen: &self.seen,
            known: &self.known,
            unseen: &self.unseen,
            refused: &self.refused,
            products: self.products.as_deref(),
        })
    }

    async fn advance(&mut self) -> Result<Ready> {
        if self.settled() {
            return Ok(Ready::Yes);
        }
        let all = self.io.graph.domains(&self.session.graph).await?;
        self.see(all);
        loop {
            let now = self.io.clock.now();
            self.io.store.renew(self.lease, now).await?;
            let stopped = match self.next(now) {
                Action::Configure => Some(Ready::Yes),
                Action::Wait(seconds) => Some(Ready::After(seconds)),
                Action::Stop(findings) => Some(Ready::No(findings)),
                Action::ReadProducts => {
                    let mut products = self.io.graph.products(&self.session.graph).await?;
                    products.retain(|product| !self.spent.contains(&product.sku));
                    self.products = Some(products);
                    None
                }
                Action::Create(domain) => self.create(&domain, now).await?,
                Action::ReadRecord(domain) => self.read_record(&domain, now).await?,
                Action::Verify(domain) => self.verify(domain, now).await?,
                Action::MakeAccount(domain) => self.make_account(&domain, now).await?,
                Action::License { domain, sku, without } => self.license(&domain, &sku, &without, now).await?,
            };
            if let Some(stopped) = stopped {
                return Ok(stopped);
            }
        }
    }

    /// Teams did not take the route because of the domains, in these words; `ready` goes on with them.
    pub(super) fn refused(&mut self, words: &str) {
        self.refused.extend(refused_in(words, &self.needed));
    }

    /// Whether some domain carries calls is not known yet.
    pub(super) fn untried(&self) -> bool {
        let active = |domain: &String| self.known.get(domain).is_some_and(|known| known.active.is_some());
        !self.needed.iter().all(active)
    }

    /// Teams has taken the route: the domains carry calls. Licences and accounts that are needed no longer are taken back.
    ///
    /// # Errors
    /// Those of Microsoft and of the table.
    pub(super) async fn proven(&mut self) -> Result<()> {
        for domain in self.needed.clone() {
            let now = self.io.clock.now();
            let mut known = self.remembered(&domain, now);
            if known.active.is_none() {
                known.verified = known.verified.or(Some(now));
                known.active = Some(now);
                self.keep(known, Some("active")).await?;
            }
            self.take_back(&domain).await?;
        }
        Ok(())
    }

    fn remembered(&self, domain: &str, now: Timestamp) -> CallingDomain {
        let known = self.known.get(domain).cloned();
        known.unwrap_or_else(|| CallingDomain::new(domain, self.session.tenant.clone(), false, now))
    }

    async fn keep(&mut self, domain: CallingDomain, news: Option<&str>) -> Result<()> {
        self.io.store.put_calling_domain(self.lease, &domain).await?;
        self.lines.extend(news.map(|news| line(&domain.name, news)));
        self.known.insert(domain.name.clone(), domain);
        Ok(())
    }

    async fn create(&mut self, domain: &str, now: Timestamp) -> Result<Option<Ready>> {
        let tenant = self.session.tenant.clone();
        self.keep(CallingDomain::new(domain, tenant, true, now), None).await?;
        let made = self.io.graph.create_domain(&self.session.graph, domain).await;
        match made {
            Ok(NewDomain::Added(added)) => {
                let TenantDomain {
                    verified, federated, ..
                } = added;
                self.seen.insert(domain.to_owned(), Seen { verified, federated });
                self.lines.push(line(domain, "created"));
                Ok(None)
            }
            Ok(NewDomain::Elsewhere(words)) => {
                self.forget(domain).await?;
                Ok(Some(Ready::No(vec![tenant::elsewhere(domain, &words)])))
            }
            Err(refused @ Error::Refused { .. }) => {
                self.forget(domain).await?;
                Err(refused)
            }
            Err(error) => Err(error),
        }
    }

    async fn forget(&mut self, domain: &str) -> Result<()> {
        self.io.store.forget_calling_domain(self.lease, domain).await?;
        self.known.remove(domain);
        Ok(())
    }

    async fn read_record(&mut self, domain: &str, now: Timestamp) -> Result<Option<Ready>> {
        let record = match self.io.graph.domain_record(&self.session.graph, domain).await {
            Err(error) if is_new(&error, self.remembered(domain, now).since, now) => {
                return Ok(Some(Ready::After(KNOWN_AFTER)));
            }
            record => record?,
        };
        let TxtRecord { name, value, .. } = &record;
        let news = format!("waits for the DNS record TXT {value} at {name}");
        let known = CallingDomain {
            record: Some(record.clone()),
            asked: Some(now),
            ..self.remembered(domain, now)
        };
        self.keep(known, Some(&news)).await?;
        Ok(None)
    }

    async fn verify(&mut self, domain: String, now: Timestamp) -> Result<Option<Ready>> {
        match self.io.graph.verify_domain(&self.session.graph, &domain).await? {
            Verification::Verified => {
                let known = CallingDomain {
                    verified: Some(now),
                    ..self.remembered(&domain, now)
                };
                self.keep(known, Some("verified")).await?;
                if let Some(seen) = self.seen.get_mut(&domain) {
                    seen.verified = true;
                }
            }
            Verification::NotSeen(_) => {
                self.unseen.insert(domain);
            }
        }
        Ok(None)
    }

    async fn make_account(&mut self, domain: &str, now: Timestamp) -> Result<Option<Ready>> {
        let graph = &self.io.graph;
        let known = self.remembered(domain, now);
        let sign_in_name = known.sign_in_name();
        let found = graph.account_named(&self.session.graph, &sign_in_name).await?;
        let intended = known.account.is_some();
        let taken = || Ok(Some(Ready::No(vec![tenant::account_taken(domain, &sign_in_name)])));
        if found.is_some() && !intended {
            return taken();
        }
        let with = |id: Option<TeamsUserId>| CallingDomain {
            verified: known.verified.or(Some(now)),
            active: None,
            account: Some(ActivationAccount {
                sign_in_name: sign_in_name.clone(),
                made: id.as_ref().map(|_| now),
                id,
                sku: None,
                licensed: None,
            }),
            ..known.clone()
        };
        if let Some(id) = found {
            self.keep(with(Some(id)), None).await?;
            return Ok(None);
        }
        self.keep(with(None), None).await?;
        let password = password(self.io);
        let account = NewAccount {
            sign_in_name: &sign_in_name,
            display_name: ACCOUNT_NAME,
            usage_location: &self.country,
            password: &password,
        };
        match graph.create_account(&self.session.graph, &account).await? {
            Some(id) => {
                let news = format!("account {sign_in_name} made for its activation");
                self.keep(with(Some(id)), Some(&news)).await?;
                Ok(None)
            }
            None if intended => Ok(Some(Ready::After(KNOWN_AFTER))),
            None => {
                self.keep(
                    CallingDomain {
                        account: None,
                        ..known.clone()
                    },
                    None,
                )
                .await?;
                taken()
            }
        }
    }

    async fn license(&mut self, domain: &str, sku: &str, without: &[String], now: Timestamp) -> Result<Option<Ready>> {
        let known = self.remembered(domain, now);
        let Some((account, id)) = known
            .account
            .clone()
            .and_then(|account| Some((account.clone(), account.id?)))
        else {
            return Ok(None);
        };
        let with = |sku: Option<&str>, licensed: Option<Timestamp>| CallingDomain {
            account: Some(ActivationAccount {
                sku: sku.map(str::to_owned),
                licensed,
                ..account.clone()
            }),
            ..known.clone()
        };
        self.keep(with(Some(sku), None), None).await?;
        let given = self.io.graph.give_licence(&self.session.graph, &id, sku, without).await;
        match given {
            Ok(Given::Licensed) => {
                let product = self.products.iter().flatten().find(|product| product.sku == sku);
                let name = product.map_or(sku, |product| product.name.as_str());
                let news = format!("a license of {name} lent to {}", account.sign_in_name);
                self.keep(with(Some(sku), Some(now)), Some(&news)).await?;
                // Teams may take it at once.
                self.refused.remove(domain);
            }
            Ok(Given::NoSeat(_)) => {
                self.keep(with(None, None), None).await?;
                self.spent.insert(sku.to_owned());
                self.products = None;
            }
            Err(error) if is_new(&error, account.made.unwrap_or(now), now) => {
                return Ok(Some(Ready::After(KNOWN_AFTER)));
            }
            // Somebody deleted it.
            Err(Error::Refused { status: 404, .. }) => {
                self.keep(
                    CallingDomain {
                        account: None,
                        ..known.clone()
                    },
                    None,
                )
                .await?;
                self.refused.insert(domain.to_owned());
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// The account and its licence, where there are any left.
    async fn take_back(&mut self, domain: &str) -> Result<()> {
        let Some(known) = self.known.get(domain).cloned() else {
            return Ok(());
        };
        let Some(account) = &known.account else { return Ok(()) };
        let (graph, token) = (&self.io.graph, &self.session.graph);
        // It was noted before it was made; whether it was, only Microsoft knows.
        let id = match &account.id {
            Some(id) => Some(id.clone()),
            None => graph.account_named(token, &account.sign_in_name).await?,
        };
        if let Some(id) = id {
            if let Some(sku) = &account.sku {
                graph.take_licence(token, &id, sku).await?;
            }
            graph.delete_account(token, &id).await?;
        }
        let news = format!("account {} and its license taken back", account.sign_in_name);
        self.keep(
            CallingDomain {
                account: None,
                ..known.clone()
            },
            Some(&news),
        )
        .await
    }

    /// At the end of a final sync: accounts and domains that we made are removed. What was there before us stays, and so does
    /// a domain that somebody uses.
    async fn remove_all(&mut self) -> Result<()> {
        for domain in self.known.keys().cloned().collect::<Vec<_>>() {
            self.take_back(&domain).await?;
            if self.known.get(&domain).is_some_and(|known| known.ours) {
                let (graph, token) = (&self.io.graph, &self.session.graph);
                if graph.domain_in_use(token, &domain).await? {
                    self.lines.push(line(&domain, "kept: people of the tenant use it"));
                } else {
                    graph.delete_domain(token, &domain).await?;
                    self.lines.push(line(&domain, "removed"));
                }
            }
            self.forget(&domain).await?;
        }
        Ok(())
    }
}

/// Not found, because it was made only now.
fn is_new(error: &Error, made: Timestamp, now: Timestamp) -> bool {
    matches!(error, Error::Refused { status: 404, .. }) && now.duration_since(made) < KNOWN_WITHIN
}

fn line(domain: &str, news: &str) -> Line {
    Line::TenantObject {
        what: format!("{} {domain}", ObjectKind::CallingDomain),
        action: news.to_owned(),
    }
}

/// Long, of every kind of letter that Microsoft asks for, and kept nowhere.
fn password(io: &Io) -> Secret {
    Secret::new(format!("aZ9-{}", io.chance.token::<30>()))
}

/// What the table remembers of the domains of the session's tenant.
async fn remembered(io: &Io, lease: &Lease, session: &Session) -> Result<BTreeMap<String, CallingDomain>> {
    let all = io.store.calling_domains(&lease.enterprise).await?;
    let here = all.into_iter().filter(|domain| domain.tenant == session.tenant);
    Ok(here.map(|domain| (domain.name.clone(), domain)).collect())
}

/// Takes our accounts and domains out of the tenant, after the objects that lead to them.
///
/// # Errors
/// Those of Microsoft and of the table. May be repeated.
pub(super) async fn take_away(io: &Io, lease: &Lease, kept: &Enterprise, session: &Session) -> Result<Vec<Line>> {
    let known = remembered(io, lease, session).await?;
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let mut domains = Domains::gather(io, lease, kept, session).await?;
    domains.remove_all().await?;
    Ok(domains.lines)
}

/// A calling domain as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What is known of it.
    pub domain: CallingDomain,
    /// How far it is.
    pub state: DomainState,
    /// The chosen regions need it.
    pub needed: bool,
    /// What it waits for, where it waits.
    pub waits: Option<Finding>,
}

/// Every calling domain of an enterprise: those that its regions need and those that we made earlier. None before the tenant
/// is known.
///
/// # Errors
/// `Upstream`.
pub async fn shown(io: &Io, kept: &Enterprise, now: Timestamp) -> Result<Vec<Shown>> {
    let Some(tenant) = kept.setup.tenant() else {
        return Ok(Vec::new());
    };
    let needed: BTreeSet<String> = prepare::gateways(io, kept)
        .into_iter()
        .map(|domain| domain.to_lowercase())
        .collect();
    let known = io.store.calling_domains(&kept.id).await?;
    let known = known.into_iter().filter(|domain| domain.tenant == tenant.id);
    let mut all: BTreeMap<String, CallingDomain> = known.map(|domain| (domain.name.clone(), domain)).collect();
    for name in &needed {
        let planned = || CallingDomain::new(name, tenant.id.clone(), false, tenant.at);
        all.entry(name.clone()).or_insert_with(planned);
    }
    let one = |domain: CallingDomain| Shown {
        state: domain.state(),
        needed: needed.contains(&domain.name),
        waits: tenant::remembered(&domain, now),
        domain,
    };
    Ok(all.into_values().map(one).collect())
}

/// The calling domains of all enterprises whose records the provider has to publish, or whose tenants have not seen them yet;
/// longest waiting first.
///
/// # Errors
/// `Upstream`.
pub async fn unverified(io: &Io) -> Result<Vec<(EnterpriseId, CallingDomain)>> {
    let mut all = Vec::new();
    for shard in 0..PENDING_SHARDS {
        all.extend(io.store.unverified_domains(shard).await?);
    }
    all.sort_by(|(_, one), (_, other)| (one.asked, &one.name).cmp(&(other.asked, &other.name)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_domains_or_means_all() {
        let needed = ["a.sbc.example".to_owned(), "b.sbc.example".to_owned()];
        let refused = |words: &str| refused_in(words, &needed).into_iter().collect::<Vec<_>>();
        let words = "Can not use the \"B.sbc.example\" domain as it was not configured for this tenant";
        assert_eq!(refused(words), ["b.sbc.example"]);
        assert_eq!(refused("Not configured."), needed);
    }
}
