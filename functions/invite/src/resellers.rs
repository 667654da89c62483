//! Resellers, their brands and their activation.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::domain::Invalid;
use shared::domain::accent::Accent;
use shared::domain::application::Application;
use shared::domain::brand::Brand;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{ClientId, ResellerId};
use shared::domain::reseller::Reseller;
use shared::io::Io;
use shared::run::access;
use shared::run::resellers::{self, ResellerForm};
use shared::web::extract::{Body, IdempotencyKey, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;
use utoipa::{IntoParams, ToSchema};

/// A reseller's name, its owner, and what its customers see.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResellerBody {
    name: String,
    /// The activation mail goes here.
    #[schema(value_type = String, format = "email")]
    owner: EmailAddress,
    brand: BrandForm,
    /// Origins (`https://portal.example`) that people may be sent back to from action URLs.
    #[serde(default)]
    return_origins: Vec<String>,
    /// Help for its customers' admins, such as a video.
    help_url: Option<String>,
}

/// Names, addresses and contacts of a reseller's service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BrandForm {
    /// The product, as people say it.
    product_name: String,
    /// Prefix of the calling policies in Teams: 1 to 24 letters or digits.
    policy_prefix: String,
    voice_portal_name: String,
    voice_portal_url: String,
    /// The address that mails link to.
    integration_portal_url: String,
    /// Whom an account admin asks.
    account_contact: String,
    /// Whom to ask at the provider.
    provider_contact: String,
    /// Sender of mails; the service's own where absent.
    #[schema(value_type = Option<String>)]
    sender: Option<EmailAddress>,
    #[schema(value_type = Option<String>)]
    reply_to: Option<EmailAddress>,
    /// The application that Microsoft's consent page names; the service's own where absent. Only the provider changes it.
    application: Option<ApplicationForm>,
    /// The colour of buttons in mails, such as `#1f55b8`; white text has to be readable on it.
    accent: Option<String>,
    /// A picture for the head of mails, at an address that begins with https://.
    logo_url: Option<String>,
}

/// An application registered in Entra, whose client secret the deployment holds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApplicationForm {
    #[schema(value_type = String, format = "uuid")]
    client_id: ClientId,
    /// As it is registered, so that people can be told what to look for.
    name: String,
}

/// A reseller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResellerView {
    #[schema(value_type = String)]
    id: ResellerId,
    name: String,
    #[schema(value_type = String, format = "email")]
    owner: EmailAddress,
    /// `awaited` until the owner has followed the activation mail, then `active`
    activation: &'static str,
    brand: BrandForm,
    return_origins: BTreeSet<String>,
    help_url: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
}

impl From<Reseller> for ResellerView {
    fn from(reseller: Reseller) -> Self {
        let activation = if reseller.active() { "active" } else { "awaited" };
        let brand = reseller.brand;
        Self {
            id: reseller.id,
            name: reseller.name,
            owner: reseller.owner,
            activation,
            brand: BrandForm {
                product_name: brand.product_name,
                policy_prefix: brand.policy_prefix,
                voice_portal_name: brand.voice_portal_name,
                voice_portal_url: brand.voice_portal_url.into(),
                integration_portal_url: brand.integration_portal_url.into(),
                account_contact: brand.account_contact,
                provider_contact: brand.provider_contact,
                sender: brand.sender,
                reply_to: brand.reply_to,
                application: brand.application.map(|application| ApplicationForm {
                    client_id: application.client_id,
                    name: application.name,
                }),
                accent: brand.accent.map(String::from),
                logo_url: brand.logo_url.map(String::from),
            },
            return_origins: reseller.return_origins,
            help_url: reseller.help_url.map(String::from),
            created: reseller.created,
        }
    }
}

impl TryFrom<ResellerBody> for ResellerForm {
    type Error = Error;
    fn try_from(body: ResellerBody) -> Result<Self> {
        let help_url = body.help_url.map(|text| {
            let url: Option<Url> = text.parse().ok().filter(|url: &Url| url.scheme() == "https");
            url.ok_or_else(|| Invalid::new("helpUrl", "give a web address that begins with https://"))
        });
        Ok(Self {
            name: body.name,
            owner: body.owner,
            brand: body.brand.try_into()?,
            return_origins: body.return_origins,
            help_url: help_url.transpose()?,
        })
    }
}

impl TryFrom<BrandForm> for Brand {
    type Error = Error;
    fn try_from(form: BrandForm) -> Result<Self> {
        let url = |what: &str, text: &str| {
            text.parse()
                .map_err(|_| shared::domain::Invalid::new(what, "give a web address that begins with https://"))
        };
        Ok(Self {
            voice_portal_url: url("voicePortalUrl", &form.voice_portal_url)?,
            integration_portal_url: url("integrationPortalUrl", &form.integration_portal_url)?,
            product_name: form.product_name,
            policy_prefix: form.policy_prefix,
            voice_portal_name: form.voice_portal_name,
            account_contact: form.account_contact,
            provider_contact: form.provider_contact,
            sender: form.sender,
            reply_to: form.reply_to,
            application: form.application.map(|application| Application {
                client_id: application.client_id,
                name: application.name,
            }),
            accent: form.accent.map(Accent::try_from).transpose()?,
            logo_url: form.logo_url.map(|text| url("logoUrl", &text)).transpose()?,
        })
    }
}

/// Creates a reseller and sends the activation mail; the account is unusable until its owner follows it.
#[utoipa::path(post, path = "/v1/resellers", operation_id = "createReseller", tag = "resellers", security(("jwt" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = ResellerBody,
    responses((status = 201, body = ResellerView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(io): State<Arc<Io>>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<ResellerBody>,
) -> Result<impl IntoResponse> {
    access::provider(&caller)?;
    let once = key.once(&caller, &body);
    let author = caller.author(None);
    let kept = resellers::create(&io, body.value.try_into()?, &author, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, etag(kept.version), Json(ResellerView::from(kept))))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<ResellerId>,
}

/// A page of resellers, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResellerList {
    items: Vec<ResellerView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<ResellerId>,
}

/// All resellers.
#[utoipa::path(get, path = "/v1/resellers", operation_id = "listResellers", tag = "resellers", security(("jwt" = [])), params(ListParams),
    responses((status = 200, body = ResellerList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<ResellerList>> {
    access::provider(&caller)?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let (items, next) = io.store.resellers(params.cursor.as_ref(), limit).await?;
    Ok(Json(ResellerList {
        items: items.into_iter().map(ResellerView::from).collect(),
        next,
    }))
}

/// Changes a reseller: the whole form again.
#[utoipa::path(put, path = "/v1/resellers/{reseller}", operation_id = "putReseller", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path), ("If-Match" = String, Header)), request_body = ResellerBody,
    responses((status = 200, body = ResellerView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    IfMatch(seen): IfMatch,
    body: Body<ResellerBody>,
) -> Result<impl IntoResponse> {
    let kept = access::on_reseller(&io, &caller, &reseller).await?;
    let kept = resellers::edit(&io, kept, body.value.try_into()?, seen, &caller, io.clock.now()).await?;
    Ok((etag(kept.version), Json(ResellerView::from(kept))))
}

/// A reseller.
#[utoipa::path(get, path = "/v1/resellers/{reseller}", operation_id = "getReseller", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path)),
    responses((status = 200, body = ResellerView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
) -> Result<impl IntoResponse> {
    let kept = access::on_reseller(&io, &caller, &reseller).await?;
    Ok((etag(kept.version), Json(ResellerView::from(kept))))
}

/// A new activation link, to be copied where mail does not arrive.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActivationSent {
    link: String,
}

/// Sends the activation mail again; the old link stops working.
#[utoipa::path(post, path = "/v1/resellers/{reseller}/activation", operation_id = "resendActivation", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ActivationSent), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn resend_activation(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    key: IdempotencyKey,
) -> Result<impl IntoResponse> {
    let kept = access::on_reseller(&io, &caller, &reseller).await?;
    let author = caller.author(None);
    let once = key.bare(&caller, &format!("activation of {reseller}"));
    let link = resellers::resend_activation(&io, kept, &author, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(ActivationSent { link: link.into() })))
}
