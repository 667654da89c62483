//! Enterprises: the creation form, the list, one enterprise, and its invitation.

use crate::views::{EnterpriseView, answer, whole};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::Invalid;
use shared::domain::caller::{Caller, Role};
use shared::domain::enterprise::{EnterpriseForm, Service};
use shared::domain::ids::{EnterpriseId, ResellerId};
use shared::domain::state::State as EnterpriseState;
use shared::io::Io;
use shared::run::{access, list, provision};
use shared::web::extract::{Body, IdempotencyKey, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
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
    #[schema(format = "email")]
    admin_email: String,
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

/// Whose enterprises are meant: the caller's own, or those of the reseller that provider staff name.
fn whose(caller: &Caller, named: Option<ResellerId>) -> Result<ResellerId> {
    match (&caller.role, named) {
        (Role::ResellerAdmin(own) | Role::ResellerViewer(own), None) => Ok(own.clone()),
        (_, Some(named)) => Ok(named),
        (_, None) => Err(Invalid::new("reseller", "name the reseller whose enterprises are meant").into()),
    }
}

/// Creates an enterprise and sends the invitation to its Global Admin.
#[utoipa::path(post, path = "/v1/enterprises", operation_id = "createEnterprise", tag = "enterprises", security(("jwt" = [])),
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
    access::on_reseller(&io, &caller, &reseller).await?;
    let author = caller.author(None);
    let kept = provision::create_enterprise(&io, &reseller, form.into(), &author, &once, io.clock.now()).await?;
    Ok((StatusCode::CREATED, answer(&io, kept).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Whose; needed for provider staff.
    #[param(value_type = Option<String>)]
    reseller: Option<ResellerId>,
    /// Part of a name, of the admin's name or address, or of a billing reference.
    q: Option<String>,
    /// Only enterprises in this state.
    #[param(inline)]
    state: Option<EnterpriseState>,
    /// Only enterprises whose pending invitation is at least this many days old.
    invited_days: Option<u16>,
    /// The youngest first.
    #[serde(default)]
    newest_first: bool,
    /// 1 to 100; 50 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<EnterpriseId>,
}

/// A page of enterprises, with the labels of the first screen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnterpriseList {
    /// `Enterprises`
    title: &'static str,
    /// Headings of the columns, in their order.
    columns: [&'static str; 7],
    /// `Add Enterprise`, where the caller may.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<&'static str>,
    items: Vec<RowView>,
    /// Give it as `cursor` for the next page; absent on the last. With a filter a page may hold fewer than `limit` rows,
    /// even none, while there are more.
    #[schema(value_type = Option<String>)]
    next: Option<EnterpriseId>,
}

/// One row of the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RowView {
    enterprise: EnterpriseView,
    /// The state in words.
    state_text: &'static str,
    /// Licences in use, counted when the mapping last changed.
    licences_used: u32,
    /// For how many whole days the invitation has been waiting; absent once it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_days: Option<i64>,
    /// The row's menu: what this caller can do with it now.
    actions: Vec<ActionView>,
}

/// An entry of a row's menu.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActionView {
    /// `edit`, `disable`, `enable`, `resendInvitation`, `changeLicences`, `reassignGlobalAdmin`, `remove` or `restore`
    name: &'static str,
    label: &'static str,
    method: &'static str,
    path: String,
}

/// The enterprises of a reseller.
#[utoipa::path(get, path = "/v1/enterprises", operation_id = "listEnterprises", tag = "enterprises", security(("jwt" = [])), params(ListParams),
    responses((status = 200, body = EnterpriseList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<EnterpriseList>> {
    let reseller = whose(&caller, params.reseller)?;
    access::on_reseller(&io, &caller, &reseller).await?;
    let now = io.clock.now();
    let asked = list::Asked {
        q: params.q,
        state: params.state,
        invited_days: params.invited_days,
        newest_first: params.newest_first,
        limit: params.limit.unwrap_or(50).clamp(1, 100),
        after: params.cursor,
    };
    let page = list::page(&io, &caller, &reseller, asked, now).await?;
    let row = |row: list::Row| {
        let path = format!("/v1/enterprises/{}", row.listed.enterprise.id);
        let action = |action: list::MenuAction| ActionView {
            name: action.name,
            label: action.label,
            method: action.method,
            path: format!("{path}{}", action.path),
        };
        RowView {
            state_text: row.state.text(),
            licences_used: row.listed.sync.usage.used,
            invited_days: row.invited_days,
            actions: row.actions.into_iter().map(action).collect(),
            enterprise: crate::views::view(row.listed.enterprise, &row.listed.sync, None),
        }
    };
    Ok(Json(EnterpriseList {
        title: list::TITLE,
        columns: list::COLUMNS,
        add: page.may_add.then_some(list::ADD),
        items: page.rows.into_iter().map(row).collect(),
        next: page.next,
    }))
}

/// What the creation form offers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FormView {
    /// `Add Enterprise`
    title: &'static str,
    /// In their order on the form.
    fields: Vec<FieldView>,
    /// `Submit`
    submit: &'static str,
}

/// A field of the form.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FieldView {
    /// As the body of `POST /v1/enterprises` names it.
    name: &'static str,
    label: &'static str,
    required: bool,
    /// What can be chosen; absent where anything of the right type can be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<Vec<String>>,
    /// Shown only while this service is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_with_service: Option<Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

/// The fields of the creation form, with what the provider offers.
#[utoipa::path(get, path = "/v1/enterprise-form", operation_id = "getEnterpriseForm", tag = "enterprises", security(("jwt" = [])),
    params(FormParams),
    responses((status = 200, body = FormView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn form(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Params(params): Params<FormParams>,
) -> Result<Json<FormView>> {
    let reseller = whose(&caller, params.reseller)?;
    access::on_reseller(&io, &caller, &reseller).await?;
    let field = |field: list::Field| FieldView {
        name: field.name,
        label: field.label,
        required: field.required,
        choices: field.choices,
        only_with_service: field.only_with_service,
        advice: field.advice,
    };
    Ok(Json(FormView {
        title: list::ADD,
        fields: list::form(&io.config.offer()).into_iter().map(field).collect(),
        submit: "Submit",
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormParams {
    /// Whose; needed for provider staff.
    #[param(value_type = Option<String>)]
    reseller: Option<ResellerId>,
}

/// One enterprise.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}", operation_id = "getEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let version = access.kept.version;
    Ok((etag(version), Json(whole(&io, access.kept).await?)))
}

/// Changes an enterprise: the whole form again. Another number of licences is mailed to its Global Admin; another address
/// of an admin who has not signed in yet is a correction, and a new invitation goes there.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}", operation_id = "putEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = NewEnterprise,
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<NewEnterprise>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let mut form = body.value;
    if form.reseller.take().is_some_and(|named| named != access.kept.reseller) {
        return Err(Invalid::new("reseller", "an enterprise stays with its reseller; leave this out").into());
    }
    let kept = provision::edit(&io, access.kept, form.into(), seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}
