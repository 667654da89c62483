//! A person goes to Microsoft and comes back: what is sent along, and what is checked on return.

use crate::domain::audit::{Author, Deed};
use crate::domain::caller::Origin;
use crate::domain::calling_domain;
use crate::domain::consent::{CALLING_SCOPES, GRAPH, READING_SCOPES, SIGN_IN_SCOPES, TEAMS_ADMIN, TEAMS_ADMIN_SCOPE};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::reseller::Reseller;
use crate::domain::secret::Secret;
use crate::domain::setup::BoundTenant;
use crate::domain::standing::Standing;
use crate::domain::visit::{Purpose, Visit};
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::graph::{
    AdminConsent, Authorize, Challenge, GLOBAL_ADMINISTRATOR, Prompt, Redeem, SignedIn, Token, callback_refusal,
};
use crate::io::store::visits::SignInItem;
use crate::io::vault::sha256;
use crate::plan::onboard;
use crate::run::access::entry;
use crate::run::{operators, unattended};
use jiff::Timestamp;
use url::Url;

/// The scopes of the first request.
#[must_use]
pub fn sign_in_scopes() -> Vec<String> {
    SIGN_IN_SCOPES.map(str::to_owned).to_vec()
}

/// The scopes of the second request that belong to Graph: those of the first, and those for calling.
#[must_use]
pub fn calling_scopes() -> Vec<String> {
    sign_in_scopes()
        .into_iter()
        .chain(CALLING_SCOPES.map(|scope| format!("{GRAPH}/{scope}")))
        .collect()
}

/// The scopes of a look at the groups: those of the first request, and those of the second that read people and groups.
fn group_scopes() -> Vec<String> {
    let reading = READING_SCOPES.map(|scope| format!("{GRAPH}/{scope}"));
    sign_in_scopes().into_iter().chain(reading).collect()
}

/// The scopes of the second request, of both resources.
fn second_set() -> Vec<String> {
    let teams = format!("{TEAMS_ADMIN}/{TEAMS_ADMIN_SCOPE}");
    calling_scopes().into_iter().chain([teams]).collect()
}

/// Begins a sign-in for one browser; gives the address at Microsoft.
///
/// # Errors
/// `Upstream`.
pub async fn begin(
    io: &Io,
    enterprise: &Enterprise,
    purpose: Purpose,
    return_to: Option<Url>,
    browser: &Secret,
    now: Timestamp,
) -> Result<Url> {
    let reseller = io.store.reseller(&enterprise.reseller).await?;
    let application = match purpose {
        Purpose::Unattended => unattended::application(io)?,
        _ => application(io, &reseller),
    };
    let state = io.chance.token::<32>();
    let proof = Proof::of(io, &state, browser).await?;
    let tenant = enterprise.setup.tenant().map(|tenant| &tenant.id);
    let (tenant, scopes, prompt) = match &purpose {
        // No hint: the person must see which account answers.
        Purpose::SetUp { .. } => (tenant, sign_in_scopes(), Prompt::SelectAccount),
        Purpose::Consent { .. } | Purpose::Organization => {
            // What was reset here is still granted at Microsoft, which asks again only where it is told to.
            let again = enterprise.setup.complete();
            (
                tenant,
                second_set(),
                if again { Prompt::Consent } else { Prompt::Login },
            )
        }
        // After `Disable Sync` any tenant may answer (R067).
        Purpose::Sync { .. } if enterprise.sync_switch.off() => (None, second_set(), Prompt::SelectAccount),
        Purpose::Sync { .. } => (tenant, second_set(), Prompt::Login),
        // Its page asks for what the application has registered.
        Purpose::Unattended => (tenant, Vec::new(), Prompt::Login),
        Purpose::Management => (tenant, sign_in_scopes(), Prompt::SelectAccount),
        Purpose::Groups => (tenant, group_scopes(), Prompt::SelectAccount),
    };
    let account = operators::account(io, enterprise, &purpose).await?;
    let url = match (&purpose, tenant) {
        (Purpose::Organization | Purpose::Unattended, Some(tenant)) => io.sign_in.admin_consent_url(&AdminConsent {
            application,
            tenant,
            scopes: &[format!("{GRAPH}/.default")],
            state: &state,
        }),
        (Purpose::Organization | Purpose::Unattended, None) => return Err(SignInRefused::StateUnknown.into()),
        _ => io.sign_in.authorize_url(&Authorize {
            application,
            tenant,
            scopes: &scopes,
            state: &state,
            nonce: &proof.nonce,
            challenge: &proof.challenge.challenge,
            prompt: Some(prompt),
            login_hint: tenant.map(|_| account.as_str()),
        }),
    };
    let item = SignInItem {
        application: application.clone(),
        enterprise: enterprise.id.clone(),
        purpose,
        appointment: enterprise.global_admin.appointment,
        return_to,
        browser: sha256(browser.expose()),
        bound: tenant.cloned(),
    };
    io.store.begin_sign_in(&sha256(&state), &item, now).await?;
    Ok(url)
}

/// The application that asks the people of this reseller: its brand's, or the deployment's own (R070).
#[must_use]
pub fn application<'a>(io: &'a Io, reseller: &'a Reseller) -> &'a ClientId {
    let own = reseller.brand.application.as_ref();
    own.map_or(io.sign_in.application(), |application| &application.client_id)
}

/// What a callback must fit: made of the `state`, the browser's cookie and our key, and kept nowhere.
struct Proof {
    challenge: Challenge,
    nonce: String,
}

impl Proof {
    async fn of(io: &Io, state: &str, browser: &Secret) -> Result<Self> {
        let bound = format!("{state}.{}", browser.expose());
        Ok(Self {
            challenge: Challenge::new(io.vault.keyed_bytes("verifier", &bound).await?),
            nonce: io.vault.keyed_hash("nonce", &bound).await?,
        })
    }
}

/// What Microsoft sent the browser back with.
#[derive(Debug)]
pub struct Callback {
    /// Ours, unchanged.
    pub state: Option<String>,
    /// On success of a sign-in.
    pub code: Option<Secret>,
    /// `True` from the admin consent page, on success and on failure.
    pub admin_consent: Option<String>,
    /// The tenant that the admin consent page names. Anybody can write it: it is compared, and never believed.
    pub tenant: Option<String>,
    /// On failure.
    pub error: Option<String>,
    /// On failure, for people.
    pub error_description: Option<String>,
    /// Where the request came from.
    pub origin: Origin,
}

/// A visit at Microsoft that has ended well.
#[derive(Debug)]
pub enum Returned {
    /// A person signed in.
    Person {
        /// Whose.
        visit: Visit,
        /// What it was for.
        purpose: Purpose,
        /// Who, with which tokens.
        person: Box<SignedIn>,
    },
    /// The admin consent page says that the organization accepted, which is still to be proven.
    Organization {
        /// Whose.
        visit: Visit,
        /// What it was for.
        purpose: Purpose,
    },
}

/// One that has not.
#[derive(Debug)]
pub enum NotReturned {
    /// Nobody knows whose it was.
    Unknown(crate::Error),
    /// It was known, and refused.
    Refused {
        /// Whose.
        visit: Visit,
        /// What it was for.
        purpose: Purpose,
        /// Why.
        why: crate::Error,
    },
}

/// Takes the sign-in that belongs to a callback, in the browser that began it, and redeems the code.
///
/// # Errors
/// `NotReturned`; nothing has changed then but that the state is used up.
pub async fn finish(io: &Io, callback: Callback, browser: &Secret, now: Timestamp) -> Result<Returned, NotReturned> {
    let unknown = || NotReturned::Unknown(SignInRefused::StateUnknown.into());
    let state = callback.state.as_deref().filter(|state| state.len() <= 128);
    let state = state.ok_or_else(unknown)?;
    let taken = io
        .store
        .take_sign_in(&sha256(state), &sha256(browser.expose()), now)
        .await;
    let item = taken.map_err(NotReturned::Unknown)?.ok_or_else(unknown)?;
    let visit = Visit {
        enterprise: item.enterprise.clone(),
        appointment: item.appointment,
        return_to: item.return_to.clone(),
        origin: callback.origin.clone(),
    };
    let refused = |why: crate::Error| NotReturned::Refused {
        visit: visit.clone(),
        purpose: item.purpose.clone(),
        why,
    };
    if let Some(error) = &callback.error {
        let why = callback_refusal(error, callback.error_description.as_deref().unwrap_or_default());
        return Err(refused(in_bound_tenant(why, item.bound.is_some()).into()));
    }
    current(io, &visit).await.map_err(refused)?;
    if matches!(item.purpose, Purpose::Organization | Purpose::Unattended) {
        accepted_by(&callback, item.bound.as_ref()).map_err(|why| refused(why.into()))?;
        let purpose = item.purpose;
        return Ok(Returned::Organization { visit, purpose });
    }
    let (Some(code), None) = (callback.code, callback.admin_consent) else {
        return Err(refused(SignInRefused::StateUnknown.into()));
    };
    let scopes = match item.purpose {
        Purpose::SetUp { .. } | Purpose::Management => sign_in_scopes(),
        Purpose::Groups => group_scopes(),
        Purpose::Consent { .. } | Purpose::Organization | Purpose::Unattended | Purpose::Sync { .. } => {
            calling_scopes()
        }
    };
    let redeemed = async {
        let proof = Proof::of(io, state, browser).await?;
        let ask = Redeem {
            application: &item.application,
            client_secret: io.vault.entra_client_secret(&item.application).await?,
            tenant: item.bound.as_ref(),
            code: &code,
            verifier: &proof.challenge.verifier,
            scopes: &scopes,
            nonce: &proof.nonce,
        };
        io.sign_in.redeem(&ask, now).await
    };
    let person = redeemed.await.map_err(refused)?;
    Ok(Returned::Person {
        visit: visit.clone(),
        purpose: item.purpose,
        person: Box::new(person),
    })
}

/// On the path of the bound tenant, an account that Microsoft does not know there is one of another tenant (R066).
fn in_bound_tenant(why: SignInRefused, bound: bool) -> SignInRefused {
    match why {
        SignInRefused::Microsoft { code } if bound && code == "AADSTS50020" => SignInRefused::TenantMismatch,
        why => why,
    }
}

/// What the admin consent page sent back fits what was asked: no code, and no other tenant than the one whose page it was.
fn accepted_by(callback: &Callback, asked: Option<&TenantId>) -> Result<(), SignInRefused> {
    let says_so = callback
        .admin_consent
        .as_deref()
        .is_some_and(|said| said.eq_ignore_ascii_case("true"));
    if callback.code.is_some() || !says_so {
        return Err(SignInRefused::StateUnknown);
    }
    let named = callback
        .tenant
        .as_deref()
        .and_then(|tenant| tenant.parse::<TenantId>().ok());
    if named.is_none() || named.as_ref() != asked {
        return Err(SignInRefused::TenantMismatch);
    }
    Ok(())
}

/// The enterprise of a visit, as long as the person who began it may still be its Global Admin.
///
/// # Errors
/// `LinkClosed` once the role went to another person, or the integration is removed.
pub async fn current(io: &Io, visit: &Visit) -> Result<Enterprise> {
    let kept = io.store.enterprise(&visit.enterprise).await?;
    let over = matches!(kept.standing, Standing::Removed { .. });
    if over || kept.global_admin.appointment != visit.appointment {
        return Err(SignInRefused::LinkClosed.into());
    }
    Ok(kept)
}

/// The enterprise of a visit whose person has proven to be its Global Admin: the bound tenant, the recorded identity where
/// there is one, and the role.
///
/// # Errors
/// `LinkClosed`, `TenantMismatch` (R066), `NotRecorded` (R048), `NotGlobalAdmin` (R064).
pub async fn recorded(io: &Io, visit: &Visit, person: &SignedIn) -> Result<Enterprise> {
    let kept = current(io, visit).await?;
    onboard::recorded(&kept.setup, &kept.global_admin, &person.claims.identity)?;
    prove_global_admin(io, &person.access).await?;
    Ok(kept)
}

/// Records a new Global Admin at the first sign-in after the role was given to them; gives the enterprise as it is then.
///
/// # Errors
/// `Stale`.
pub async fn record(io: &Io, visit: &Visit, kept: Enterprise, person: &SignedIn, now: Timestamp) -> Result<Enterprise> {
    if kept.global_admin.identity.is_some() {
        return Ok(kept);
    }
    let seen = kept.version;
    let next = Enterprise {
        global_admin: onboard::known_as(&kept.global_admin, person.claims.identity.clone()),
        version: seen + 1,
        ..kept
    };
    let entry = entry(io, &author(visit, person), Deed::GlobalAdminRecorded, Vec::new(), now);
    io.store.update_enterprise(&next, seen, &entry, &[]).await?;
    Ok(next)
}

/// A person on our pages, as the audit trail names them.
#[must_use]
pub fn author(visit: &Visit, person: &SignedIn) -> Author {
    Author::visitor(&person.claims.name, person.claims.identity.user.as_str(), &visit.origin)
}

/// The person holds the role Global Administrator now, whatever an ID token may hint (R036, R064).
///
/// # Errors
/// `NotGlobalAdmin`, `ConsentIncomplete`, or why Microsoft could not be asked.
pub async fn prove_global_admin(io: &Io, token: &Token) -> Result<()> {
    prove_role(io, token, &[GLOBAL_ADMINISTRATOR]).await
}

/// The person holds one of these roles now, by their templates.
///
/// # Errors
/// `NotGlobalAdmin` with the roles that the person has, `ConsentIncomplete`, or why Microsoft could not be asked.
pub(super) async fn prove_role(io: &Io, token: &Token, enough: &[&str]) -> Result<()> {
    let roles = match io.graph.my_roles(token).await {
        // Without this one permission nobody's own roles can be read.
        Err(Error::Refused { status: 403, .. }) => {
            return Err(SignInRefused::lacking(vec!["User.Read"]).into());
        }
        read => read?,
    };
    let holds = |wanted: &&str| roles.iter().any(|role| role.template_id.eq_ignore_ascii_case(wanted));
    if enough.iter().any(holds) {
        return Ok(());
    }
    let has = roles.into_iter().map(|role| role.name).filter(|name| !name.is_empty());
    Err(SignInRefused::NotGlobalAdmin { has: has.collect() }.into())
}

/// The tenant that the person signed in to, read with their token.
///
/// # Errors
/// `TenantMismatch` where the token reads another one than the ID token names.
pub(super) async fn tenant_of(io: &Io, person: &SignedIn, now: Timestamp) -> Result<BoundTenant> {
    let organization = io.graph.organization(&person.access).await?;
    if organization.id != person.claims.identity.tenant {
        return Err(SignInRefused::TenantMismatch.into());
    }
    let longest = io.config.longest_base();
    Ok(BoundTenant {
        label: calling_domain::label(&organization.initial_label, &organization.id, longest),
        id: organization.id,
        name: organization.name,
        at: now,
    })
}
