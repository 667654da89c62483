//! What SES reports about mails after it has taken them, through EventBridge: deliveries, bounces, complaints, rejections.
//!
//! Reports may come twice, late and in any order. What a mail is about is in its tags; a report about a mail that is
//! about nothing that we keep changes nothing.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::ids::{EnterpriseId, InvitationId};
use shared::domain::invitation::{Fate, Trouble};
use shared::io::Io;
use shared::run::invitation;
use std::collections::BTreeMap;

/// An event of SES as EventBridge passes it on; what is not read is left out.
#[derive(Debug, Deserialize)]
pub struct Event {
    detail: Detail,
}

/// Each kind of event has its details in an object of its own name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_type: String,
    mail: Mail,
    delivery: Option<Moment>,
    bounce: Option<Bounce>,
    complaint: Option<Moment>,
}

/// The mail as it was sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    timestamp: Timestamp,
    message_id: String,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Moment {
    timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    timestamp: Timestamp,
}

impl Detail {
    /// What became of the mail, and when; nothing where the event says neither. A bounce that is not permanent says
    /// little: an automatic answer looks like one.
    fn fate(&self) -> Option<(Fate, Timestamp)> {
        match self.event_type.as_str() {
            "Delivery" => Some((Fate::Delivered, self.delivery.as_ref()?.timestamp)),
            "Bounce" => {
                let permanent = self
                    .bounce
                    .as_ref()
                    .filter(|bounce| bounce.bounce_type == "Permanent")?;
                Some((Fate::Lost(Trouble::Bounce), permanent.timestamp))
            }
            "Complaint" => Some((Fate::Lost(Trouble::Complaint), self.complaint.as_ref()?.timestamp)),
            // SES names no time of its own for it: it happens right after the mail was taken.
            "Reject" => Some((Fate::Lost(Trouble::Reject), self.mail.timestamp)),
            _ => None,
        }
    }

    fn tag<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.mail.tags.get(name)?.first()?.parse().ok()
    }
}

/// Handles one event; it may come more than once.
///
/// # Errors
/// What EventBridge should try again for.
pub async fn handle(io: &Io, event: LambdaEvent<Event>) -> Result<Value, Error> {
    let detail = event.payload.detail;
    let (kind, message) = (&detail.event_type, &detail.mail.message_id);
    let about = detail
        .tag::<EnterpriseId>("enterprise")
        .zip(detail.tag::<InvitationId>("invitation"));
    let (Some((enterprise, id)), Some((fate, at))) = (about, detail.fate()) else {
        tracing::info!(mail.event = %kind, mail.message = %message, "{kind} of a mail that nothing waits for");
        return Ok(json!({ "noted": null }));
    };
    let noted = invitation::reported(io, &enterprise, &id, fate, at).await?;
    tracing::info!(enterprise.id = %enterprise, invitation.id = %id, mail.event = %kind, mail.message = %message, mail.noted = ?noted, "{kind} of an invitation");
    Ok(json!({ "noted": noted }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(kind: &str, more: &Value) -> Detail {
        let mut detail = json!({
            "eventType": kind,
            "mail": {
                "timestamp": "2026-11-22T09:00:00.000Z", "messageId": "0102", "source": "calls@dialbridge.example",
                "destination": ["mara@bluefinch.example"], "headersTruncated": false,
                "tags": { "ses:operation": ["SendEmail"], "mail": ["enterprise_invitation"], "odd": [] },
            },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            detail[name] = value.clone();
        }
        serde_json::from_value(detail).unwrap()
    }

    fn check(kind: &str, more: &Value, fate: Option<(Fate, &str)>) {
        let expected = fate.map(|(fate, at)| (fate, at.parse().unwrap()));
        assert_eq!(detail(kind, more).fate(), expected, "{kind} {more}");
    }

    #[test]
    fn an_event_says_what_became_of_the_mail() {
        let at = "2026-11-22T09:00:02.5Z";
        check(
            "Delivery",
            &json!({ "delivery": { "timestamp": at, "recipients": [] } }),
            Some((Fate::Delivered, at)),
        );
        let bounce =
            |kind: &str| json!({ "bounce": { "bounceType": kind, "bounceSubType": "General", "timestamp": at } });
        check("Bounce", &bounce("Permanent"), Some((Fate::Lost(Trouble::Bounce), at)));
        check(
            "Complaint",
            &json!({ "complaint": { "timestamp": at } }),
            Some((Fate::Lost(Trouble::Complaint), at)),
        );
        let sent = "2026-11-22T09:00:00Z";
        check(
            "Reject",
            &json!({ "reject": { "reason": "Bad content" } }),
            Some((Fate::Lost(Trouble::Reject), sent)),
        );
    }

    #[test]
    fn what_says_nothing_is_left_alone() {
        let at = "2026-11-22T09:00:02.5Z";
        for kind in ["Transient", "Undetermined", "permanent"] {
            check(
                "Bounce",
                &json!({ "bounce": { "bounceType": kind, "timestamp": at } }),
                None,
            );
        }
        check("Bounce", &json!({}), None);
        check("Delivery", &json!({}), None);
        check("Open", &json!({ "open": { "timestamp": at } }), None);
    }

    #[test]
    fn tags_are_read_where_they_are_what_they_should_be() {
        let detail = detail("Delivery", &json!({}));
        assert_eq!(detail.tag::<String>("mail").as_deref(), Some("enterprise_invitation"));
        assert_eq!(detail.tag::<EnterpriseId>("mail"), None);
        assert_eq!(detail.tag::<String>("odd"), None);
        assert_eq!(detail.tag::<String>("enterprise"), None);
    }
}
