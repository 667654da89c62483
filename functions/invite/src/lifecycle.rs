//! What happens to an enterprise as a whole: disabled, enabled, another Global Admin, managed by its reseller, removed.

use crate::views::{EnterpriseView, ManagementView, answer, management};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::ids::EnterpriseId;
use shared::io::Io;
use shared::run::{access, appoint, manage, provision, remove};
use shared::web::extract::{Body, IfMatch, Segments};
use shared::web::problem::Problem;
use shared::{Error, Result};
use std::sync::Arc;
use utoipa::ToSchema;

/// Disables an enterprise: no syncs, no reminders. Its data stays.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/disable", operation_id = "disableEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn disable(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = provision::serve(&io, access.kept, false, seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}

/// Enables an enterprise again.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/enable", operation_id = "enableEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn enable(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = provision::serve(&io, access.kept, true, seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}

/// Removes the integration: a final sync takes back what is ours in Teams. It can be undone until that sync begins. Where
/// nothing was ever synchronised it is gone at once.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}", operation_id = "removeEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 202, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn remove(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = remove::order(&io, access.kept, seen, &author, io.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, answer(&io, kept).await?))
}

/// Takes a removal back, as long as its final sync has not begun.
#[utoipa::path(post, path = "/v1/enterprises/{enterprise}/restore", operation_id = "restoreEnterprise", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn restore(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let kept = remove::undo(&io, access.kept, seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}

/// Another Global Admin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminForm {
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    /// For greetings.
    name: Option<String>,
}

/// Gives the role of the Global Admin to another person. Invitation and sign-ins of the former one end at once; both are
/// told by mail.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/global-admin", operation_id = "putGlobalAdmin", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = AdminForm,
    responses((status = 200, body = EnterpriseView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn reassign(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<AdminForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let author = access.author();
    let AdminForm { email, name } = body.value;
    let kept = appoint::reassign(&io, access.kept, email, name, seen, &author, io.clock.now()).await?;
    answer(&io, kept).await
}

/// The Global Admin's answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagementForm {
    /// `true` is `Grant Consent`; `false` takes it back.
    granted: bool,
}

/// Lets the reseller manage the enterprise in place of its Global Admin, or no longer. Only the recorded Global Admin
/// answers.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/management-consent", operation_id = "putManagementConsent", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)), request_body = ManagementForm,
    responses((status = 200, body = ManagementView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn answer_management(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    body: Body<ManagementForm>,
) -> Result<Json<ManagementView>> {
    let access = access::on(&io, caller, &enterprise).await?;
    access.recorded_caller()?;
    let author = access.author();
    let kept = manage::answer(&io, access.kept, body.value.granted, &author, io.clock.now()).await?;
    Ok(Json(management(&kept)))
}

/// Whether call detail records may be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SipDataView {
    /// Always `true`; where it is not, there is nothing to see.
    access_sip_data: bool,
}

/// Asked by the view of call detail records, with the viewer's own token, before it shows any. Not found where the
/// enterprise's `Access SIP Data` is not ticked.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/sip-data", operation_id = "getSipDataAccess", tag = "enterprises", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = SipDataView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn sip_data(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<Json<SipDataView>> {
    let access = access::on(&io, caller, &enterprise).await?;
    if !access.kept.settings.access_sip_data {
        return Err(Error::NotFound("enterprise"));
    }
    Ok(Json(SipDataView { access_sip_data: true }))
}
