//! `SendEmail` as the API writes it, and what SES refuses about it.

use crate::mailbox::Mail;
use crate::protocol::AwsError;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// SES's limit on To, Cc and Bcc together.
const MAX_RECIPIENTS: usize = 50;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Send {
    from_email_address: String,
    destination: Destination,
    reply_to_addresses: Vec<String>,
    content: Content,
    email_tags: Vec<Pair>,
    configuration_set_name: Option<String>,
    list_management_options: Option<ListManagement>,
    tenant_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    simple: Option<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    subject: Part,
    body: Body,
    #[serde(default)]
    headers: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Part>,
    html: Option<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListManagement {
    contact_list_name: String,
}

pub(super) fn bad(message: &str) -> AwsError {
    AwsError::new(400, "BadRequestException", message)
}

impl Send {
    /// The mail, without number, id and time, if SES would take it.
    pub(super) fn check(self) -> Result<Mail, AwsError> {
        let message = self
            .content
            .simple
            .ok_or_else(|| bad("Only Content.Simple is simulated."))?;
        let (to, cc, bcc) = (
            self.destination.to_addresses,
            self.destination.cc_addresses,
            self.destination.bcc_addresses,
        );
        let recipients = to.len() + cc.len() + bcc.len();
        if !(1..=MAX_RECIPIENTS).contains(&recipients) {
            return Err(bad("Recipient count must be between 1 and 50."));
        }
        let addresses = [&to, &cc, &bcc, &self.reply_to_addresses].into_iter().flatten();
        if let Some(wrong) = addresses
            .chain([&self.from_email_address])
            .find(|address| !is_address(address))
        {
            return Err(bad(&format!("Missing final '@domain' or illegal address: {wrong:?}")));
        }
        if message.subject.data.is_empty() {
            return Err(bad("Subject is empty."));
        }
        if message.body.text.is_none() && message.body.html.is_none() {
            return Err(bad("Message body is empty."));
        }
        one_line("Subject", &message.subject.data)?;
        Ok(Mail {
            number: 0,
            message_id: String::new(),
            at: Timestamp::UNIX_EPOCH,
            from: self.from_email_address,
            to,
            cc,
            bcc,
            reply_to: self.reply_to_addresses,
            subject: message.subject.data,
            text: message.body.text.map(|part| part.data),
            html: message.body.html.map(|part| part.data),
            headers: headers(message.headers)?,
            tags: tags(self.email_tags)?,
            configuration_set: self.configuration_set_name,
            contact_list: self.list_management_options.map(|options| options.contact_list_name),
            tenant: self.tenant_name,
        })
    }
}

/// The address in `Name <address>`, or all of it.
pub(super) fn bare(address: &str) -> &str {
    address
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'))
        .unwrap_or(address)
}

fn is_address(address: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | ';' | '<' | '>' | '"');
    let name_fits = !address.contains(['\r', '\n']);
    name_fits
        && bare(address).rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.contains('.')
                && (local.chars().chain(domain.chars())).all(allowed)
        })
}

fn one_line(what: &str, text: &str) -> Result<(), AwsError> {
    if text.contains(['\r', '\n']) {
        Err(bad(&format!("{what} contains a line break.")))
    } else {
        Ok(())
    }
}

fn headers(given: Vec<Pair>) -> Result<BTreeMap<String, String>, AwsError> {
    let mut all = BTreeMap::new();
    for Pair { name, value } in given {
        one_line("Header value", &value)?;
        let name_fits = (1..=126).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        let value_fits = (1..=995).contains(&value.len()) && value.is_ascii();
        if !name_fits || !value_fits {
            return Err(bad(&format!("Header {name:?} is not valid.")));
        }
        all.insert(name, value);
    }
    Ok(all)
}

fn tags(given: Vec<Pair>) -> Result<BTreeMap<String, String>, AwsError> {
    let fits = |text: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@');
        (1..=256).contains(&text.len()) && text.bytes().all(allowed)
    };
    match given.iter().find(|pair| !fits(&pair.name) || !fits(&pair.value)) {
        Some(pair) => Err(bad(&format!("Tag {:?} is not valid.", pair.name))),
        None => Ok(given.into_iter().map(|pair| (pair.name, pair.value)).collect()),
    }
}
