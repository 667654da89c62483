//! `Sync User Groups`: whose users are synchronised, chosen after a sign-in of the Global Admin (R072-R088).

use crate::browser::{Visitor, failure, leading_back, to_microsoft};
use crate::pages::{Back, GroupRow, GroupsPage, PreviewView};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use shared::domain::Invalid;
use shared::domain::enterprise::Enterprise;
use shared::domain::group_filter::{Group, GroupFilter, GroupList};
use shared::domain::ids::GroupId;
use shared::domain::reseller::Reseller;
use shared::domain::schedule;
use shared::domain::secret::Secret;
use shared::domain::visit::{Outcome, Session};
use shared::error::SignInRefused;
use shared::io::Io;
use shared::run::group_filter::{Choice, Chosen, chosen, kind};
use shared::run::group_preview::{InGroup, People, Preview};
use shared::run::{browser_token, guide, sign_in};
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
    /// `yes` where a group without members is meant so.
    empty: String,
    /// The version that the page showed.
    version: u64,
    /// `save`, `preview`, or `sign-in` for another look at the groups; `save` where it is left out.
    #[serde(rename = "do")]
    what: String,
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
                "empty" => form.empty = value,
                "version" => form.version = value.parse().unwrap_or_default(),
                "do" => form.what = value,
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
                Ok(Choice::Groups {
                    ids,
                    names,
                    empty_too: self.empty == "yes",
                })
            }
            _ => Err(wrong("choose everyone, or groups".into())),
        }
    }

    /// The choice for a look at it: that a group is empty is what the look tells.
    fn looked_at(&self) -> Result<Choice> {
        let meant = Self {
            empty: "yes".into(),
            ..self.clone()
        };
        meant.choice()
    }
}

/// The page once more, with what was entered and what became of it.
#[derive(Default)]
pub(crate) struct Entered {
    form: ChoiceForm,
    wrong: Vec<String>,
    preview: Option<Preview>,
}

/// The page with the choice that is in force, or the one that was entered.
pub(crate) async fn page(
    io: &Io,
    kept: Enterprise,
    reseller: &Reseller,
    session: &Session,
    browser: &Secret,
    entered: Option<Entered>,
) -> Result<GroupsPage> {
    let known = io.store.group_list(&kept.id).await?;
    let entered = entered.unwrap_or_else(|| Entered {
        form: in_force(&kept),
        ..Entered::default()
    });
    let (groups, more) = rows(&known.groups, &entered.form.group.iter().map(String::as_str).collect());
    let chosen_now = chosen(&kept.group_filter, &known);
    let zone = schedule::zone(&kept.settings.time_zone)?;
    let preview = match &entered.preview {
        Some(preview) => Some(view(io, &kept, preview).await?),
        None => None,
    };
    Ok(GroupsPage {
        product: reseller.brand.product_name.clone(),
        tenant_name: kept.setup.tenant_name().to_owned(),
        wrong: entered.wrong,
        advice: chosen_now.iter().filter_map(Chosen::advice).collect(),
        enterprise: kept.settings.name.clone(),
        ask_empty: asks_for_empty(&entered.form, entered.preview.as_ref(), &known),
        empty: entered.form.empty == "yes",
        mode: entered.form.mode,
        groups,
        more,
        names: entered.form.names,
        version: entered.form.version,
        read_at: known.read_at.map(|at| schedule::display(at, &zone)),
        preview,
        can_preview: browser_token::is_kept(io, browser, io.clock.now()).await?,
        post_to: "/setup/groups".into(),
        back: guide::way_back(reseller, session.return_to.as_ref(), &Outcome::Declined).map(Back::from),
    })
}

/// Whether a chosen group has no members, as far as is known: then the page asks whether that is meant.
fn asks_for_empty(form: &ChoiceForm, preview: Option<&Preview>, known: &GroupList) -> bool {
    let seen = preview.is_some_and(|preview| preview.groups.iter().any(|(_, people)| *people == InGroup::People(0)));
    let choice = form.choice().ok();
    let names = |group: &Group| match &choice {
        Some(Choice::Groups { ids, names, .. }) => {
            ids.contains(&group.id) || names.iter().any(|name| name.eq_ignore_ascii_case(&group.name))
        }
        Some(Choice::Everyone) | None => false,
    };
    let mut empty = known.groups.iter().filter(|group| group.members == Some(0));
    seen || empty.any(names)
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
        version: kept.version,
        ..ChoiceForm::default()
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

fn note(group: &Group) -> String {
    if let Some(banned) = group.banned {
        return sentence(&format!("{}.", banned.why()));
    }
    let members = match group.members {
        None => String::new(),
        Some(0) => ", no members".into(),
        Some(1) => ", 1 member".into(),
        Some(count) => format!(", {count} members"),
    };
    let paused = if group.paused {
        "; its rule is paused, so who joins or leaves does not show"
    } else {
        ""
    };
    sentence(&format!("{}{members}{paused}", kind(group.kind)))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// A look at a choice, as the page shows it.
async fn view(io: &Io, kept: &Enterprise, preview: &Preview) -> Result<PreviewView> {
    let ids = preview.unassigned.iter().map(|one| one.teams_user.clone()).collect();
    let labels = io.store.teams_users(&kept.id, ids).await?;
    let unassigned = preview.unassigned.iter().map(|one| {
        let number = one
            .number
            .as_ref()
            .map(|number| format!(", {number}"))
            .unwrap_or_default();
        match labels.get(&one.teams_user) {
            Some(user) => format!("{}{number}: {}", one.name, user.label()),
            None => format!("{}{number}", one.name),
        }
    });
    let stops = preview.stops().map(|(name, people)| match people {
        InGroup::Gone => format!("{name} does not exist any more. Leave it out."),
        InGroup::Hidden => format!("{name} hides its members, so they cannot be synchronised. Leave it out."),
        InGroup::People(_) => format!("{name} exists and has no members. A sync stops until it has some."),
    });
    Ok(PreviewView {
        same: preview.same,
        stops: stops.collect(),
        groups: preview
            .groups
            .iter()
            .filter_map(|(name, people)| in_group(name, *people))
            .collect(),
        people: vec![
            list("in", "is", "are", &preview.inside),
            list("out", "is", "are", &preview.outside),
            list("synchronised anew", "would be", "would be", &preview.joining),
            list("left out from now on", "would be", "would be", &preview.leaving),
        ],
        figures: preview.figures.map(|figures| {
            let with = figures.phone_system - figures.excluded_by_calling_plan.min(figures.phone_system);
            format!(
                "{} of those who are in can be mapped: they have Teams Phone and no calling plan.",
                with
            )
        }),
        unassigned: unassigned.collect(),
        releases: preview.releases,
        approval: preview.approval,
    })
}

fn in_group(name: &str, people: InGroup) -> Option<String> {
    match people {
        InGroup::People(1) => Some(format!("{name}: 1 person")),
        InGroup::People(count) if count > 0 => Some(format!("{name}: {count} people")),
        InGroup::People(_) | InGroup::Gone | InGroup::Hidden => None,
    }
}

/// A list as a heading and the names in it.
fn list(what: &str, one: &str, many: &str, people: &People) -> (String, Vec<String>) {
    let named: Vec<String> = people.first().map(str::to_owned).collect();
    let heading = match people.count {
        0 => format!("Nobody {one} {what}"),
        1 => format!("1 person {one} {what}"),
        count => format!("{count} people {many} {what}"),
    };
    let more = people.count.saturating_sub(named.len() as u64);
    let rest = (more > 0 && !named.is_empty()).then(|| format!("and {more} more"));
    (heading, named.into_iter().chain(rest).collect())
}

/// Shows the choice to a person who has just completed the set-up, or came for it. It changes nothing.
#[utoipa::path(get, path = "/setup/groups", operation_id = "showGroupChoice", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 403, content_type = "text/html", body = String)))]
pub(crate) async fn show(State(io): State<Arc<Io>>, Visitor { session, browser }: Visitor) -> Response {
    match current(&io, &session, &browser, None).await {
        Ok(page) => leading_back(page, session.return_to.as_ref()),
        Err(error) => failure(&io, Some(&session.visit()), error).await,
    }
}

async fn current(io: &Io, session: &Session, browser: &Secret, entered: Option<Entered>) -> Result<GroupsPage> {
    if !session.may_choose() {
        return Err(SignInRefused::StateUnknown.into());
    }
    let kept = sign_in::current(io, &session.visit()).await?;
    let reseller = io.store.reseller(&kept.reseller).await?;
    page(io, kept, &reseller, session, browser, entered).await
}

/// Saves the choice, which holds from the next sync on; or shows what it would mean and saves nothing.
#[utoipa::path(post, path = "/setup/groups", operation_id = "chooseGroups", tag = "pages",
    request_body(content = ChoiceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "On to the next page, or to Microsoft's sign-in."), (status = 200, content_type = "text/html", body = String),
        (status = 403, content_type = "text/html", body = String),
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
    let done = match entered.what.as_str() {
        "preview" => looked(&io, &session, &browser, &entered).await,
        "sign-in" => guide::sign_in_for_groups(&io, &session, &browser, io.clock.now())
            .await
            .map(|url| to_microsoft(&url, &browser)),
        _ => chosen_and_on(&io, &session, &browser, &entered).await,
    };
    match done {
        Ok(done) => done,
        Err(error) => again(&io, &session, &browser, entered, error).await,
    }
}

async fn chosen_and_on(io: &Io, session: &Session, browser: &Secret, entered: &ChoiceForm) -> Result<Response> {
    let choice = entered.choice()?;
    guide::choose(io, session, browser, choice, entered.version, io.clock.now()).await?;
    Ok(Redirect::to("/setup").into_response())
}

async fn looked(io: &Io, session: &Session, browser: &Secret, entered: &ChoiceForm) -> Result<Response> {
    let preview = guide::preview(io, session, browser, &entered.looked_at()?, io.clock.now()).await?;
    let entered = Entered {
        form: entered.clone(),
        wrong: Vec::new(),
        preview: Some(preview),
    };
    let page = current(io, session, browser, Some(entered)).await?;
    Ok(leading_back(page, session.return_to.as_ref()))
}

/// The page once more, with the reasons and what was entered.
async fn again(io: &Io, session: &Session, browser: &Secret, mut form: ChoiceForm, error: Error) -> Response {
    let visit = session.visit();
    let look = form.what == "preview";
    let (status, wrong) = match error {
        Error::Invalid(wrong) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            wrong.into_iter().map(|wrong| wrong.why).collect(),
        ),
        Error::Stale(_) => match sign_in::current(io, &visit).await {
            Ok(kept) => {
                form.version = kept.version;
                (StatusCode::CONFLICT, vec![overtaken(&kept.group_filter)])
            }
            Err(error) => return failure(io, Some(&visit), error).await,
        },
        // A look that fails leaves the page as it is: the choice can be saved without it.
        Error::TokenExpired if look => (
            StatusCode::CONFLICT,
            vec!["the sign-in that lets you look at members has ended; sign in again for it, or save without".into()],
        ),
        Error::Conflict(why) if look => (StatusCode::CONFLICT, vec![why]),
        Error::Throttled { .. } if look => (
            StatusCode::SERVICE_UNAVAILABLE,
            vec!["Microsoft is busy; look again in a minute, or save without".into()],
        ),
        error => return failure(io, Some(&visit), error).await,
    };
    let entered = Entered {
        form,
        wrong,
        preview: None,
    };
    match current(io, session, browser, Some(entered)).await {
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
