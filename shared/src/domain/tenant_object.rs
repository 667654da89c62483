//! What a tenant has for calling as a whole, beside its users: the objects that carry a brand's name (R154-R161), with
//! their settings, what is changed of them, and what we remember of having made them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What kind of object. The order is that of making: what another kind leads to comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectKind {
    /// A domain of the session border controllers, below the tenant's own label.
    CallingDomain,
    /// A PSTN usage.
    PstnUsage,
    /// A voice route.
    VoiceRoute,
    /// A voice routing policy.
    VoiceRoutingPolicy,
    /// A calling policy.
    CallingPolicy,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CallingDomain => "calling domain",
            Self::PstnUsage => "PSTN usage",
            Self::VoiceRoute => "voice route",
            Self::VoiceRoutingPolicy => "voice routing policy",
            Self::CallingPolicy => "calling policy",
        })
    }
}

/// The settings of an object, as far as they are ours to say; by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "settings", rename_all = "camelCase")]
pub enum ObjectSettings {
    /// A name in the tenant's one list; it has nothing else.
    PstnUsage {},
    /// Where calls to some numbers go.
    #[serde(rename_all = "camelCase")]
    VoiceRoute {
        /// Regular expression over dialled numbers.
        number_pattern: String,
        /// Derived trunks; Microsoft tries them in any order.
        gateways: Vec<String>,
        /// Which usages lead here.
        pstn_usages: Vec<String>,
        /// Low goes first; the tenant chooses where absent.
        #[serde(default)]
        priority: Option<u32>,
    },
    /// Which routes a user's calls may take.
    #[serde(rename_all = "camelCase")]
    VoiceRoutingPolicy {
        /// Usages in order.
        pstn_usages: Vec<String>,
    },
    /// What a user may do with calls. The words are Microsoft's.
    #[serde(rename_all = "camelCase")]
    CallingPolicy {
        /// Needed for the dial pad.
        allow_private_calling: bool,
        /// `AlwaysEnabled`, `AlwaysDisabled` or `UserOverride`.
        allow_voicemail: String,
        /// Forwarding to numbers.
        allow_call_forwarding_to_phone: bool,
        /// Forwarding to people.
        allow_call_forwarding_to_user: bool,
        /// `Enabled` (Teams plays), `Disabled` (the PBX plays) or `UserOverride`.
        music_on_hold_enabled_type: String,
    },
}

impl ObjectSettings {
    /// Of what kind they are.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::PstnUsage {} => ObjectKind::PstnUsage,
            Self::VoiceRoute { .. } => ObjectKind::VoiceRoute,
            Self::VoiceRoutingPolicy { .. } => ObjectKind::VoiceRoutingPolicy,
            Self::CallingPolicy { .. } => ObjectKind::CallingPolicy,
        }
    }

    /// Whether `found` does what these settings want. A priority that we leave to the tenant may be any; the order of
    /// gateways and of a route's usages means nothing to Microsoft, and names are the same in either case.
    #[must_use]
    pub fn agree(&self, found: &Self) -> bool {
        match (self, found) {
            (
                Self::VoiceRoute {
                    number_pattern,
                    gateways,
                    pstn_usages,
                    priority,
                },
                Self::VoiceRoute {
                    number_pattern: found_pattern,
                    gateways: found_gateways,
                    pstn_usages: found_usages,
                    priority: found_priority,
                },
            ) => {
                number_pattern == found_pattern
                    && folded(gateways) == folded(found_gateways)
                    && folded(pstn_usages) == folded(found_usages)
                    && (priority.is_none() || priority == found_priority)
            }
            (Self::VoiceRoutingPolicy { pstn_usages }, Self::VoiceRoutingPolicy { pstn_usages: found }) => {
                let same = |(a, b): (&String, &String)| a.to_lowercase() == b.to_lowercase();
                pstn_usages.len() == found.len() && pstn_usages.iter().zip(found).all(same)
            }
            _ => self == found,
        }
    }
}

fn folded(names: &[String]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_lowercase()).collect()
}

impl fmt::Display for ObjectSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = |allowed: bool| if allowed { "allowed" } else { "not allowed" };
        match self {
            Self::PstnUsage {} => f.write_str("in the tenant's list"),
            Self::VoiceRoute {
                number_pattern,
                gateways,
                pstn_usages,
                priority,
            } => {
                write!(
                    f,
                    "calls to {number_pattern} through {} for {}",
                    listed(gateways),
                    listed(pstn_usages)
                )?;
                match priority {
                    Some(priority) => write!(f, ", priority {priority}"),
                    None => Ok(()),
                }
            }
            Self::VoiceRoutingPolicy { pstn_usages } => write!(f, "leads to {}", listed(pstn_usages)),
            Self::CallingPolicy {
                allow_private_calling,
                allow_voicemail,
                allow_call_forwarding_to_phone,
                allow_call_forwarding_to_user,
                music_on_hold_enabled_type,
            } => write!(
                f,
                "calls {}, voicemail {allow_voicemail}, forwarding to numbers {} and to people {}, Teams' music on hold {music_on_hold_enabled_type}",
                may(*allow_private_calling),
                may(*allow_call_forwarding_to_phone),
                may(*allow_call_forwarding_to_user),
            ),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".into()
    } else {
        names.join(", ")
    }
}

/// An object with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantObject {
    /// Its name.
    pub name: String,
    /// Kind and settings.
    #[serde(flatten)]
    pub settings: ObjectSettings,
}

impl TenantObject {
    /// Which object it is. Microsoft knows no upper and lower case in names.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        (self.settings.kind(), self.name.to_lowercase())
    }

    /// Kind and name as it is written.
    #[must_use]
    pub fn named(&self) -> ObjectName {
        (self.settings.kind(), self.name.clone())
    }
}

/// Kind and name as it is written, to ask for an object.
pub type ObjectName = (ObjectKind, String);

/// Kind and folded name, to know an object again.
pub type ObjectKey = (ObjectKind, String);

/// What we remember of an object of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownObject {
    /// How we left it, or meant to.
    #[serde(flatten)]
    pub object: TenantObject,
    /// We made it, so we set it back and take it away at the end. Otherwise it was there before us and already right.
    pub ours: bool,
    /// Microsoft has confirmed it. Until then it was only about to be made: if the answer was lost, it is ours all the same.
    pub placed: bool,
}

/// What a run does with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectAction {
    /// Makes it.
    Create,
    /// Changes it: something else is wanted now, such as another region.
    Update,
    /// Sets it back: somebody else has changed it (R161).
    Restore,
    /// Takes it away.
    Remove,
}

/// One change of an object, as it is shown and logged; complete for whoever makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// What kind.
    pub kind: ObjectKind,
    /// Which.
    pub name: String,
    /// What is done.
    pub action: ObjectAction,
    /// How it is, in words; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// How it will be, in words; absent where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// How it will be, for programs; absent where it goes, and for domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub object: Option<TenantObject>,
}

impl ObjectChange {
    /// Whether the object is there afterwards.
    #[must_use]
    pub fn puts(&self) -> bool {
        match self.action {
            ObjectAction::Create | ObjectAction::Update | ObjectAction::Restore => true,
            ObjectAction::Remove => false,
        }
    }
}

impl fmt::Display for ObjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, .. } = self;
        match self.action {
            ObjectAction::Create => write!(f, "+ {kind} {name}"),
            ObjectAction::Update | ObjectAction::Restore => write!(f, "~ {kind} {name}"),
            ObjectAction::Remove => write!(f, "- {kind} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(gateways: &[&str], priority: Option<u32>) -> ObjectSettings {
        ObjectSettings::VoiceRoute {
            number_pattern: ".*".into(),
            gateways: gateways.iter().map(|&name| name.to_owned()).collect(),
            pstn_usages: vec!["Calls-Routing".into()],
            priority,
        }
    }

    #[test]
    fn settings_agree_whatever_order_or_case_microsoft_gives_back() {
        let wanted = route(&["a.example", "b.example"], None);
        assert!(wanted.agree(&route(&["B.example", "a.example"], Some(7))));
        assert!(!wanted.agree(&route(&["a.example"], None)));
        assert!(!route(&["a.example"], Some(1)).agree(&route(&["a.example"], Some(2))));
        let usages = |names: &[&str]| ObjectSettings::VoiceRoutingPolicy {
            pstn_usages: names.iter().map(|&name| name.to_owned()).collect(),
        };
        assert!(usages(&["A", "B"]).agree(&usages(&["a", "b"])));
        assert!(
            !usages(&["A", "B"]).agree(&usages(&["B", "A"])),
            "here the order counts"
        );
    }

    #[test]
    fn an_object_is_written_as_the_contract_says() {
        let object = TenantObject {
            name: "Calls-Routing".into(),
            settings: ObjectSettings::PstnUsage {},
        };
        let known = KnownObject {
            object,
            ours: true,
            placed: false,
        };
        let json = serde_json::to_value(&known).unwrap();
        assert_eq!(
            json,
            serde_json::json!({ "kind": "pstnUsage", "name": "Calls-Routing", "settings": {}, "ours": true, "placed": false })
        );
        assert_eq!(serde_json::from_value::<KnownObject>(json).unwrap(), known);
    }

    #[test]
    fn a_change_that_was_stored_without_its_object_is_still_read() {
        let kept = r#"{"kind":"voiceRoute","name":"A","action":"restore"}"#;
        let change: ObjectChange = serde_json::from_str(kept).unwrap();
        assert_eq!((change.to_string().as_str(), change.puts()), ("~ voice route A", true));
        assert_eq!(serde_json::to_string(&change).unwrap(), kept);
    }
}
