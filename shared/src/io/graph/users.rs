//! Reading the users of a tenant or of a group, a page at a time, and counting them.

use super::pages::Pages;
use super::user_page::PageReader;
use super::wire::{Single, WireVisibility, plain_number};
use super::{EVENTUAL, Graph, Token, quoted};
use crate::domain::directory::TeamsUser;
use crate::domain::ids::GroupId;
use crate::io::gate::Gate;
use crate::io::http::Call;
use crate::{Error, Result};
use url::Url;

/// What `user_page.rs` reads; nothing else leaves Microsoft (R084).
pub(super) const USER_FIELDS: &str = "id,displayName,mail,userPrincipalName,userType,usageLocation,accountEnabled,onPremisesSyncEnabled,assignedLicenses,assignedPlans";
/// A long read gives way to people who wait.
pub(super) const PATIENT: (&str, &str) = ("x-ms-throttle-priority", "low");
const ENABLED: &str = "accountEnabled eq true";

/// A read of so many accounts is not worth another one beside it.
const ACCOUNTS_A_RANGE: u64 = 5_000;
/// Where sign-in names are cut; people's names begin with these letters about equally often.
const CUTS: [&str; 15] = [
    "al", "b", "ch", "da", "e", "g", "ja", "jo", "ke", "m", "ma", "n", "ra", "sb", "t",
];

/// Accounts whose sign-in name lies between two others, both included; without an end it is open there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first name.
    pub from: Option<String>,
    /// The last name.
    pub to: Option<String>,
}

impl Range {
    /// Everybody.
    pub const ALL: Self = Self { from: None, to: None };

    fn filter(&self) -> String {
        let mut filter = ENABLED.to_owned();
        for (operator, end) in [("ge", &self.from), ("le", &self.to)] {
            if let Some(end) = end {
                filter.push_str(&format!(" and userPrincipalName {operator} '{}'", quoted(end)));
            }
        }
        filter
    }
}

/// Into how many parts a directory of so many accounts is cut, to be read beside each other: one up to 5,000 accounts,
/// at most sixteen.
///
/// Together they hold everybody, however Microsoft sorts letters, digits and signs, as long as it does so in one way:
/// whoever is not in the first part comes after the first cut; whoever is also not in the second one, which begins
/// there, comes after the second cut; and so on until the last part, which has no end. Somebody whose name is a cut is
/// in two of them.
#[must_use]
pub fn ranges(accounts: u64) -> Vec<Range> {
    let parts = accounts.div_ceil(ACCOUNTS_A_RANGE).clamp(1, CUTS.len() as u64 + 1) as usize;
    let cut = |nth: usize| CUTS.get((nth * (CUTS.len() + 1) / parts).wrapping_sub(1));
    (0..parts)
        .map(|nth| Range {
            from: cut(nth).filter(|_| nth > 0).map(|name| (*name).to_owned()),
            to: cut(nth + 1).filter(|_| nth + 1 < parts).map(|name| (*name).to_owned()),
        })
        .collect()
}

/// The people of a group.
pub enum Members<'a> {
    /// Here they are.
    Listed(Box<UserPages<'a>>),
    /// There is no such group any more.
    Gone,
    /// The group hides its members from applications such as ours.
    Hidden,
}

impl Graph {
    /// How many enabled accounts the tenant has, guests included.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where the answer is no number.
    pub async fn count_users(&self, token: &Token) -> Result<u64> {
        self.count(token, self.users_count(ENABLED), None).await
    }

    /// How many enabled accounts the tenant has that are no guests.
    ///
    /// # Errors
    /// As `count_users`.
    pub async fn count_members(&self, token: &Token) -> Result<u64> {
        let filter = format!("{ENABLED} and userType eq 'Member'");
        self.count(token, self.users_count(&filter), None).await
    }

    /// The enabled accounts of a range, a page at a time.
    #[must_use]
    pub fn users<'a>(&'a self, token: &'a Token, range: &Range, gate: &'a Gate) -> UserPages<'a> {
        let filter = range.filter();
        let url = self.url(
            &["users"],
            &[
                ("$select", USER_FIELDS),
                ("$filter", &filter),
                ("$count", "true"),
                ("$top", "999"),
            ],
        );
        UserPages::new(self, token, "read the users", url, self.users_count(&filter), gate)
    }

    /// The enabled accounts in a group, also through groups in it, a page at a time.
    ///
    /// # Errors
    /// Those of Microsoft.
    pub async fn group_members<'a>(&'a self, token: &'a Token, group: &GroupId, gate: &'a Gate) -> Result<Members<'a>> {
        let doing = "read the members of a group";
        let path = [
            "groups",
            group.as_str(),
            "transitiveMembers",
            "microsoft.graph.user",
            "$count",
        ];
        let fields = [("$select", USER_FIELDS), ("$count", "true"), ("$top", "999")];
        let url = self.url(&path[..4], &fields);
        let mut pages = UserPages::new(self, token, doing, url, self.url(&path, &[]), gate);
        match pages.read().await {
            Ok(first) => {
                pages.first = first;
                Ok(Members::Listed(Box::new(pages)))
            }
            Err(Error::Refused { status: 404, .. }) => Ok(Members::Gone),
            // The same answer as to an application without the permission to read members.
            Err(Error::Refused { status: 403, .. }) if self.hides_members(token, group).await? => Ok(Members::Hidden),
            Err(error) => Err(error),
        }
    }

    async fn hides_members(&self, token: &Token, group: &GroupId) -> Result<bool> {
        let url = self.url(&["groups", group.as_str()], &[("$select", "id,visibility")]);
        let found: Single<WireVisibility> = self.get("read a group", token, url).await?;
        let visibility = found.into_inner().and_then(|group| group.visibility);
        Ok(visibility.is_some_and(|kind| kind.eq_ignore_ascii_case("HiddenMembership")))
    }

    fn users_count(&self, filter: &str) -> Url {
        self.url(&["users", "$count"], &[("$filter", filter)])
    }

    async fn count(&self, token: &Token, url: Url, gate: Option<&Gate>) -> Result<u64> {
        let doing = "count the users";
        let call = Call::get(doing, url)
            .bearer(&token.secret)
            .noted(token.recorder.as_ref())
            .header(EVENTUAL.0, EVENTUAL.1)
            .header(PATIENT.0, PATIENT.1)
            .through(gate);
        plain_number(&self.send(call).await?, doing)
    }
}

/// Enabled accounts, one page in memory at a time.
pub struct UserPages<'a> {
    pages: Pages<'a>,
    doing: &'static str,
    graph: &'a Graph,
    token: &'a Token,
    gate: &'a Gate,
    /// Counts what the pages list.
    recount: Url,
    first: Option<Vec<TeamsUser>>,
    /// A hash for each entry that came, so that one that came twice does not stand in for one that is missing.
    seen: Vec<u64>,
}

impl<'a> UserPages<'a> {
    fn new(graph: &'a Graph, token: &'a Token, doing: &'static str, first: Url, recount: Url, gate: &'a Gate) -> Self {
        Self {
            pages: Pages::new(graph, token, doing, first, &[EVENTUAL, PATIENT]).through(gate),
            doing,
            graph,
            token,
            gate,
            recount,
            first: None,
            seen: Vec::new(),
        }
    }

    /// The next page; it may be empty, and hold users that an earlier one held. None after the last one, and only when
    /// as many have come as there are.
    ///
    /// # Errors
    /// Those of Microsoft; `Upstream` where a page cannot be read, leads elsewhere, or entries are missing at the
    /// end. After an error every further call is one.
    pub async fn next(&mut self) -> Result<Option<Vec<TeamsUser>>> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<TeamsUser>>> {
        let mut reader = PageReader::default();
        let mut take = |piece: Option<&[u8]>| match piece {
            Some(piece) => reader.take(piece),
            None => reader = PageReader::default(),
        };
        if !self.pages.pass_on(&mut take).await? {
            return Ok(None);
        }
        let page = reader.finish(self.doing)?;
        self.pages.expected = self.pages.expected.or(page.count);
        self.seen.extend(page.marks);
        if page.next.is_none() {
            self.complete().await?;
        }
        self.pages.turn(page.next.as_deref())?;
        Ok(Some(page.users))
    }

    /// Fewer may have come than were promised because somebody left meanwhile; so they are counted again.
    async fn complete(&mut self) -> Result<()> {
        self.seen.sort_unstable();
        self.seen.dedup();
        let came = self.seen.len() as u64;
        if self.expected().is_some_and(|expected| came >= expected) {
            return Ok(());
        }
        let now = self
            .graph
            .count(self.token, self.recount.clone(), Some(self.gate))
            .await?;
        if came < now {
            return Err(self.pages.broken("fewer entries came than were promised"));
        }
        Ok(())
    }

    /// How many there are, disabled members of a group included, as the first page says.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.pages.expected
    }
}

#[cfg(test)]
mod tests;
