//! What SES reports about a mail, in the shape in which EventBridge passes it on. As with SES's own mailbox simulator, the
//! recipient's address decides: `bounce@`, `complaint@`, `ooto@` and `suppressionlist@` anywhere, and everybody at
//! `bounce.example`; also `softbounce@`, `delay@` and `reject@`, which SES cannot be asked for. All others get their mail.
//! Whoever bounced for good or complained is on the account's suppression list from then on.

use super::{Mail, wire};
use crate::protocol::unique;
use crate::world::deployment::{ACCOUNT, REGION};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// All events of a mail, in their order. Only a configuration set has somewhere to report to.
pub(super) fn of(mail: &Mail, suppressed: &mut BTreeSet<String>) -> Vec<Value> {
    if mail.configuration_set.is_none() {
        return Vec::new();
    }
    let all = mail.to.iter().chain(&mail.cc).chain(&mail.bcc);
    let mut events = Vec::new();
    for recipient in all.map(|recipient| wire::bare(recipient)) {
        let known = suppressed.contains(&recipient.to_ascii_lowercase());
        let of_recipient = of_recipient(mail, recipient, known);
        let ends = |event: &Value| {
            event["detail"]["bounce"]["bounceType"] == "Permanent" || event["detail"]["eventType"] == "Complaint"
        };
        if of_recipient.iter().any(ends) {
            suppressed.insert(recipient.to_ascii_lowercase());
        }
        events.extend(of_recipient);
    }
    events
}

fn of_recipient(mail: &Mail, recipient: &str, suppressed: bool) -> Vec<Value> {
    let at = mail.at.to_string();
    let (local, domain) = recipient.rsplit_once('@').unwrap_or((recipient, ""));
    let delivered = || {
        let delivery = json!({
            "timestamp": at, "processingTimeMillis": 546, "recipients": [recipient],
            "smtpResponse": "250 2.6.0 Message received", "reportingMTA": "mta.example",
        });
        event(mail, "Email Delivered", "Delivery", "delivery", delivery)
    };
    let bounced_as = |kind: &str, sub_type: &str, diagnosis: &str| {
        let bounce = json!({
            "bounceType": kind, "bounceSubType": sub_type, "timestamp": at, "feedbackId": unique(),
            "bouncedRecipients": [{
                "emailAddress": recipient, "action": "failed", "status": "5.1.1", "diagnosticCode": diagnosis,
            }],
        });
        event(mail, "Email Bounced", "Bounce", "bounce", bounce)
    };
    let bounced = |sub_type: &str, diagnosis: &str| bounced_as("Permanent", sub_type, diagnosis);
    if suppressed {
        return vec![bounced(
            "OnAccountSuppressionList",
            "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
        )];
    }
    match (
        local.to_ascii_lowercase().as_str(),
        domain.to_ascii_lowercase().as_str(),
    ) {
        ("suppressionlist", _) => vec![bounced("OnAccountSuppressionList", "suppressed")],
        ("bounce", _) | (_, "bounce.example") => vec![bounced("General", "smtp; 550 5.1.1 user unknown")],
        ("complaint", _) => {
            let complaint = json!({
                "timestamp": at, "feedbackId": unique(), "complaintFeedbackType": "abuse",
                "complainedRecipients": [{ "emailAddress": recipient }],
            });
            vec![
                delivered(),
                event(mail, "Email Complaint Received", "Complaint", "complaint", complaint),
            ]
        }
        ("ooto", _) => vec![
            delivered(),
            bounced_as("Transient", "General", "smtp; 250 out of office"),
        ],
        ("softbounce", _) => vec![bounced_as("Transient", "MailboxFull", "smtp; 452 4.2.2 mailbox full")],
        ("delay", _) => {
            let delay = json!({
                "timestamp": at, "delayType": "TransientCommunicationFailure", "expirationTime": at,
                "delayedRecipients": [{ "emailAddress": recipient, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1" }],
            });
            vec![event(
                mail,
                "Email Delivery Delayed",
                "DeliveryDelay",
                "deliveryDelay",
                delay,
            )]
        }
        ("reject", _) => vec![event(
            mail,
            "Email Rejected",
            "Reject",
            "reject",
            json!({ "reason": "Bad content" }),
        )],
        _ => vec![delivered()],
    }
}

/// One event; its own part is named after its kind.
fn event(mail: &Mail, detail_type: &str, kind: &str, part: &str, own: Value) -> Value {
    let set = mail.configuration_set.as_deref().unwrap_or_default();
    let mut tags: serde_json::Map<String, Value> = mail
        .tags
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    tags.insert("ses:configuration-set".into(), json!([set]));
    tags.insert("ses:operation".into(), json!(["SendEmail"]));
    let at = mail.at.to_string();
    let mut event = json!({
        "version": "0", "id": unique(), "detail-type": detail_type, "source": "aws.ses", "account": ACCOUNT,
        "time": at, "region": REGION,
        "resources": [format!("arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/{set}")],
        "detail": {
            "eventType": kind,
            "mail": {
                "timestamp": at, "source": mail.from, "messageId": mail.message_id, "sendingAccountId": ACCOUNT,
                "destination": mail.to, "headersTruncated": false, "headers": [], "tags": tags,
                "commonHeaders": { "from": [mail.from], "to": mail.to, "subject": mail.subject },
            },
        },
    });
    event["detail"][part] = own;
    event
}
