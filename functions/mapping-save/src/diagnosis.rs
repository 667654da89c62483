//! "Why not me?": why a Teams user cannot be mapped, or a voice user does not ring in Teams.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::Result;
use shared::domain::caller::Caller;
use shared::domain::finding::{Actor, Code, Wait};
use shared::domain::ids::{EnterpriseId, TeamsUserId, VoiceUserId};
use shared::io::Io;
use shared::run::access;
use shared::run::diagnosis::{self, About, Answer, Reason, Verdict, Weight};
use shared::web::extract::Segments;
use shared::web::problem::Problem;
use std::sync::Arc;
use utoipa::ToSchema;

/// What there is to say about whoever was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamsUserDiagnosis {
    /// Those who fit, by name, where more than one does: ask again with an `id` of them. Empty otherwise.
    choices: Vec<Choice>,
    /// More than these fit; give more of the name or the address.
    more_choices: bool,
    /// Absent while there is a choice to make.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<DiagnosisView>,
}

/// Somebody who fits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Choice {
    #[schema(value_type = String)]
    id: TeamsUserId,
    /// `Name (email)`
    label: String,
}

/// A diagnosis.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiagnosisView {
    /// Absent where nobody was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    teams_user: Option<Choice>,
    /// The voice user that was asked for, or that is mapped to the Teams user.
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_user: Option<VoiceUserChoice>,
    /// In a word.
    verdict: Verdict,
    /// In a sentence.
    text: String,
    /// What is not as it should be, in the order in which to go through it.
    findings: Vec<Check>,
    /// What was looked at and is fine.
    passed: Vec<String>,
    /// What only a sync can see.
    open: Vec<String>,
    /// How old the view of the tenant is.
    as_of: String,
    /// What to write to support, with the description and the phone numbers that they ask for; present where it is their
    /// turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    support_text: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VoiceUserChoice {
    #[schema(value_type = String)]
    id: VoiceUserId,
    name: String,
}

/// One thing that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Check {
    /// Stable; front ends and support articles hang on it.
    code: Code,
    /// `blocks` comes before everything else, `waits` comes with time, `warns` should be known.
    weight: Weight,
    /// Whom or what it concerns.
    subject: String,
    /// What was seen, in a sentence.
    seen: String,
    /// When a sync saw it in the tenant; absent where it follows from what is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    seen_at: Option<Timestamp>,
    /// What to do, in a sentence.
    fix: String,
    /// Who must act.
    actor: Actor,
    /// How long it takes; absent where the next try may follow at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<Wait>,
    /// The page that says more.
    help: String,
}

fn check(io: &Io, reason: Reason) -> Check {
    let finding = reason.finding;
    Check {
        help: diagnosis::help(io, finding.code),
        code: finding.code,
        weight: reason.weight,
        subject: finding.subject,
        seen: finding.seen,
        seen_at: reason.seen_at,
        fix: finding.fix,
        actor: finding.actor,
        wait: finding.wait,
    }
}

fn view(io: &Io, about: About) -> DiagnosisView {
    let found = about.diagnosis;
    DiagnosisView {
        teams_user: about.teams_user.map(|(id, label)| Choice { id, label }),
        voice_user: about.voice_user.map(|(id, name)| VoiceUserChoice { id, name }),
        verdict: found.verdict,
        text: found.text,
        findings: found.reasons.into_iter().map(|reason| check(io, reason)).collect(),
        passed: found.passed,
        open: found.open,
        as_of: found.as_of,
        support_text: about.ticket,
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct OneTeamsUser {
    enterprise: EnterpriseId,
    who: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneVoiceUser {
    enterprise: EnterpriseId,
    voice_user: VoiceUserId,
}

/// Why a Teams user cannot be mapped, or does not ring. `who` is Entra's id, an address, or a part of a name or address;
/// nobody who fits is an answer too, and says what that means with the groups that are chosen.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/teams-users/{who}/diagnosis", operation_id = "diagnoseTeamsUser", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("who" = String, Path)),
    responses((status = 200, body = TeamsUserDiagnosis), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn teams_user(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneTeamsUser>,
) -> Result<Json<TeamsUserDiagnosis>> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let answer = diagnosis::of_teams_user(&io, &access.kept, &path.who, io.clock.now()).await?;
    Ok(Json(match answer {
        Answer::Choose(choices, more_choices) => TeamsUserDiagnosis {
            choices: choices.into_iter().map(|(id, label)| Choice { id, label }).collect(),
            more_choices,
            diagnosis: None,
        },
        Answer::About(about) => TeamsUserDiagnosis {
            choices: Vec::new(),
            more_choices: false,
            diagnosis: Some(view(&io, *about)),
        },
    }))
}

/// Why a voice user does not ring in Teams: the same for it, and for the Teams user that it is mapped to or that has its
/// address.
#[utoipa::path(get, path = "/v1/enterprises/{enterprise}/voice-users/{voiceUser}/diagnosis", operation_id = "diagnoseVoiceUser", tag = "mapping", security(("jwt" = [])),
    params(("enterprise" = String, Path), ("voiceUser" = String, Path)),
    responses((status = 200, body = DiagnosisView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn voice_user(
    State(io): State<Arc<Io>>,
    caller: Caller,
    Segments(path): Segments<OneVoiceUser>,
) -> Result<Json<DiagnosisView>> {
    let access = access::on(&io, caller, &path.enterprise).await?;
    let about = diagnosis::of_voice_user(&io, &access.kept, &path.voice_user, io.clock.now()).await?;
    Ok(Json(view(&io, about)))
}
