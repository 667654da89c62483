//! The mailbox as pages: a list, newest first, and one mail as people meet it: in light and dark, on a phone, as text.

use crate::mailbox::Mail;
use crate::pages::{escape, page};
use axum::response::Html;

const SAMPLES: &str = "<p><a href=\"/mailbox/samples\">Every mail, with made-up facts</a></p>";

/// How a mail is shown: what above it, in which colours, how wide.
const LOOKS: [(&str, &str); 4] = [
    ("Light", "color-scheme:light;background:#fff"),
    ("Dark", "color-scheme:dark;background:#121212"),
    ("Phone, light", "color-scheme:light;background:#fff;width:360px"),
    ("Phone, dark", "color-scheme:dark;background:#121212;width:360px"),
];

pub(super) fn list(mails: &[Mail]) -> Html<String> {
    if mails.is_empty() {
        return page("Mailbox", &format!("<p>No mail yet.</p>{SAMPLES}"));
    }
    let rows: String = mails.iter().rev().map(row).collect();
    page(
        "Mailbox",
        &format!(
            "<table><thead><tr><th>Sent<th>To<th>Subject<th>From</tr></thead><tbody>{rows}</tbody></table>{SAMPLES}"
        ),
    )
}

fn row(mail: &Mail) -> String {
    format!(
        "<tr><td>{}<td>{}<td><a href=\"/mailbox/{}\">{}</a><td>{}</tr>",
        mail.at.strftime("%Y-%m-%d %H:%M UTC"),
        escape(&mail.to.join(", ")),
        mail.number,
        escape(&mail.subject),
        escape(&mail.from),
    )
}

pub(super) fn one(mail: &Mail) -> Html<String> {
    let mut facts = vec![
        ("Sent", mail.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("From", mail.from.clone()),
        ("To", mail.to.join(", ")),
        ("Cc", mail.cc.join(", ")),
        ("Bcc", mail.bcc.join(", ")),
        ("Reply to", mail.reply_to.join(", ")),
        ("Message id", mail.message_id.clone()),
        ("Configuration set", mail.configuration_set.clone().unwrap_or_default()),
    ];
    facts.extend(mail.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
    facts.retain(|(_, value)| !value.is_empty());
    let facts: String = facts
        .iter()
        .map(|(name, value)| format!("<dt>{}<dd>{}", escape(name), escape(value)))
        .collect();
    let views = views(mail.html.as_deref(), mail.text.as_deref());
    page(&mail.subject, &format!("<dl>{facts}</dl>{views}"))
}

/// Both parts of a mail: the HTML in each of the looks, and the text.
pub(super) fn views(html: Option<&str>, text: Option<&str>) -> String {
    let looks = html.map(|html| LOOKS.map(|(name, style)| sandboxed(html, name, style)).concat());
    let text = text.map(|text| format!("<h2>Text</h2><pre>{}</pre>", linked(text)));
    looks.unwrap_or_default() + &text.unwrap_or_default()
}

/// The HTML part may open links in a new tab and nothing else: no script, no form, no access to this page.
fn sandboxed(html: &str, name: &str, style: &str) -> String {
    let document = format!("<base target=\"_blank\">{html}");
    format!(
        "<h2>{name}</h2><iframe title=\"HTML part: {name}\" style=\"{style}\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" srcdoc=\"{}\"></iframe>",
        escape(&document)
    )
}

/// Text as HTML in which addresses that start with `http` can be clicked.
fn linked(text: &str) -> String {
    let mut shown = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let space = &piece[word.len()..];
        let start = word.find("https://").or_else(|| word.find("http://"));
        let Some(start) = start else {
            shown.push_str(&escape(piece));
            continue;
        };
        // A full stop or bracket after an address belongs to the sentence.
        let end = word
            .trim_end_matches(['.', ',', ')', '>', ';', '!', '?'])
            .len()
            .max(start);
        let link = escape(&word[start..end]);
        shown.push_str(&escape(&word[..start]));
        shown.push_str(&format!(
            "<a href=\"{link}\" target=\"_blank\" rel=\"noopener\">{link}</a>"
        ));
        shown.push_str(&escape(&word[end..]));
        shown.push_str(space);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_before_the_full_stop() {
        let shown = linked("Open <http://a.example/x?a=1&b=2>.\nBye");
        let link = "http://a.example/x?a=1&amp;b=2";
        let expected = format!("Open &lt;<a href=\"{link}\" target=\"_blank\" rel=\"noopener\">{link}</a>&gt;.\nBye");
        assert_eq!(shown, expected);
    }

    #[test]
    fn html_cannot_leave_its_attribute() {
        assert!(!sandboxed("\"><script>alert(1)</script>", "Light", "").contains("<script>"));
    }
}
