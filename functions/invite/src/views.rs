//! How an enterprise is shown.

use axum::Json;
use axum::response::IntoResponse;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use shared::Result;
use shared::domain::consent::Consent;
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::{Enterprise, Service};
use shared::domain::ids::{EnterpriseId, InvitationId, ResellerId};
use shared::domain::invitation::InvitationState;
use shared::domain::management::Management;
use shared::domain::setup::Setup;
use shared::domain::state::{State, state};
use shared::domain::sync_status::SyncStatus;
use shared::io::Io;
use shared::run::invitation::newest;
use shared::web::extract::etag;
use std::collections::BTreeSet;
use utoipa::ToSchema;

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
    /// Exactly one of the states of the status document.
    state: State,
    #[schema(value_type = String, format = "date-time")]
    state_since: Timestamp,
    setup: SetupView,
    management_consent: ManagementView,
    /// The newest invitation; given for one enterprise, not in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<InvitationView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminView {
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

/// The newest invitation in short; all about it is at `/invitation`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationView {
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
        Consent::Revoked { .. } => "revoked",
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

/// Whether the reseller may manage in place of the Global Admin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagementView {
    /// The reseller asks for it.
    requested: bool,
    /// `pending`, `granted` or `withdrawn`
    state: &'static str,
    by: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    at: Option<Timestamp>,
}

pub(crate) fn management(kept: &Enterprise) -> ManagementView {
    let (state, by, at) = match &kept.management {
        Management::Pending => ("pending", None, None),
        Management::Granted { at, by } => ("granted", Some(by.clone()), Some(*at)),
        Management::Withdrawn { at, by } => ("withdrawn", Some(by.clone()), Some(*at)),
    };
    ManagementView {
        requested: kept.settings.request_management_consent,
        state,
        by,
        at,
    }
}

pub(crate) fn view(kept: Enterprise, sync: &SyncStatus, invitation: Option<InvitationView>) -> EnterpriseView {
    let enterprise = kept;
    let (state, state_since) = state(&enterprise, sync);
    let management_consent = management(&enterprise);
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
        state,
        state_since,
        setup: setup(&enterprise.setup),
        management_consent,
        invitation,
    }
}

/// An enterprise with what is kept beside it.
pub(crate) async fn whole(io: &Io, kept: Enterprise) -> Result<EnterpriseView> {
    let sync = io.store.sync_status(&kept.id).await?;
    let now = io.clock.now();
    let invitation = newest(io, &kept).await?.map(|found| InvitationView {
        state: found.at(now),
        created: found.created,
        expires: found.expires,
        id: found.id,
    });
    Ok(view(kept, &sync, invitation))
}

/// The answer to a change: the enterprise as it is now, with its new `ETag`.
pub(crate) async fn answer(io: &Io, kept: Enterprise) -> Result<impl IntoResponse + use<>> {
    Ok((etag(kept.version), Json(whole(io, kept).await?)))
}
