//! Mail through SES. What SES says when it does not take a mail is told apart here: whether nothing has left, who has to do
//! something about it, and whether it is worth trying again.

use crate::domain::email::EmailAddress;
use crate::domain::ids::MailId;
use crate::domain::letter::Whose;
use crate::error::Chain;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::delete_suppressed_destination::DeleteSuppressedDestinationError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader, MessageTag};
use std::time::Duration;
use url::Url;

/// Pauses while SES is busy: from this,
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// doubled up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One mail, ready to go.
#[derive(Debug)]
pub struct Letter<'a> {
    /// Our key of it; SES reports events with it.
    pub id: &'a MailId,
    /// Whom it is about; SES reports events with it.
    pub whose: &'a Whose,
    /// Which reseller answers for it; SES reports events with it.
    pub reseller: &'a str,
    /// The reseller's tenant at SES, where it has one.
    pub tenant: Option<&'a str>,
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
    /// Which invitation it carries, where it does; SES reports events with it.
    pub invitation: Option<&'a str>,
    /// The page where its reader turns such mails away, or gives the duty to somebody else; RFC 8058 lets their mail
    /// program do it with one click.
    pub unsubscribe: Option<&'a Url>,
}

/// Why SES did not take a mail, or why nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// Nothing has left, and it is worth trying again; the reason in words.
    #[error("{0}")]
    Later(String),
    /// Nothing has left, and this mail will not; the reason in words.
    #[error("{0}")]
    Refused(String),
    /// The answer was lost: it may have left.
    #[error("the answer of the mail service was lost: {0}")]
    Unknown(String),
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

    /// Hands one mail to SES; gives SES's message id. It is handed over once: only where SES says that it is busy, and has
    /// done nothing, it is asked again.
    ///
    /// # Errors
    /// Whether nothing has left, or nobody knows.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<String, Unsent> {
        let failed = |error: aws_sdk_sesv2::error::BuildError| Unsent::Refused(Chain(&error).to_string());
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build().map_err(failed);
        let tag = |name: &str, value: &str| MessageTag::builder().name(name).value(value).build().map_err(failed);
        let header =
            |name: &str, value: String| MessageHeader::builder().name(name).value(value).build().map_err(failed);
        let body = Body::builder()
            .text(content(letter.text)?)
            .html(content(letter.html)?)
            .build();
        let mut message = Message::builder().subject(content(letter.subject)?).body(body);
        if let Some(page) = letter.unsubscribe {
            message = message
                .headers(header("List-Unsubscribe", format!("<{page}>"))?)
                .headers(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into())?);
        }
        let about = match letter.whose {
            Whose::Enterprise(id) => Some(tag("enterprise", id.as_str())?),
            Whose::Reseller(_) => None,
        };
        let invitation = letter.invitation.map(|id| tag("invitation", id)).transpose()?;
        let tags = [
            Some(tag("mail", letter.kind)?),
            Some(tag("mail-id", letter.id.as_str())?),
            Some(tag("reseller", letter.reseller)?),
            about,
            invitation,
        ];
        let mail = self
            .client
            .send_email()
            .from_email_address(format!("{} <{}>", quoted(letter.from_name), letter.from))
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .set_reply_to_addresses(letter.reply_to.map(|address| vec![address.to_string()]))
            .content(EmailContent::builder().simple(message.build()).build())
            .configuration_set_name(&self.configuration_set)
            .set_tenant_name(letter.tenant.map(str::to_owned))
            .set_email_tags(Some(tags.into_iter().flatten().collect()));
        let mut pause = FIRST_PAUSE;
        loop {
            // A mail whose answer was lost may have gone: the SDK must not send it again.
            let once = Builder::default().retry_config(RetryConfig::disabled());
            match Box::pin(mail.clone().customize().config_override(once).send()).await {
                Ok(sent) => return Ok(sent.message_id.unwrap_or_default()),
                // SES says that it is busy and has done nothing.
                Err(error) if pause <= LONGEST_PAUSE && busy(&error) => tokio::time::sleep(pause).await,
                Err(error) => return Err(unsent(&error)),
            }
            pause *= 2;
        }
    }

    /// SES sends to this address again, if it did not: the account has a list of its own.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn forget_suppressed(&self, address: &EmailAddress) -> crate::Result<()> {
        let call = self
            .client
            .delete_suppressed_destination()
            .email_address(address.as_str());
        match Box::pin(call.send()).await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteSuppressedDestinationError::is_not_found_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(crate::Error::upstream(
                "take an address off the mail service's list",
                error,
            )),
        }
    }
}

fn busy<R>(error: &SdkError<SendEmailError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(SendEmailError::is_too_many_requests_exception)
}

/// What a failed hand-over means. Where SES has answered, its answer says that nothing was sent, unless it failed itself;
/// where no answer came, nothing has left only if there was no connection.
fn unsent(error: &SdkError<SendEmailError>) -> Unsent {
    match error {
        SdkError::ServiceError(answer) => refusal(answer.err(), Chain(error).to_string()),
        SdkError::ConstructionFailure(_) => Unsent::Refused(Chain(error).to_string()),
        SdkError::DispatchFailure(_) if never_connected(error) => {
            Unsent::Later("The mail service could not be reached; it is tried again.".into())
        }
        _ => Unsent::Unknown(Chain(error).to_string()),
    }
}

/// Words for an answer of SES.
fn refusal(error: &SendEmailError, whole: String) -> Unsent {
    let said = error.message().unwrap_or_default();
    let later = |text: &str| Unsent::Later(text.to_owned());
    match error {
        SendEmailError::TooManyRequestsException(_) => {
            later("The mail service is busy: more mails came than it takes at once. It is tried again.")
        }
        SendEmailError::LimitExceededException(_) => later(
            "The mail service takes no more mails today: the account's daily quota is used up. It is tried again; the provider can ask for a higher quota.",
        ),
        SendEmailError::AccountSuspendedException(_) => later(
            "The mail service has suspended the provider's account. The provider has to settle that with AWS; it leaves afterwards.",
        ),
        SendEmailError::SendingPausedException(_) => later(
            "Sending is paused at the mail service. The provider has to resume it for the account or its configuration set; it leaves afterwards.",
        ),
        SendEmailError::MailFromDomainNotVerifiedException(_) => later(
            "The domain that mails come back to is not verified. The provider has to publish its DNS records; it leaves afterwards.",
        ),
        SendEmailError::NotFoundException(_) => Unsent::Later(format!(
            "The mail service does not know the configuration set or the tenant. The provider has to correct that; it leaves afterwards. ({said})"
        )),
        // Of the sender, not of the mail: SES says it so.
        SendEmailError::MessageRejected(_) if said.contains("not verified") => Unsent::Later(format!(
            "The sender's address is not verified at the mail service. The provider has to verify its domain; it leaves afterwards. ({said})"
        )),
        SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_) => {
            Unsent::Refused(format!("The mail service does not send this mail: {said}"))
        }
        _ => match error.code() {
            Some("AccessDeniedException" | "AccessDenied") => Unsent::Later(format!(
                "The service may not send from this address. The provider has to allow it. ({said})"
            )),
            Some("ThrottlingException" | "Throttling") => later("The mail service is busy; it is tried again."),
            _ => Unsent::Unknown(whole),
        },
    }
}

fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let refused = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        if refused {
            return true;
        }
        cause = error.source();
    }
    false
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
