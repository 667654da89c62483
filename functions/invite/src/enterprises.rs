//! Enterprises: the creation form, the list, one enterprise, and its invitation.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shared::domain::Invalid;
use shared::domain::caller::{Action, Caller, Role};
use shared::domain::consent::Consent;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::Enterprise;
use shared::domain::enterprise::{EnterpriseForm, Service};
use shared::domain::ids::{EnterpriseId, InvitationId, ResellerId};
use shared::domain::invitation::{Invitation, InvitationState};
use shared::domain::setup::Setup;
use shared::io::Io;
use shared::run::access;
use shared::run::provision;
use shared::web::extract::{Body, IdempotencyKey, Params, Segments, etag};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The creation form.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewEnterprise {
    /// Whose enterprise it will be; needed for provider staff, implied for resellers.
    #[schema(value_type = Option<String>)]
    reseller: Option<ResellerId>,
    /// `Enterprise Name`
    name: String,
    /// `Enterprise Admin Email ID`: the customer's Microsoft Global Administrator.
    #[schema(value_type = String, format = "email")]
    admin_email: EmailAddress,
    /// The admin's name, for greetings.
    admin_name: Option<String>,
    /// `User Limit`; left out means no limit.
    user_limit: Option<u32>,
    /// `PBX Music on Hold`
    #[serde(default)]
    pbx_music_on_hold: bool,
    /// `Access SIP Data`
    #[serde(default)]
    access_sip_data: bool,
    /// `Request Consent for Enterprise Management`
    #[serde(default)]
    request_management_consent: bool,
    /// `SBC Region`: one or more; choose the closest to the enterprise.
    sbc_regions: Vec<String>,
    /// `Services`
    services: Vec<Service>,
    /// `Assigned PBX Types`; needed with the service PBX, and only then.
    #[serde(default)]
    pbx_types: Vec<String>,
    /// IANA zone, such as `Europe/Brussels`.
    time_zone: String,
    billing_reference: Option<String>,
    /// Last day of a trial.
    #[schema(value_type = Option<String>, format = "date")]
    trial_end: Option<Date>,
}

impl From<NewEnterprise> for EnterpriseForm {
    fn from(form: NewEnterprise) -> Self {
        Self {
            name: form.name,
            admin_email: form.admin_email,
            admin_name: form.admin_name,
            user_limit: form.user_limit,
            pbx_music_on_hold: form.pbx_music_on_hold,
            access_sip_data: form.access_sip_data,
            request_management_consent: form.request_management_consent,
            sbc_regions: form.sbc_regions,
            services: form.services,
            pbx_types: form.pbx_types,
            time_zone: form.time_zone,
            billing_reference: form.billing_reference,
            trial_end: form.trial_end,
        }
    }
}

/// An enterprise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnterpriseView {
    #[schema(value_type = String)]
    id: EnterpriseId,
    #[schema(value_type = String)]
    reseller: ResellerId,
    name: String,
    global_admin: AdminView,
    user_limit: Option<u32>,
    pbx_music_on_hold: bool,
    access_sip_data: bool,
    request_management_consent: bool,
    sbc_regions: BTreeSet<String>,
    services: BTreeSet<Service>,
    pbx_types: BTreeSet<String>,
    time_zone: String,
    billing_reference: Option<String>,
    #[schema(value_type = Option<String>, format = "date")]
    trial_end: Option<Date>,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    setup: SetupView,
    /// The newest invitation; given for one enterprise, not in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<InvitationView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AdminView {
    name: Option<String>,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// The person has signed in at Microsoft and is recorded.
    confirmed: bool,
}

/// How far the connection to Microsoft has come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SetupView {
    /// `invited`, `bound` or `complete`
    state: &'static str,
    tenant: Option<TenantView>,
    sign_in_consent: &'static str,
    calling_consent: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TenantView {
    id: String,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvitationView {
    #[schema(value_type = String)]
    id: InvitationId,
    state: InvitationState,
    #[schema(value_type = String, format = "date-time")]
    created: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    expires: Timestamp,
}

fn consent(consent: &Consent) -> &'static str {
    match consent {
        Consent::Pending => "pending",
        Consent::Granted { .. } => "granted",
        Consent::Declined { .. } => "declined",
    }
}

fn setup(setup: &Setup) -> SetupView {
    let (state, consents) = match setup {
        Setup::Invited => ("invited", None),
        Setup::Bound { consents, .. } => ("bound", Some(consents)),
        Setup::Complete { consents, .. } => ("complete", Some(consents)),
    };
    SetupView {
        state,
        tenant: setup.tenant().map(|tenant| TenantView {
            id: tenant.id.to_string(),
            name: tenant.name.clone(),
        }),
        sign_in_consent: consents.map_or("pending", |consents| consent(&consents.sign_in)),
        calling_consent: consents.map_or("pending", |consents| consent(&consents.calling)),
    }
}

fn view(kept: Enterprise, invitation: Option<Invitation>) -> EnterpriseView {
    let enterprise = kept;
    let settings = enterprise.settings;
    EnterpriseView {
        id: enterprise.id,
        reseller: enterprise.reseller,
        name: settings.name,
        global_admin: AdminView {
            name: enterprise.global_admin.name,
            email: enterprise.global_admin.email,
            confirmed: enterprise.global_admin.identity.is_some(),
        },
        user_limit: settings.user_limit,
        pbx_music_on_hold: settings.pbx_music_on_hold,
        access_sip_data: settings.access_sip_data,
        request_management_consent: settings.request_management_consent,
        sbc_regions: settings.sbc_regions,
        services: settings.services,
        pbx_types: settings.pbx_types,
        time_zone: settings.time_zone,
        billing_reference: settings.billing_reference,
        trial_end: settings.trial_end,
        created: enterprise.created,
        setup: setup(&enterprise.setup),
        invitation: invitation.map(|invitation| InvitationView {
            id: invitation.id,
            state: invitation.state,
            created: invitation.created,
            expires: invitation.expires,
        }),
    }
}

async fn with_invitation(io: &Io, kept: Enterprise) -> Result<EnterpriseView> {
    let invitation = match &kept.invitation {
        Some(id) => Some(io.store.invitation(&kept.id, id).await?),
        None => None,
    };
    Ok(view(kept, invitation))
}

/// Whose enterprises are meant: the caller's own, or those of the reseller that provider staff name.
fn whose(caller: &Caller, named: Option<ResellerId>) -> Result<ResellerId> {
    match (&caller.role, named) {
        (Role::ResellerAdmin(own) | Role::ResellerViewer(own), None) => Ok(own.clone()),
        (_, Some(named)) => Ok(named),
        (_, None) => Err(Invalid::new("reseller", "name the reseller whose enterprises are meant").into()),
    }
}

/// Creates an enterprise and sends the invitation to its Global Admin.
#[utoipa::path(post, path = "/v1/enterprises", tag = "enterprises", security(("jwt" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = NewEnterprise,
    responses((status = 201, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn create(
    State(io): State<Arc<Io>>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<NewEnterprise>,
) -> Result<impl IntoResponse> {
    let once = key.once(&caller, &body);
    let mut form = body.value;
    let reseller = whose(&caller, form.reseller.take())?;
    access::on_reseller(&caller, &reseller, Action::Provision)?;
    let kept = provision::create_enterprise(&io, &reseller, form.into(), &once, io.clock.now()).await?;
    Ok((
        StatusCode::CREATED,
        etag(kept.version),
        Json(with_invitation(&io, kept).await?),
    ))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Whose; needed for provider staff.
    #[param(value_type = Option<String>)]
    reseller: Option<ResellerId>,
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<EnterpriseId>,
}

/// A page of enterprises, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnterpriseList {
    items: Vec<EnterpriseView>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next: Option<EnterpriseId>,
}

/// The enterprises of a reseller.
#[utoipa::path(get, path = "/v1/enterprises", tag = "enterprises", security(("jwt" = [])), params(ListParams),
    responses((status = 200, body = EnterpriseList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<EnterpriseList>> {
    let reseller = whose(&caller, params.reseller)?;
    access::on_reseller(&caller, &reseller, Action::ReadReseller)?;
    let limit = params.limit.unwrap_or(50).clamp(1, 100);
    let (items, next) = io.store.enterprises(&reseller, params.cursor.as_ref(), limit).await?;
    Ok(Json(EnterpriseList {
        items: items.into_iter().map(|kept| view(kept, None)).collect(),
        next,
    }))
}

/// One enterprise.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise, Action::Read).await?;
    let version = access.kept.version;
    Ok((etag(version), Json(with_invitation(&io, access.kept).await?)))
}

/// A new link, to be copied where mail does not arrive. The code goes by mail only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resent {
    link: String,
}

/// Sends a new invitation; the old link and code stop working.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/invitation", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 201, body = Resent), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn resend_invitation(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse, Error> {
    let access = access::on(&io, caller, &enterprise, Action::Invite).await?;
    let link = provision::resend_invitation(&io, access.kept, io.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(Resent { link: link.into() })))
}
