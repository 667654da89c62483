//! What a mail about an enterprise would say now, before it is sent.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::email::EmailAddress;
use shared::domain::ids::EnterpriseId;
use shared::domain::mail_kind::MailKind;
use shared::io::Io;
use shared::run::access;
use shared::run::mail_preview::{self, Preview};
use shared::web::extract::{Params, Segments};
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MailPreviewParams {
    /// Which mail; where left out, the one that the enterprise's state asks for.
    mail: Option<MailKind>,
}

/// A mail as it would leave now. Nothing is sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailPreview {
    /// Which mail.
    mail: MailKind,
    /// The state as it is now asks for it.
    due: bool,
    /// When it is sent, in words.
    when: &'static str,
    from: MailSender,
    /// Where answers go; to the sender where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "email")]
    reply_to: Option<EmailAddress>,
    /// To whom; absent where that is not known before it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "email")]
    to: Option<EmailAddress>,
    subject: String,
    /// The plain part.
    text: String,
    /// The HTML part, a whole document. Show it in a frame without rights.
    html: String,
    /// Facts in it that are made up, in words; none where everything is as it would be sent.
    samples: Vec<&'static str>,
}

/// The sender as people see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MailSender {
    name: String,
    #[schema(value_type = String, format = "email")]
    address: EmailAddress,
}

impl From<Preview> for MailPreview {
    fn from(preview: Preview) -> Self {
        Self {
            mail: preview.kind,
            due: preview.due,
            when: preview.when,
            from: MailSender {
                name: preview.from_name,
                address: preview.from,
            },
            reply_to: preview.reply_to,
            to: preview.to,
            subject: preview.mail.subject,
            text: preview.mail.text,
            html: preview.mail.html,
            samples: preview.samples,
        }
    }
}

/// Writes a mail as it would be sent now, to whom, from the state as it is; what is not known yet is made up and named.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/mails/preview", operation_id = "previewMail", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), MailPreviewParams),
    responses((status = 200, body = MailPreview), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<MailPreviewParams>,
) -> Result<Json<MailPreview>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let preview = mail_preview::preview(&io, &access, params.mail, io.clock.now()).await?;
    Ok(Json(preview.into()))
}
