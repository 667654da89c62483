//! What SES reports about mails after it has taken them, through EventBridge: deliveries, delays, bounces, complaints,
//! rejections.
//!
//! Only AWS can put events of the source `aws.ses` on the account's default bus, and only that bus's rule may start this
//! function (decision 0030). All the same an event has to come from our account, region and configuration set, and it has to
//! be about a mail that we sent: our key of it, SES's key of it and its address have to agree with what is kept. Reports may
//! come twice, late and in any order.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::config::Config;
use shared::domain::email::EmailAddress;
use shared::domain::ids::{EnterpriseId, MailId, ResellerId};
use shared::domain::letter::Whose;
use shared::io::Io;
use shared::run::mail_event::{self, Fate, Report};
use std::collections::BTreeMap;

/// What another mail server says is kept up to this length.
const SAID_MAX: usize = 200;

/// An event of SES as EventBridge passes it on; what is not read is left out.
#[derive(Debug, Deserialize)]
pub struct Event {
    source: String,
    account: String,
    region: String,
    detail: Detail,
}

/// Each kind of event has its details in an object of its own name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_type: String,
    mail: Mail,
    delivery: Option<Moment>,
    delivery_delay: Option<Delay>,
    bounce: Option<Bounce>,
    complaint: Option<Moment>,
    reject: Option<Reject>,
}

/// The mail as it was sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    timestamp: Timestamp,
    message_id: String,
    #[serde(default)]
    sending_account_id: Option<String>,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Moment {
    timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    timestamp: Timestamp,
    #[serde(default)]
    delay_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    timestamp: Timestamp,
    #[serde(default)]
    bounced_recipients: Vec<Bounced>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounced {
    diagnostic_code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reject {
    #[serde(default)]
    reason: String,
}

impl Bounce {
    /// What the mail server said, or else what SES calls it.
    fn words(&self) -> String {
        let said = self
            .bounced_recipients
            .iter()
            .find_map(|one| one.diagnostic_code.as_deref());
        plain(said.unwrap_or(&self.bounce_sub_type))
    }
}

/// Words from elsewhere, on one line and not too many.
fn plain(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = one_line.split_whitespace().collect();
    match words.join(" ") {
        none if none.is_empty() => "it gave no reason".into(),
        some => some.chars().take(SAID_MAX).collect(),
    }
}

impl Detail {
    /// What became of the mail, and when; nothing where the event says neither. A bounce that is not permanent is a delay
    /// that has ended without a delivery: an automatic answer looks like one, too.
    fn fate(&self) -> Option<(Fate, Timestamp)> {
        match self.event_type.as_str() {
            "Delivery" => Some((Fate::Delivered, self.delivery.as_ref()?.timestamp)),
            "DeliveryDelay" => {
                let delay = self.delivery_delay.as_ref()?;
                Some((Fate::Delayed(plain(&delay.delay_type)), delay.timestamp))
            }
            "Bounce" => {
                let bounce = self.bounce.as_ref()?;
                match bounce.bounce_type.as_str() {
                    "Permanent" => Some((Fate::Bounced(bounce.words()), bounce.timestamp)),
                    "Transient" | "Undetermined" => Some((Fate::Delayed(bounce.words()), bounce.timestamp)),
                    _ => None,
                }
            }
            "Complaint" => Some((Fate::Complained, self.complaint.as_ref()?.timestamp)),
            // SES names no time of its own for it: it happens right after the mail was taken.
            "Reject" => Some((
                Fate::Rejected(plain(&self.reject.as_ref()?.reason)),
                self.mail.timestamp,
            )),
            _ => None,
        }
    }

    fn tag<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.mail.tags.get(name)?.first()?.parse().ok()
    }

    fn whose(&self) -> Option<Whose> {
        let enterprise = self.tag::<EnterpriseId>("enterprise").map(Whose::Enterprise);
        enterprise.or_else(|| self.tag::<ResellerId>("reseller").map(Whose::Reseller))
    }
}

impl Event {
    /// The report in it, where it is one about a mail of this deployment.
    fn report(&self, config: &Config) -> Option<Report> {
        let detail = &self.detail;
        let sets = detail.mail.tags.get("ses:configuration-set");
        let ours = self.source == "aws.ses"
            && self.account == config.account()
            && self.region == config.aws.region
            && detail
                .mail
                .sending_account_id
                .as_deref()
                .is_none_or(|id| id == self.account)
            && sets.is_some_and(|sets| sets.contains(&config.mail_configuration_set));
        if !ours {
            return None;
        }
        let (fate, at) = detail.fate()?;
        let to = detail.mail.destination.iter();
        Some(Report {
            whose: detail.whose()?,
            mail: detail.tag::<MailId>("mail-id")?,
            message: detail.mail.message_id.clone(),
            to: to.filter_map(|address| address.parse::<EmailAddress>().ok()).collect(),
            fate,
            at,
        })
    }
}

/// Handles one event; it may come more than once.
///
/// # Errors
/// What EventBridge should try again for.
pub async fn handle(io: &Io, event: LambdaEvent<Event>) -> Result<Value, Error> {
    let event = event.payload;
    let (kind, message) = (&event.detail.event_type, &event.detail.mail.message_id);
    let Some(report) = event.report(&io.config) else {
        tracing::info!(mail.event = %kind, mail.message = %message, "{kind} of a mail that nothing waits for");
        return Ok(json!({ "noted": null }));
    };
    let led = mail_event::reported(io, &report).await?;
    tracing::info!(mail.whose = %report.whose, mail.id = %report.mail, mail.event = %kind, mail.message = %message, mail.noted = ?led, "{kind} of a mail");
    Ok(json!({ "noted": led }))
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
                "tags": { "ses:operation": ["SendEmail"], "mail": ["enterprise_invitation"], "odd": [],
                    "reseller": ["res_00000000000000000000000001"] },
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

    const AT: &str = "2026-11-22T09:00:02.5Z";

    #[test]
    fn an_event_says_what_became_of_the_mail() {
        check(
            "Delivery",
            &json!({ "delivery": { "timestamp": AT, "recipients": [] } }),
            Some((Fate::Delivered, AT)),
        );
        check(
            "DeliveryDelay",
            &json!({ "deliveryDelay": { "timestamp": AT, "delayType": "MailboxFull" } }),
            Some((Fate::Delayed("MailboxFull".into()), AT)),
        );
        let bounce = |kind: &str| {
            json!({ "bounce": { "bounceType": kind, "bounceSubType": "General", "timestamp": AT,
                "bouncedRecipients": [{ "emailAddress": "mara@bluefinch.example", "diagnosticCode": "smtp; 550\r\n 5.1.1 unknown" }] } })
        };
        let said = "smtp; 550 5.1.1 unknown";
        check("Bounce", &bounce("Permanent"), Some((Fate::Bounced(said.into()), AT)));
        check("Bounce", &bounce("Transient"), Some((Fate::Delayed(said.into()), AT)));
        check(
            "Complaint",
            &json!({ "complaint": { "timestamp": AT } }),
            Some((Fate::Complained, AT)),
        );
        check(
            "Reject",
            &json!({ "reject": { "reason": "Bad content" } }),
            Some((Fate::Rejected("Bad content".into()), "2026-11-22T09:00:00Z")),
        );
    }

    #[test]
    fn what_says_nothing_is_left_alone() {
        check(
            "Bounce",
            &json!({ "bounce": { "bounceType": "permanent", "timestamp": AT } }),
            None,
        );
        for kind in [
            "Bounce",
            "Delivery",
            "DeliveryDelay",
            "Complaint",
            "Reject",
            "Rendering Failure",
            "",
        ] {
            check(kind, &json!({}), None);
        }
        check("Open", &json!({ "open": { "timestamp": AT } }), None);
    }

    #[test]
    fn tags_are_read_where_they_are_what_they_should_be() {
        let detail = detail("Delivery", &json!({}));
        assert_eq!(detail.tag::<String>("mail").as_deref(), Some("enterprise_invitation"));
        assert_eq!(detail.tag::<EnterpriseId>("mail"), None);
        assert_eq!(detail.tag::<String>("odd"), None);
        assert_eq!(detail.tag::<String>("enterprise"), None);
        assert!(matches!(detail.whose(), Some(Whose::Reseller(_))));
    }

    #[test]
    fn words_from_elsewhere_are_few_and_on_one_line() {
        assert_eq!(plain(" a\r\n\tb "), "a b");
        assert_eq!(plain("\u{7}"), "it gave no reason");
        assert_eq!(plain(&"x".repeat(10_000)).len(), SAID_MAX);
    }
}
