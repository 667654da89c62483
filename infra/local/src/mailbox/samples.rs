//! Every mail with made-up facts, to be looked at before anything has happened that would send it.

use super::pages;
use crate::pages::{escape, page};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::domain::brand::Brand;
use shared::mail::sample::Names;
use shared::mail::{Mail, sample};
use std::collections::BTreeMap;

/// Where the pictures of the samples are; nobody answers there but the checks of the mails.
const SITE: &str = "https://mails.example/";
/// What nobody is called.
const HOSTILE: &str = "<b>Ann</b> & \"Q\" https://evil.example/ \u{5D0}\u{5D1}\u{5D2} Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

/// Every mail by its name: with the names of people, and once more (`…-long`) with names that fill their lines.
#[must_use]
pub fn every() -> BTreeMap<String, Mail> {
    let (zone, now) = (TimeZone::get("Europe/Brussels"), "2026-11-22T15:05:00Z".parse());
    let (zone, now) = (zone.unwrap_or(TimeZone::UTC), now.unwrap_or(Timestamp::UNIX_EPOCH));
    let Some(brand) = brand() else { return BTreeMap::new() };
    let plain = sample::every(&brand, &Names::USUAL, &zone, now);
    let long = sample::every(&brand, &Names::all(HOSTILE), &zone, now);
    let plain = plain.into_iter().map(|(name, mail)| (name.to_owned(), mail));
    plain
        .chain(long.into_iter().map(|(name, mail)| (format!("{name}-long"), mail)))
        .collect()
}

fn brand() -> Option<Brand> {
    let below = |path: &str| format!("{SITE}{path}").parse().ok();
    Some(Brand {
        product_name: "Northwind Calling".into(),
        policy_prefix: "Northwind2Teams".into(),
        voice_portal_name: "Northwind Voice Portal".into(),
        voice_portal_url: below("voice")?,
        integration_portal_url: below("portal")?,
        account_contact: "your Northwind administrator".into(),
        provider_contact: "Northwind Customer Support, +1 555 0100".into(),
        sender: None,
        reply_to: None,
        application: None,
        accent: "#0b6e4f".parse().ok(),
        logo_url: below("logo.svg"),
    })
}

pub(super) fn router() -> Router {
    Router::new().route("/mailbox/samples", get(|| async { list() })).route(
        "/mailbox/samples/{name}",
        get(|Path(name): Path<String>| async move { one(&name) }),
    )
}

fn list() -> Html<String> {
    let every = every();
    let rows = every.iter().map(|(name, mail)| {
        let name = escape(name);
        format!(
            "<tr><td><a href=\"/mailbox/samples/{name}\">{name}</a><td>{}</tr>",
            escape(&mail.subject)
        )
    });
    let table = format!(
        "<table><thead><tr><th>Mail<th>Subject</tr></thead><tbody>{}</tbody></table>",
        rows.collect::<String>()
    );
    page("Every mail, with made-up facts", &table)
}

fn one(name: &str) -> Response {
    let Some(mail) = every().remove(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    page(&mail.subject, &pages::views(Some(&mail.html), Some(&mail.text))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_sample_of_every_mail() {
        let every = every();
        for kind in shared::domain::mail_kind::MailKind::ALL {
            assert!(every.contains_key(kind.name()), "{kind}");
            assert!(every.contains_key(&format!("{kind}-long")), "{kind}");
        }
    }
}
