//! Reading a list page by page, and knowing that it was read to its end.

use super::Token;
use crate::io::gate::Gate;
use crate::io::http::{Answer, Call, Http, Take};
use crate::{Error, Result};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use url::Url;

/// No list of ours is longer; with 999 entries a page this is five million.
const MOST_PAGES: usize = 5_000;

/// The pages of one list. After a failure every further read fails too: a list that broke off has no end.
pub(super) struct Pages<'a> {
    http: &'a Http,
    root: &'a Url,
    token: &'a Token,
    doing: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    gate: Option<&'a Gate>,
    paced: bool,
    next: Option<Url>,
    finished: bool,
    /// Hashes of the links that were followed.
    followed: HashSet<u64>,
    pub(super) expected: Option<u64>,
    seen: u64,
}

impl<'a> Pages<'a> {
    pub(super) fn new(
        graph: &'a super::Graph,
        token: &'a Token,
        doing: &'static str,
        first: Url,
        headers: &[(&'static str, &'static str)],
    ) -> Self {
        let mut pages = Self {
            http: &graph.http,
            root: &graph.root,
            token,
            doing,
            headers: headers.to_vec(),
            gate: None,
            paced: false,
            next: None,
            finished: false,
            followed: HashSet::new(),
            expected: None,
            seen: 0,
        };
        pages.remember(&first);
        pages.next = Some(first);
        pages
    }

    /// Every page is asked for through this gate.
    pub(super) fn through(mut self, gate: &'a Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// A list of Teams' administration: every page waits for its turn.
    pub(super) fn paced(mut self) -> Self {
        self.paced = true;
        self
    }

    /// The next page's answer; none when all were read.
    pub(super) async fn fetch(&mut self) -> Result<Option<Answer>> {
        let Some(call) = self.call()? else {
            return Ok(None);
        };
        self.http.send(&call).await.map(Some)
    }

    /// Passes the next page on as it comes; whether there was one.
    pub(super) async fn pass_on(&mut self, take: &mut Take<'_>) -> Result<bool> {
        let Some(call) = self.call()? else {
            return Ok(false);
        };
        self.http.pass_on(&call, take).await.map(|_| true)
    }

    /// The call for the next page; none when all were read.
    fn call(&mut self) -> Result<Option<Call<'a>>> {
        let Some(url) = self.next.take() else {
            return if self.finished {
                Ok(None)
            } else {
                Err(self.broken("an earlier page failed"))
            };
        };
        let mut call = Call::get(self.doing, url)
            .bearer(self.token.secret())
            .noted(self.token.recorder.as_ref())
            .up_to_mib(64)
            .through(self.gate);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if self.paced {
            call = self.token.mark(call);
        }
        Ok(Some(call))
    }

    /// Notes what the page held and where the next one is. Without a next one, the entries must be as many
    /// as the first page promised.
    pub(super) fn note(&mut self, count: Option<u64>, entries: usize, link: Option<&str>) -> Result<()> {
        self.expected = self.expected.or(count);
        self.seen += entries as u64;
        if link.is_none() && self.expected.is_some_and(|expected| self.seen < expected) {
            return Err(self.broken("fewer entries came than were promised"));
        }
        self.turn(link)
    }

    /// Notes where the next page is; without one, this was the last.
    pub(super) fn turn(&mut self, link: Option<&str>) -> Result<()> {
        match link {
            Some(link) => self.next = Some(self.follow(link)?),
            None => self.finished = true,
        }
        Ok(())
    }

    /// A token goes nowhere but to the Graph we were given.
    fn follow(&mut self, link: &str) -> Result<Url> {
        let url = Url::parse(link).map_err(|_| self.broken("the link to the next page is no address"))?;
        if !below(self.root, &url) {
            return Err(self.broken("the link to the next page leads elsewhere"));
        }
        if !self.remember(&url) {
            return Err(self.broken("the pages go round in a circle"));
        }
        if self.followed.len() > MOST_PAGES {
            return Err(self.broken("there are too many pages"));
        }
        Ok(url)
    }

    /// Whether the link is a new one.
    fn remember(&mut self, url: &Url) -> bool {
        let mut hasher = DefaultHasher::new();
        url.as_str().hash(&mut hasher);
        self.followed.insert(hasher.finish())
    }

    pub(super) fn broken(&self, why: &'static str) -> Error {
        Error::upstream(self.doing, why)
    }
}

/// Whether a link leads to the Graph we were given, so that a token may be sent there.
pub(super) fn below(root: &Url, url: &Url) -> bool {
    url.origin() == root.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path().starts_with(root.path())
}
