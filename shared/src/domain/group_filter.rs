//! Whose users are synchronised: an explicit choice, never a silent default (R073).

use super::ids::GroupId;
use serde::{Deserialize, Serialize};

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
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ids.join(" ").as_bytes());
                hex::encode(digest.as_ref())
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
}

/// Why a group cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Banned {
    /// `All Users`: Microsoft does not keep it reliably complete (R081).
    AllUsers,
    /// `All Company`: likewise (R081).
    AllCompany,
    /// A distribution list holds no members that Graph keeps.
    Distribution,
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

    /// No flag marks the two unreliable groups, so their rule and their names do (R081).
    #[must_use]
    pub fn banned(&self) -> Option<Banned> {
        let name = self.name.trim().to_lowercase();
        let bare = |text: &str| {
            text.to_lowercase()
                .chars()
                .filter(|c| !c.is_whitespace() && !"()".contains(*c))
                .collect::<String>()
        };
        let rule_takes_all = self.dynamic
            && self.rule.is_some_and(|rule| {
                let rule = bare(rule).replace("-and", "and");
                rule == "user.objectid-nenull" || rule == "user.objectid-nenullanduser.usertype-eq\"member\""
            });
        if rule_takes_all || name == "all users" {
            Some(Banned::AllUsers)
        } else if self.unified && (name == "all company" || self.mail_nickname.eq_ignore_ascii_case("allcompany")) {
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
        assert_eq!(
            by_rule("(user.objectId -ne null) and (user.userType -eq \"Member\")"),
            Some(Banned::AllUsers)
        );
        assert_eq!(
            by_rule("(user.objectId -ne null) -and (user.userType -eq \"Member\")"),
            Some(Banned::AllUsers)
        );
        assert_eq!(
            GroupFacts {
                name: " ALL users",
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
                mail_nickname: "AllCompany",
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
