//! Reminders of a sync that waits: when and whom they reach, and what became of each day.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::duty::{Duty, Offer};
use shared::domain::email::EmailAddress;
use shared::domain::enterprise::Enterprise;
use shared::domain::ids::EnterpriseId;
use shared::domain::letter::Posted;
use shared::domain::reminded::{Done, Why};
use shared::domain::reminding::{Part, Quiet, RemindingForm as Form};
use shared::domain::unattended::Weekday;
use shared::io::Io;
use shared::run::reminding::{self, Outcome, Told};
use shared::run::{access, mail_desk};
use shared::web::extract::{Body, IfMatch, Params, Segments, etag};
use shared::web::problem::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// When and whom the reminders of an enterprise reach.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RemindingView {
    /// The hour of the enterprise's zone within which they leave.
    hour: i8,
    /// The enterprise's zone.
    time_zone: String,
    days: Vec<Weekday>,
    /// Times without reminders, such as holidays.
    quiet: Vec<Quiet>,
    #[schema(required)]
    snooze: Option<SnoozeView>,
    #[schema(required)]
    second_contact: Option<SecondContactForm>,
    /// After so many reminders that nobody acted on the reseller gets a task and a mail; never where `null`.
    #[schema(required)]
    escalate_after: Option<u32>,
    /// Who has taken the reminders over from the Global Admin.
    #[schema(required)]
    duty: Option<DutyView>,
    /// To whom they are offered.
    #[schema(required)]
    offer: Option<OfferView>,
}

/// No reminders for a while.
#[derive(Debug, Serialize, ToSchema)]
struct SnoozeView {
    /// The last day without a reminder.
    #[schema(value_type = String, format = "date")]
    until: Date,
    reason: String,
    by: String,
    /// When that was said. A sync that fails later is told all the same.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// Who has taken the reminders over.
#[derive(Debug, Serialize, ToSchema)]
struct DutyView {
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    name: String,
    #[schema(value_type = String, format = "date-time")]
    since: Timestamp,
}

/// To whom the reminders are offered.
#[derive(Debug, Serialize, ToSchema)]
struct OfferView {
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    name: String,
    /// Who offers.
    by: String,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = "date-time")]
    until: Timestamp,
}

impl From<Duty> for DutyView {
    fn from(duty: Duty) -> Self {
        Self {
            email: duty.email,
            name: duty.name,
            since: duty.since,
        }
    }
}

impl From<Offer> for OfferView {
    fn from(offer: Offer) -> Self {
        Self {
            until: offer.until(),
            email: offer.email,
            name: offer.name,
            by: offer.by,
        }
    }
}

async fn answer(io: &Io, kept: Enterprise) -> Result<impl IntoResponse + use<>> {
    let duty = kept.reminding.duty_of(&kept.global_admin).cloned();
    let taken = |offer: &Offer| duty.as_ref().is_some_and(|duty| duty.offer == offer.id);
    let offer = io.store.duty_offer(&kept.id, io.clock.now()).await?;
    let offer = offer.filter(|offer| offer.appointment == kept.global_admin.appointment && !taken(offer));
    let reminding = kept.reminding;
    let view = RemindingView {
        hour: reminding.hour,
        time_zone: kept.settings.time_zone,
        days: reminding.days.into_iter().collect(),
        quiet: reminding.quiet,
        snooze: reminding.snooze.map(|snooze| SnoozeView {
            until: snooze.until,
            reason: snooze.reason,
            by: snooze.by,
            at: snooze.at,
        }),
        second_contact: reminding.second.map(|second| SecondContactForm {
            email: second.email.to_string(),
            name: second.name,
            after_days: second.after_days,
        }),
        escalate_after: reminding.escalate_after,
        duty: duty.map(DutyView::from),
        offer: offer.map(OfferView::from),
    };
    Ok((etag(kept.version), Json(view)))
}

/// When and whom the reminders reach.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/reminding", operation_id = "getReminding", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path)),
    responses((status = 200, body = RemindingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn get(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    answer(&io, access.kept).await
}

/// When and whom the reminders are to reach, in place of what was before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RemindingForm {
    /// The hour of the enterprise's zone within which they leave.
    #[schema(minimum = 6, maximum = 20, example = 9)]
    hour: i8,
    /// The days of the week on which anybody is reminded.
    #[schema(min_items = 1, max_items = 7)]
    days: BTreeSet<Weekday>,
    /// Times without reminders, such as holidays.
    #[schema(max_items = 50)]
    quiet: Vec<Quiet>,
    /// No reminders for a while; `null` ends it.
    #[schema(required)]
    snooze: Option<SnoozeForm>,
    /// Who is written to in turns with the Global Admin when nobody acts; `null` for nobody.
    #[schema(required)]
    second_contact: Option<SecondContactForm>,
    /// After so many reminders that nobody acted on the reseller gets a task and a mail; `null` for never.
    #[schema(required, minimum = 1, maximum = 60)]
    escalate_after: Option<u32>,
}

/// No reminders for a while.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SnoozeForm {
    /// The last day without a reminder, at most 30 days from today.
    #[schema(value_type = String, format = "date")]
    until: Date,
    #[schema(min_length = 1, max_length = 120)]
    reason: String,
}

/// Who is written to when nobody acts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecondContactForm {
    #[schema(format = "email")]
    email: String,
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// After so many days without a sync.
    #[schema(minimum = 1, maximum = 60)]
    after_days: u32,
}

/// Decides when and whom the reminders reach. A snooze ends by itself, and earlier when a sync fails.
#[utoipa::path(put, path = "/v1/enterprises/{enterprise}/reminding", operation_id = "putReminding", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)), request_body = RemindingForm,
    responses((status = 200, body = RemindingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn put(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
    body: Body<RemindingForm>,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let form = body.value;
    let form = Form {
        hour: form.hour,
        days: form.days,
        quiet: form.quiet,
        snooze: form.snooze.map(|snooze| (snooze.until, snooze.reason)),
        second: form
            .second_contact
            .map(|second| (second.email, second.name, second.after_days)),
        escalate_after: form.escalate_after,
    };
    let kept = reminding::change(&io, access, form, seen, io.clock.now()).await?;
    answer(&io, kept).await
}

/// Gives the reminders back to the Global Admin. An offer of them ends, too.
#[utoipa::path(delete, path = "/v1/enterprises/{enterprise}/reminding/duty", operation_id = "takeDutyBack", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("If-Match" = String, Header)),
    responses((status = 200, body = RemindingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn take_back(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    IfMatch(seen): IfMatch,
) -> Result<impl IntoResponse> {
    let access = access::on(&io, caller, &enterprise).await?;
    let kept = reminding::take_back(&io, access, seen, io.clock.now()).await?;
    answer(&io, kept).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysParams {
    /// 1 to 100; 30 where left out.
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>, format = "date")]
    cursor: Option<Date>,
}

/// Days on which something waited, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReminderDays {
    items: Vec<ReminderDay>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>, format = "date")]
    next: Option<Date>,
}

/// A local day on which something waited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReminderDay {
    #[schema(value_type = String, format = "date")]
    day: Date,
    /// When that was decided.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    outcome: DayOutcome,
    /// Why there was none.
    #[schema(required)]
    why: Option<Why>,
    /// To whom it went; most of the address is hidden from those who only look on.
    #[schema(required)]
    to: Option<String>,
    /// In which part that person was reminded.
    #[schema(required)]
    part: Option<Part>,
    /// How far the mail is.
    #[schema(required)]
    mail: Option<Posted>,
}

/// `ambiguous`: nobody knows whether the mail left, and it is not sent again. `held`: it waits, and leaves while its day lasts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum DayOutcome {
    Sent,
    Ambiguous,
    Held,
    Skipped,
}

impl ReminderDay {
    fn seen_by(caller: &Caller, told: Told) -> Self {
        let (why, to) = match told.day.done {
            Done::Skipped { why } => (Some(why), None),
            Done::Claimed { to, .. } => (None, Some(to)),
            Done::Unknown => (None, None),
        };
        Self {
            day: told.day.day,
            at: told.day.at,
            outcome: match told.outcome {
                Outcome::Sent => DayOutcome::Sent,
                Outcome::Ambiguous => DayOutcome::Ambiguous,
                Outcome::Held => DayOutcome::Held,
                Outcome::Skipped => DayOutcome::Skipped,
            },
            why,
            part: to.as_ref().map(|to| to.part),
            to: to.map(|to| mail_desk::shown(caller, &to.email)),
            mail: told.mail,
        }
    }
}

/// The days on which something waited: each with its reminder, or with the reason why there was none.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/reminders", operation_id = "listReminders", tag = "sync", security(("jwt" = [])),
    params(("enterprise" = String, Path), DaysParams),
    responses((status = 200, body = ReminderDays), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn days(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(enterprise): Segments<EnterpriseId>,
    Params(params): Params<DaysParams>,
) -> Result<Json<ReminderDays>> {
    let access = access::on(&io, caller, &enterprise).await?;
    let limit = params.limit.unwrap_or(30).clamp(1, 100);
    let (days, next) = reminding::days(&io, &enterprise, params.cursor, limit, io.clock.now()).await?;
    Ok(Json(ReminderDays {
        items: days
            .into_iter()
            .map(|told| ReminderDay::seen_by(&access.caller, told))
            .collect(),
        next,
    }))
}
