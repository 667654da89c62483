//! Resellers come into being, are activated by their owner, and change their brand.

use crate::domain::Invalid;
use crate::domain::application::Application;
use crate::domain::audit::{Author, Changed, Deed, changed};
use crate::domain::brand::Brand;
use crate::domain::caller::{Caller, Origin};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{MailId, ResellerId};
use crate::domain::letter::{Letter, Outgoing, Whose};
use crate::domain::once::Once;
use crate::domain::reseller::{self, ACTIVATION_LIFE, Activation, Reseller};
use crate::domain::visit::Link;
use crate::error::{Error, Result, SignInRefused};
use crate::io::Io;
use crate::io::store::enterprises::ListPage;
use crate::run::access::entry;
use crate::run::post;
use jiff::Timestamp;
use url::Url;

/// What can be said about a reseller, before it is checked.
#[derive(Clone, Debug)]
pub struct ResellerForm {
    /// The company's name.
    pub name: String,
    /// To whom the activation mail goes.
    pub owner: EmailAddress,
    /// What its customers see.
    pub brand: Brand,
    /// Origins of return addresses.
    pub return_origins: Vec<String>,
    /// Help for its customers' admins.
    pub help_url: Option<Url>,
}

/// Creates a reseller, whose account stays unusable until its owner follows the mail (R001). The same request again
/// answers with the same reseller and sends nothing more.
///
/// # Errors
/// `Invalid`, `KeyReused`.
pub async fn create(io: &Io, form: ResellerForm, author: &Author, once: &Once, now: Timestamp) -> Result<Reseller> {
    let name = reseller::name(&form.name)?;
    let brand = form.brand.checked()?;
    let return_origins = reseller::return_origins(&form.return_origins)?;
    if let Some(known) = io.store.answered(once, now).await? {
        return io.store.reseller(&parsed(&known)?).await;
    }
    usable(io, brand.application.as_ref()).await?;
    let id = ResellerId::mint(now, io.chance.bits());
    let activation = awaited(io, &id, now).await?;
    let reseller = Reseller {
        id,
        name,
        owner: form.owner,
        activation,
        brand,
        return_origins,
        help_url: form.help_url,
        created: now,
        version: 1,
    };
    let entry = entry(io, author, Deed::ResellerCreated, differences(None, &reseller), now);
    let mails = mails(io, &reseller, now);
    let id = io.store.create_reseller(&reseller, &mails, &entry, once, now).await?;
    if id == reseller.id {
        post::deliver(io, &mails).await;
    }
    io.store.reseller(&id).await
}

/// Changes a reseller that was read at version `seen`. Another owner before the activation is a correction: the link dies,
/// and a new one goes there.
///
/// # Errors
/// `Invalid`, also for another application by anybody but the provider; `Conflict` for another policy prefix once there are
/// enterprises; `Stale`.
pub async fn edit(
    io: &Io,
    kept: Reseller,
    form: ResellerForm,
    seen: u64,
    caller: &Caller,
    now: Timestamp,
) -> Result<Reseller> {
    if kept.version != seen {
        return Err(Error::Stale("the reseller"));
    }
    if form.brand.policy_prefix != kept.brand.policy_prefix && has_enterprises(io, &kept.id).await? {
        return Err(Error::Conflict(
            "policies with the prefix are in use in customers' tenants; it can change only while there are no enterprises"
                .into(),
        ));
    }
    let name = reseller::name(&form.name)?;
    let brand = form.brand.checked()?;
    if brand.application != kept.brand.application {
        if caller.role.reseller().is_some() {
            let why = "only the provider can set or change it; send it as you read it";
            return Err(Invalid::new("application", why).into());
        }
        usable(io, brand.application.as_ref()).await?;
    }
    let return_origins = reseller::return_origins(&form.return_origins)?;
    let corrected = form.owner != kept.owner && !kept.active();
    let activation = if corrected {
        awaited(io, &kept.id, now).await?
    } else {
        kept.activation.clone()
    };
    let next = Reseller {
        name,
        owner: form.owner,
        activation,
        brand,
        return_origins,
        help_url: form.help_url,
        version: seen + 1,
        ..kept.clone()
    };
    let author = caller.author(None);
    let entry = entry(io, &author, Deed::ResellerChanged, differences(Some(&kept), &next), now);
    let mails = if corrected { mails(io, &next, now) } else { Vec::new() };
    io.store.update_reseller(&next, &kept, &mails, &entry).await?;
    post::deliver(io, &mails).await;
    Ok(next)
}

/// A brand's application is of use only with its password.
async fn usable(io: &Io, application: Option<&Application>) -> Result<()> {
    match application {
        Some(Application { client_id, .. }) if !io.vault.knows_application(client_id).await? => {
            let why = "the deployment holds no client secret for it; add one under `applications`, then set it here";
            Err(Invalid::new("application.clientId", why).into())
        }
        Some(_) | None => Ok(()),
    }
}

async fn has_enterprises(io: &Io, reseller: &ResellerId) -> Result<bool> {
    let first = ListPage {
        after: None,
        limit: 1,
        newest_first: false,
    };
    let (some, _) = io.store.enterprises(reseller, &first, None).await?;
    Ok(!some.is_empty())
}

/// Sends the activation mail again; the old link dies. Gives the new one, to be copied.
///
/// # Errors
/// `Conflict` once the account is active, `KeyReused`, `Busy` if somebody was faster.
pub async fn resend_activation(io: &Io, kept: Reseller, author: &Author, once: &Once, now: Timestamp) -> Result<Url> {
    if let Some(known) = io.store.answered(once, now).await? {
        let until = known.parse();
        let until = until.map_err(|error| Error::upstream("read a remembered answer", error))?;
        return Ok(page(io, &token(io, &kept.id, until).await?));
    }
    if kept.active() {
        return Err(Error::Conflict("the account is active already".into()));
    }
    let activation = awaited(io, &kept.id, now).await?;
    let next = Reseller {
        activation,
        version: kept.version + 1,
        ..kept.clone()
    };
    let mails = mails(io, &next, now);
    let entry = entry(io, author, Deed::ActivationSent, Vec::new(), now);
    let until = now + ACTIVATION_LIFE;
    let made = io
        .store
        .renew_activation(&next, &kept, until, &mails, &entry, once)
        .await?;
    if made == until {
        post::deliver(io, &mails).await;
    }
    Ok(page(io, &token(io, &kept.id, made).await?))
}

/// Reads what an activation link leads to; changes nothing.
///
/// # Errors
/// `LinkClosed` alike for unknown, expired and replaced ones.
pub async fn awaiting(io: &Io, token: &str, now: Timestamp) -> Result<Reseller> {
    let closed = || Error::SignIn(SignInRefused::LinkClosed);
    let hash = io.vault.keyed_hash("link", token).await?;
    let Some(Link::Activation { reseller }) = io.store.link(&hash, now).await? else {
        return Err(closed());
    };
    io.store.reseller(&reseller).await
}

/// The owner has followed the mail and pressed the button: the account can be used.
///
/// # Errors
/// `LinkClosed`, `Stale`.
pub async fn activate(io: &Io, token: &str, origin: &Origin, now: Timestamp) -> Result<Reseller> {
    let kept = awaiting(io, token, now).await?;
    if kept.active() {
        return Ok(kept);
    }
    let next = Reseller {
        activation: Activation::Active { since: now },
        version: kept.version + 1,
        ..kept.clone()
    };
    let author = Author::visitor(kept.owner.as_str(), "activation link", origin);
    let entry = entry(io, &author, Deed::ResellerActivated, Vec::new(), now);
    io.store.update_reseller(&next, &kept, &[], &entry).await?;
    Ok(next)
}

fn page(io: &Io, token: &str) -> Url {
    io.config.public_page(&format!("/activate/{token}"))
}

/// The token of an activation link. It follows from the reseller, the link's end and the deployment's key, so that it is kept
/// nowhere, and whoever sends the mail has it.
async fn token(io: &Io, reseller: &ResellerId, until: Timestamp) -> Result<String> {
    io.vault
        .keyed_hash("activation link", &format!("{reseller} {until}"))
        .await
}

async fn awaited(io: &Io, reseller: &ResellerId, now: Timestamp) -> Result<Activation> {
    let until = now + ACTIVATION_LIFE;
    let token = token(io, reseller, until).await?;
    Ok(Activation::Awaited {
        link_hash: io.vault.keyed_hash("link", &token).await?,
        until,
    })
}

/// The link that the owner has to follow, while it is the newest one that ends at `until`.
///
/// # Errors
/// `Upstream`.
pub(super) async fn awaited_link(io: &Io, reseller: &Reseller, until: Timestamp) -> Result<Option<Url>> {
    let Activation::Awaited {
        link_hash,
        until: newest,
    } = &reseller.activation
    else {
        return Ok(None);
    };
    let token = token(io, &reseller.id, until).await?;
    let own = *newest == until && io.vault.keyed_hash("link", &token).await? == *link_hash;
    Ok(own.then(|| page(io, &token)))
}

/// E9, to be written with the activation that it is about.
fn mails(io: &Io, reseller: &Reseller, now: Timestamp) -> Vec<Outgoing> {
    let Activation::Awaited { until, .. } = reseller.activation else {
        return Vec::new();
    };
    vec![Outgoing {
        id: MailId::mint(now, io.chance.bits()),
        whose: Whose::Reseller(reseller.id.clone()),
        to: reseller.owner.clone(),
        recipient: reseller.owner.to_string(),
        letter: Letter::Activation { until },
        until: Some(until),
    }]
}

fn differences(before: Option<&Reseller>, after: &Reseller) -> Vec<Changed> {
    type Field = (&'static str, fn(&Reseller) -> Option<String>);
    let fields: [Field; 15] = [
        ("name", |reseller| Some(reseller.name.clone())),
        ("owner", |reseller| Some(reseller.owner.to_string())),
        ("brand.productName", |reseller| {
            Some(reseller.brand.product_name.clone())
        }),
        ("brand.policyPrefix", |reseller| {
            Some(reseller.brand.policy_prefix.clone())
        }),
        ("brand.voicePortalName", |reseller| {
            Some(reseller.brand.voice_portal_name.clone())
        }),
        ("brand.voicePortalUrl", |reseller| {
            Some(reseller.brand.voice_portal_url.to_string())
        }),
        ("brand.integrationPortalUrl", |reseller| {
            Some(reseller.brand.integration_portal_url.to_string())
        }),
        ("brand.accountContact", |reseller| {
            Some(reseller.brand.account_contact.clone())
        }),
        ("brand.providerContact", |reseller| {
            Some(reseller.brand.provider_contact.clone())
        }),
        ("brand.sender", |reseller| {
            reseller.brand.sender.as_ref().map(ToString::to_string)
        }),
        ("brand.replyTo", |reseller| {
            reseller.brand.reply_to.as_ref().map(ToString::to_string)
        }),
        ("brand.application.clientId", |reseller| {
            Some(reseller.brand.application.as_ref()?.client_id.to_string())
        }),
        ("brand.application.name", |reseller| {
            Some(reseller.brand.application.as_ref()?.name.clone())
        }),
        ("returnOrigins", |reseller| {
            let origins: Vec<&str> = reseller.return_origins.iter().map(String::as_str).collect();
            Some(origins.join(", ")).filter(|joined| !joined.is_empty())
        }),
        ("helpUrl", |reseller| {
            reseller.help_url.as_ref().map(ToString::to_string)
        }),
    ];
    let differs = |(field, of): Field| changed(field, before.and_then(of), of(after));
    fields.into_iter().filter_map(differs).collect()
}

fn parsed(id: &str) -> Result<ResellerId> {
    id.parse()
        .map_err(|invalid| Error::upstream("read a remembered answer", invalid))
}
