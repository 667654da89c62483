//! `Sync User Groups`: whose users are synchronised, chosen after a sign-in of the Global Admin (R072-R086).

use crate::browser::{Visitor, failure, leading_back};
use crate::pages::{Back, GroupRow, GroupsPage};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use shared::domain::Invalid;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::{Banned, Group, GroupFilter, GroupKind};
use shared::domain::ids::GroupId;
use shared::domain::reseller::Reseller;
use shared::domain::secret::Secret;
use shared::domain::visit::{Outcome, Session};
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::group_filter::Choice;
use shared::run::{guide, sign_in};
use shared::{Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;

/// The most groups on one page; others are chosen by name.
const SHOWN: usize = 200;

/// What the page's form sends.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ChoiceForm {
    /// `everyone` or `groups`
    mode: String,
    /// Ids, once for each group that is ticked.
    group: Vec<String>,
    /// Names, a line each.
    names: String,
    /// The version that the page showed.
    version: u64,
}

impl ChoiceForm {
    /// A form's fields: a list has the same name several times.
    fn read(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "mode" => form.mode = value,
                "group" => form.group.push(value),
                "names" => form.names = value,
                "version" => form.version = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        form
    }

    fn choice(&self) -> Result<Choice> {
        let wrong = |why: String| Error::from(Invalid::new("groups", why));
        let names: Vec<String> = self
            .names
            .lines()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        match self.mode.as_str() {
            "everyone" if self.group.is_empty() && names.is_empty() => Ok(Choice::Everyone),
            "everyone" => Err(wrong(
                "you chose everyone, and groups as well: choose one of the two".into(),
            )),
            "groups" => {
                let id = |text: &String| text.parse().map_err(|_| wrong(format!("there is no group `{text}`")));
                let ids: Vec<GroupId> = self.group.iter().map(id).collect::<Result<_>>()?;
                Ok(Choice::Groups { ids, names })
            }
            _ => Err(wrong("choose everyone, or groups".into())),
        }
    }
}

/// A choice that was refused, with the reasons.
pub(crate) struct Refused {
    entered: ChoiceForm,
    why: Vec<String>,
}

/// The page with the choice that is in force, or the one that was refused.
pub(crate) async fn page(
    io: &Io,
    kept: Enterprise,
    reseller: &Reseller,
    session: &Session,
    refused: Option<Refused>,
) -> Result<GroupsPage> {
    let known = io.store.groups(&kept.id).await?;
    let (entered, wrong) = match refused {
        Some(Refused { entered, why }) => (entered, why),
        None => (in_force(&kept), Vec::new()),
    };
    let (groups, more) = rows(&known, &entered.group.iter().map(String::as_str).collect());
    Ok(GroupsPage {
        product: reseller.brand.product_name.clone(),
        tenant_name: kept
            .setup
            .tenant()
            .map(|tenant| tenant.name.clone())
            .unwrap_or_default(),
        wrong,
        advice: advice(&kept.group_filter, &known),
        enterprise: kept.settings.name,
        mode: entered.mode,
        groups,
        more,
        names: entered.names,
        version: entered.version,
        post_to: "/setup/groups".into(),
        back: guide::way_back(reseller, session.return_to.as_ref(), &Outcome::Declined).map(Back::from),
    })
}

fn in_force(kept: &Enterprise) -> ChoiceForm {
    let (mode, group) = match &kept.group_filter {
        GroupFilter::Undecided => ("", Vec::new()),
        GroupFilter::Everyone => ("everyone", Vec::new()),
        GroupFilter::Groups(groups) => ("groups", groups.iter().map(|group| group.id.to_string()).collect()),
    };
    ChoiceForm {
        mode: mode.into(),
        group,
        names: String::new(),
        version: kept.version,
    }
}

/// The groups to show, by name, and how many are left out. Those that are chosen are always there: what is not on the
/// page would be taken out of the choice.
fn rows(known: &[Group], chosen: &BTreeSet<&str>) -> (Vec<GroupRow>, usize) {
    let is_chosen = |group: &Group| chosen.contains(group.id.as_str()) && group.banned.is_none();
    let mut room = SHOWN.saturating_sub(known.iter().filter(|group| is_chosen(group)).count());
    let mut shown = Vec::new();
    for group in known {
        let chosen = is_chosen(group);
        if !chosen {
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        shown.push(GroupRow {
            id: group.id.to_string(),
            name: group.name.clone(),
            note: note(group),
            banned: group.banned.is_some(),
            chosen,
        });
    }
    let more = known.len() - shown.len();
    (shown, more)
}

fn note(group: &Group) -> &'static str {
    match (group.banned, group.kind) {
        (Some(Banned::AllUsers | Banned::AllCompany), _) => {
            "Cannot be chosen: Microsoft does not keep its members reliably complete."
        }
        (Some(Banned::Distribution), _) => "Cannot be chosen: a distribution list has no members that can be read.",
        (None, GroupKind::Security) => "Security group",
        (None, GroupKind::Dynamic) => "Dynamic group",
        (None, GroupKind::Microsoft365) => "Microsoft 365 group",
        (None, GroupKind::Distribution) => "Distribution list",
    }
}

/// What should be changed in the choice that is in force (R082, R087).
fn advice(filter: &GroupFilter, known: &[Group]) -> Vec<String> {
    let GroupFilter::Groups(chosen) = filter else {
        return Vec::new();
    };
    let mut advice = Vec::new();
    for group in chosen {
        match known.iter().find(|known| known.id == group.id) {
            None => advice.push(format!(
                "{} was chosen before and is gone from your organisation; it is left out when you save.",
                group.name
            )),
            Some(known) if known.banned.is_some() => advice.push(format!(
                "{} was chosen before and should be removed: Microsoft does not keep its members reliably complete. It is \
                 left out when you save.",
                group.name
            )),
            Some(_) => {}
        }
    }
    advice
}

/// Shows the choice to a person who has just completed the set-up, or came for it. It changes nothing.
#[utoipa::path(get, path = "/setup/groups", operation_id = "showGroupChoice", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Visitor { session, .. }: Visitor) -> Response {
    match current(&io, &session, None).await {
        Ok(page) => leading_back(page, session.return_to.as_ref()),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}

async fn current(io: &Io, session: &Session, refused: Option<Refused>) -> Result<GroupsPage> {
    if !session.may_choose() {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = sign_in::current(io, &session.visit()).await?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    page(io, kept, &reseller, session, refused).await
}

/// Saves the choice; it holds from the next sync on.
#[utoipa::path(post, path = "/setup/groups", operation_id = "chooseGroups", tag = "pages",
    request_body(content = ChoiceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to the next page."), (status = 403, content_type = "text/html", body = String),
        (status = 409, content_type = "text/html", body = String), (status = 422, content_type = "text/html", body = String)))]
pub(crate) async fn save(
    State(io): State<Arc<Io>>,
    Visitor { session, browser }: Visitor,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let entered = ChoiceForm::read(form.map(|Form(fields)| fields).unwrap_or_default());
    // Pressed twice, the second press finds the step over.
    if !session.may_choose() && session.outcome().is_some() {
        return Redirect::to("/setup").into_response();
    }
    match chosen(&io, &session, &browser, &entered).await {
        Ok(()) => Redirect::to("/setup").into_response(),
        Err(error) => again(&io, &session, entered, error).await,
    }
}

async fn chosen(io: &Io, session: &Session, browser: &Secret, entered: &ChoiceForm) -> Result<()> {
    guide::choose(io, session, browser, entered.choice()?, entered.version, io.clock.now()).await
}

/// The page once more, with the reasons and what was entered.
async fn again(io: &Io, session: &Session, mut entered: ChoiceForm, error: Error) -> Response {
    let visit = session.visit();
    let (status, why) = match error {
        Error::Invalid(wrong) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            wrong.into_iter().map(|wrong| wrong.why).collect(),
        ),
        Error::Stale(_) => match sign_in::current(io, &visit).await {
            Ok(kept) => {
                entered.version = kept.version;
                (StatusCode::CONFLICT, vec![overtaken(&kept.group_filter)])
            }
            Err(error) => return failure(io, Some(&visit), error).await,
        },
        error => return failure(io, Some(&visit), error).await,
    };
    match current(io, session, Some(Refused { entered, why })).await {
        Ok(page) => (status, leading_back(page, visit.return_to.as_ref())).into_response(),
        Err(error) => failure(io, Some(&visit), error).await,
    }
}

fn overtaken(filter: &GroupFilter) -> String {
    let in_force = match filter {
        GroupFilter::Undecided => "nothing".to_owned(),
        GroupFilter::Everyone => "everyone".to_owned(),
        GroupFilter::Groups(groups) => {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            names.join(", ")
        }
    };
    format!(
        "Somebody changed the enterprise while this page was open. Chosen now: {in_force}. Look at your choice again, then save."
    )
}
