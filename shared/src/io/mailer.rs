//! Mail through SES.

use crate::domain::email::EmailAddress;
use crate::error::{Error, Result};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use std::time::Duration;

/// Pauses while SES is busy: from this,
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// doubled up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One mail, ready to go.
#[derive(Debug)]
pub struct Letter<'a> {
    /// The sender's name, shown before the address.
    pub from_name: &'a str,
    /// The sender's address.
    pub from: &'a EmailAddress,
    /// Where answers go.
    pub reply_to: Option<&'a EmailAddress>,
    /// To whom.
    pub to: &'a EmailAddress,
    /// One line.
    pub subject: &'a str,
    /// The plain part.
    pub text: &'a str,
    /// The HTML part.
    pub html: &'a str,
    /// Which mail it is, such as `sync_required`; SES reports events with it.
    pub kind: &'a str,
    /// Which enterprise it is about; SES reports events with it.
    pub enterprise: &'a str,
    /// Which invitation it carries, where it does; SES reports events with it.
    pub invitation: Option<&'a str>,
}

/// SES, with the deployment's configuration set.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    configuration_set: String,
}

impl Mailer {
    /// A mailer over one client.
    #[must_use]
    pub fn new(client: Client, configuration_set: String) -> Self {
        Self {
            client,
            configuration_set,
        }
    }

    /// Hands one mail to SES; gives SES's message id.
    ///
    /// # Errors
    /// `Upstream` when SES did not take it, or when its answer was lost: the mail may have gone then.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<String> {
        let failed = |error: aws_sdk_sesv2::error::BuildError| Error::upstream("describe a mail", error);
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().map_err(failed);
        let tag = |name: &str, value: &str| MessageTag::builder().name(name).value(value).build().map_err(failed);
        let body = Body::builder()
            .text(content(letter.text)?)
            .html(content(letter.html)?)
            .build();
        let message = Message::builder().subject(content(letter.subject)?).body(body).build();
        let mail = self
            .client
            .send_email()
            .from_email_address(format!("{} <{}>", quoted(letter.from_name), letter.from))
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .set_reply_to_addresses(letter.reply_to.map(|address| vec![address.to_string()]))
            .content(EmailContent::builder().simple(message).build())
            .configuration_set_name(&self.configuration_set)
            .email_tags(tag("mail", letter.kind)?)
            .email_tags(tag("enterprise", letter.enterprise)?);
        let mail = match letter.invitation {
            Some(invitation) => mail.email_tags(tag("invitation", invitation)?),
            None => mail,
        };
        let mut pause = FIRST_PAUSE;
        loop {
            // A mail whose answer was lost may have gone: the SDK must not send it again.
            let once = Builder::default().retry_config(RetryConfig::disabled());
            match mail.clone().customize().config_override(once).send().await {
                Ok(sent) => return Ok(sent.message_id.unwrap_or_default()),
                // SES says that it is busy and has done nothing.
                Err(error) if pause <= LONGEST_PAUSE && busy(&error) => tokio::time::sleep(pause).await,
                Err(error) => return Err(Error::upstream("send a mail", error)),
            }
            pause *= 2;
        }
    }
}

fn busy<R>(error: &SdkError<SendEmailError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(SendEmailError::is_too_many_requests_exception)
}

/// A display name that cannot leave its quotes. What is not ASCII is encoded as RFC 2047 says.
fn quoted(name: &str) -> String {
    use base64::Engine;
    if name.is_ascii() {
        let safe: String = name
            .chars()
            .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
            .collect();
        format!("\"{safe}\"")
    } else {
        format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_name_stays_in_its_quotes() {
        assert_eq!(
            quoted("Blue \"Finch\"\r\nBcc: x@y.example"),
            "\"Blue FinchBcc: x@y.example\""
        );
        assert_eq!(quoted("Zoë"), "=?UTF-8?B?Wm/Dqw==?=");
    }
}
