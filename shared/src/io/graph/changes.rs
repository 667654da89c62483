//! What changed about users since a moment, by delta query.
//!
//! A round gives every selected field of a user who changed, those that did not change too; only what was never set is
//! left out. Yet replays and lag are allowed for: an entry that lacks what every account has is not believed, and the
//! account is read by itself.

use super::pages::{Pages, below};
use super::user_page::WireUser;
use super::users::{PATIENT, USER_FIELDS};
use super::{Graph, Token};
use crate::domain::directory::TeamsUser;
use crate::domain::ids::TeamsUserId;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use url::Url;

const DOING: &str = "read what changed about users";

/// The place in the stream of changes up to which they are known. It works for seven days, and tells nobody anything
/// without a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangesLink(String);

/// What happened to one account. The same account may come several times; the last one holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// It exists, is enabled, and is like this now.
    Here(TeamsUser),
    /// It was deleted, for good or not, or disabled.
    Gone(TeamsUserId),
}

/// What a read of changes came to.
#[derive(Debug)]
pub enum Changes {
    /// Some; there may be none.
    Page(Vec<UserChange>),
    /// That was all; the next round begins here.
    End(ChangesLink),
    /// Microsoft no longer knows what was known here. Read everything anew, and take nothing of this round.
    StartOver,
}

#[derive(Deserialize)]
struct ChangePage<'a> {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    end: Option<String>,
    #[serde(borrow)]
    value: Vec<WireUser<'a>>,
}

impl Graph {
    /// The present place, from which later changes can be read.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where no place comes.
    pub async fn changes_from_now(&self, token: &Token) -> Result<ChangesLink> {
        let url = self.url(
            &["users", "delta"],
            &[("$select", USER_FIELDS), ("$deltatoken", "latest")],
        );
        let mut changes = self.rounds(token, url);
        loop {
            match changes.next().await? {
                Changes::Page(_) => {}
                Changes::End(link) => return Ok(link),
                Changes::StartOver => return Err(Error::upstream(DOING, "there is no present place")),
            }
        }
    }

    /// The changes since `link`, a page at a time.
    #[must_use]
    pub fn changes<'a>(&'a self, token: &'a Token, link: &ChangesLink) -> ChangePages<'a> {
        // A place at another Graph than ours is worth nothing here, and gets no token.
        match Url::parse(&link.0).ok().filter(|url| below(&self.root, url)) {
            Some(url) => self.rounds(token, url),
            None => ChangePages(Round::Lost),
        }
    }

    fn rounds<'a>(&'a self, token: &'a Token, first: Url) -> ChangePages<'a> {
        let pages = Pages::new(self, token, DOING, first, &[PATIENT]);
        ChangePages(Round::Reading {
            graph: self,
            token,
            pages: Box::new(pages),
        })
    }

    /// The accounts themselves, where a page said too little of them.
    async fn one_by_one(&self, token: &Token, ids: &[TeamsUserId]) -> Result<Vec<UserChange>> {
        let urls: Vec<String> = ids
            .iter()
            .map(|id| format!("/users/{id}?$select={USER_FIELDS}"))
            .collect();
        let answers = self.batch(DOING, token, &urls, &[PATIENT]).await?;
        ids.iter()
            .zip(answers)
            .map(|(id, answer)| {
                if answer.status == 404 {
                    return Ok(UserChange::Gone(id.clone()));
                }
                let answer = answer.accept(DOING)?;
                let user: WireUser<'_> = answer.json(DOING)?;
                match read(user)? {
                    Entry::Known(change) => Ok(change),
                    Entry::Unfinished(_) => Err(Error::upstream(DOING, "an account lacks its fields")),
                }
            })
            .collect()
    }
}

/// Changes, one page in memory at a time.
pub struct ChangePages<'a>(Round<'a>);

enum Round<'a> {
    Reading {
        graph: &'a Graph,
        token: &'a Token,
        pages: Box<Pages<'a>>,
    },
    Ended(ChangesLink),
    Lost,
}

impl ChangePages<'_> {
    /// The next page, or how it ended; after the end it stays at that.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where a page cannot be read or leads elsewhere.
    pub async fn next(&mut self) -> Result<Changes> {
        let (graph, token, pages) = match &mut self.0 {
            Round::Reading { graph, token, pages } => (*graph, *token, pages),
            Round::Ended(link) => return Ok(Changes::End(link.clone())),
            Round::Lost => return Ok(Changes::StartOver),
        };
        let answer = match pages.fetch().await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(pages.broken("the round has no end")),
            Err(Error::Refused { status, code, .. }) if forgotten(status, &code) => {
                tracing::info!(
                    http.status = status,
                    microsoft.code = code,
                    "changes are no longer known; everything is read anew"
                );
                self.0 = Round::Lost;
                return Ok(Changes::StartOver);
            }
            Err(error) => return Err(error),
        };
        let page: ChangePage<'_> = answer.json(DOING)?;
        let end = match (page.next, page.end) {
            (Some(next), _) => {
                pages.turn(Some(&next))?;
                None
            }
            (None, Some(end)) => Some(end),
            (None, None) => return Err(pages.broken("the round has no end")),
        };
        let entries: Vec<Entry> = page.value.into_iter().map(read).collect::<Result<_>>()?;
        let changes = complete(graph, token, entries).await?;
        match end {
            None => Ok(Changes::Page(changes)),
            Some(end) => {
                self.0 = Round::Ended(ChangesLink(end));
                Ok(Changes::Page(changes))
            }
        }
    }
}

/// What an entry says.
enum Entry {
    Known(UserChange),
    Unfinished(TeamsUserId),
}

fn read(user: WireUser<'_>) -> Result<Entry> {
    let unusable = |error| Error::upstream(DOING, error);
    if user.is_gone() {
        return Ok(Entry::Known(UserChange::Gone(user.id().map_err(unusable)?)));
    }
    if !user.is_whole() {
        return Ok(Entry::Unfinished(user.id().map_err(unusable)?));
    }
    Ok(Entry::Known(UserChange::Here(user.into_user().map_err(unusable)?)))
}

/// Fills the gaps, in the order of the page.
async fn complete(graph: &Graph, token: &Token, entries: Vec<Entry>) -> Result<Vec<UserChange>> {
    let gaps: Vec<TeamsUserId> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Known(_) => None,
            Entry::Unfinished(id) => Some(id.clone()),
        })
        .collect();
    let mut filled = if gaps.is_empty() {
        Vec::new()
    } else {
        graph.one_by_one(token, &gaps).await?
    }
    .into_iter();
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Known(change) => Some(change),
            Entry::Unfinished(_) => filled.next(),
        })
        .collect())
}

/// Whether Microsoft says that it no longer knows the place. Besides 410 there are several codes for it, some under
/// 400 or 404; and a link that Microsoft made itself and now finds faulty is as good as forgotten.
fn forgotten(status: u16, code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    matches!(status, 400 | 404 | 410) || code.contains("syncstate") || code.contains("resync")
}

#[cfg(test)]
mod tests;
