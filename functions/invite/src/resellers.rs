//! Resellers and their brands.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use shared::domain::brand::Brand;
use shared::domain::caller::{Action, Caller};
use shared::domain::email::EmailAddress;
use shared::domain::ids::ResellerId;
use shared::domain::reseller::Reseller;
use shared::io::Io;
use shared::run::access;
use shared::run::provision;
use shared::web::extract::{Body, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::ToSchema;

/// A reseller's name and what its customers see.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResellerForm {
    name: String,
    brand: BrandForm,
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
}

/// A reseller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResellerView {
    #[schema(value_type = String)]
    id: ResellerId,
    name: String,
    brand: BrandForm,
}

impl From<Reseller> for ResellerView {
    fn from(reseller: Reseller) -> Self {
        let brand = reseller.brand;
        Self {
            id: reseller.id,
            name: reseller.name,
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
            },
        }
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
        })
    }
}

/// Creates or replaces a reseller.
#[utoipa::path(put, path = "/v1/resellers/{reseller}", operation_id = "putReseller", tag = "resellers", security(("jwt" = [])),
    params(("reseller" = String, Path)), request_body = ResellerForm,
    responses((status = 200, body = ResellerView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(reseller): Segments<ResellerId>,
    body: Body<ResellerForm>,
) -> Result<impl IntoResponse> {
    access::on_reseller(&caller, &reseller, Action::ManageResellers)?;
    let reseller = provision::put_reseller(&io, &reseller, &body.value.name, body.value.brand.try_into()?).await?;
    Ok((etag(reseller.version), Json(ResellerView::from(reseller))))
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
    access::on_reseller(&caller, &reseller, Action::ReadReseller)?;
    let reseller = io.store.reseller(&reseller).await?;
    Ok((etag(reseller.version), Json(ResellerView::from(reseller))))
}
