//! Whose users are synchronised: an explicit choice, never a silent default (R073).

use super::folded::folded;
use super::ids::GroupId;
use super::membership_rule::takes_everybody;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most groups that one choice may name: a sync reads each of them, and groups within a group count anyway.
pub const MOST_CHOSEN: usize = 50;

/// The choice between everyone and members of some groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupFilter {
    /// Nobody has chosen; a sync is refused (R073).
    #[default]
    Undecided,
    /// All users of the tenant (R074).
    Everyone,
    /// Members, also through nested groups, of at least one of these (R075, R077).
    Groups(Vec<ChosenGroup>),
}

impl GroupFilter {
    /// The same for the same choice: what was read through another one says nothing about this one.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Undecided => String::new(),
            Self::Everyone => "everyone".into(),
            Self::Groups(groups) => {
                let mut ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
                ids.sort_unstable();
                ids.join(" ")
            }
        }
    }
}

/// A group as it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenGroup {
    /// What counts.
    pub id: GroupId,
    /// What people read; as it was when chosen.
    pub name: String,
}

/// What kind of group Entra has (R078-R080).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupKind {
    /// A security group, mail-enabled or not.
    Security,
    /// A group whose members follow a rule.
    Dynamic,
    /// A Microsoft 365 group.
    Microsoft365,
    /// A distribution list; it cannot be chosen.
    Distribution,
}

/// A group of the tenant, as it can be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Entra's id.
    pub id: GroupId,
    /// Entra's display name.
    pub name: String,
    /// Which kind.
    pub kind: GroupKind,
    /// Why it cannot be chosen, where it cannot.
    pub banned: Option<Banned>,
    /// A dynamic group whose members Microsoft does not work out at present: they stay as they were.
    pub paused: bool,
    /// People in it, also through groups within it, as they were last counted; most groups of a large tenant are not.
    pub members: Option<u64>,
}

impl Group {
    /// Where it stands in a list by name: case and accents make no difference, and groups with one name keep an order.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            name: folded(&self.name),
            id: self.id.clone(),
        }
    }
}

/// A place in a list of groups by name. It stays where it is when the group there is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Folded.
    pub name: String,
    /// Of those with that name.
    pub id: GroupId,
}

/// The groups of a tenant, as they were last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupList {
    /// When the reading began; absent where they never were read.
    pub read_at: Option<Timestamp>,
    /// By name.
    pub groups: Vec<Group>,
}

impl GroupList {
    /// The group with this id.
    #[must_use]
    pub fn get(&self, id: &GroupId) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == *id)
    }
}

/// Why a group cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Banned {
    /// `All Users`: Microsoft does not keep it reliably complete (R081).
    AllUsers,
    /// `All Company`: likewise (R081).
    AllCompany,
    /// A distribution list gives nobody access to anything, and its members are not kept as those of groups are.
    Distribution,
}

impl Banned {
    /// Why, as a sentence goes on after the group's name.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::AllUsers => {
                "cannot be chosen: Microsoft does not keep the members of a group of all users reliably complete; choose \
                 everyone instead"
            }
            Self::AllCompany => {
                "cannot be chosen: Microsoft does not keep the members of All Company reliably complete; choose everyone \
                 instead"
            }
            Self::Distribution => {
                "cannot be chosen: it is a distribution list; choose a security group or a Microsoft 365 group"
            }
        }
    }
}

/// What Entra says of a group, as far as its kind goes.
#[derive(Clone, Copy, Debug)]
pub struct GroupFacts<'a> {
    /// `displayName`.
    pub name: &'a str,
    /// `mailNickname`.
    pub mail_nickname: &'a str,
    /// `groupTypes` contains `Unified`.
    pub unified: bool,
    /// `groupTypes` contains `DynamicMembership`.
    pub dynamic: bool,
    /// `securityEnabled`.
    pub security: bool,
    /// `membershipRule`.
    pub rule: Option<&'a str>,
}

impl GroupFacts<'_> {
    /// The kind that people know.
    #[must_use]
    pub fn kind(&self) -> GroupKind {
        match (self.dynamic, self.unified, self.security) {
            (true, _, _) => GroupKind::Dynamic,
            (false, true, _) => GroupKind::Microsoft365,
            (false, false, true) => GroupKind::Security,
            (false, false, false) => GroupKind::Distribution,
        }
    }

    /// No flag marks the two unreliable groups, so their rule and their names do (R081). A rule and a `mailNickname` stay
    /// when a group is renamed or has a name in another language. Nothing in a group tells an org-wide team.
    #[must_use]
    pub fn banned(&self) -> Option<Banned> {
        let name = folded(self.name);
        let named = |wanted: &str| name.split_whitespace().eq(wanted.split(' '));
        let nickname = self.mail_nickname.to_lowercase();
        if named("all users") || (self.dynamic && self.rule.is_some_and(takes_everybody)) {
            Some(Banned::AllUsers)
        } else if self.unified && (named("all company") || nickname.split('.').next() == Some("allcompany")) {
            Some(Banned::AllCompany)
        } else if self.kind() == GroupKind::Distribution {
            Some(Banned::Distribution)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: GroupFacts<'static> = GroupFacts {
        name: "Accounting",
        mail_nickname: "acc",
        unified: false,
        dynamic: false,
        security: true,
        rule: None,
    };

    #[test]
    fn r078_r080_three_kinds_can_be_chosen() {
        assert_eq!((PLAIN.kind(), PLAIN.banned()), (GroupKind::Security, None));
        let unified = GroupFacts {
            unified: true,
            security: false,
            ..PLAIN
        };
        assert_eq!((unified.kind(), unified.banned()), (GroupKind::Microsoft365, None));
        let dynamic = GroupFacts {
            dynamic: true,
            rule: Some("user.department -eq \"Sales\""),
            ..PLAIN
        };
        assert_eq!((dynamic.kind(), dynamic.banned()), (GroupKind::Dynamic, None));
    }

    #[test]
    fn r081_all_users_and_all_company_cannot() {
        let by_rule = |rule| {
            GroupFacts {
                name: "Everybody",
                dynamic: true,
                rule: Some(rule),
                ..PLAIN
            }
            .banned()
        };
        assert_eq!(by_rule("user.objectId -ne null"), Some(Banned::AllUsers));
        assert_eq!(by_rule("user.department -eq \"Sales\""), None);
        assert_eq!(
            GroupFacts {
                name: " ALL  users",
                ..PLAIN
            }
            .banned(),
            Some(Banned::AllUsers)
        );
        assert_eq!(
            GroupFacts {
                name: "All Company",
                unified: true,
                ..PLAIN
            }
            .banned(),
            Some(Banned::AllCompany)
        );
        assert_eq!(
            GroupFacts {
                name: "Renamed",
                mail_nickname: "AllCompany.31415.abcdefgh",
                unified: true,
                ..PLAIN
            }
            .banned(),
            Some(Banned::AllCompany)
        );
        assert_eq!(
            GroupFacts {
                security: false,
                ..PLAIN
            }
            .banned(),
            Some(Banned::Distribution)
        );
    }
}
