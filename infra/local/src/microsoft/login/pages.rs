//! The pages that people see at the simulated Microsoft. Plain HTML forms without scripts, except the automatic
//! submission of `form_post` (with a button for browsers without scripts).

use super::super::catalogue::Permission;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#eef2f7;color:#1b1b1b}\
main{max-width:28rem;margin:8vh auto;background:#fff;padding:2.2rem;box-shadow:0 2px 8px #0003}\
h1{font-size:1.4rem;margin:.4rem 0 1rem}.brand{color:#5e5e5e;font-weight:600}.note{color:#5e5e5e;font-size:.9rem}\
button{font:inherit;padding:.45rem 1.4rem;border:0;background:#0067b8;color:#fff;cursor:pointer}\
button.plain{background:#ccc;color:#000}.account{display:block;width:100%;text-align:left;background:#fff;color:#000;\
border-bottom:1px solid #ddd;padding:.6rem}.account:hover,.account:focus{background:#f0f6fb}\
input[type=text]{font:inherit;width:100%;box-sizing:border-box;padding:.4rem;margin:.3rem 0 1rem}\
li{margin:.3rem 0}.sim{background:#fff4ce;padding:.3rem .6rem;font-size:.85rem}";

/// One account of the picker.
pub(super) struct Choice {
    pub(super) address: String,
    pub(super) name: String,
    pub(super) note: String,
}

/// The account picker. Posts `account` (or `action=cancel`) to `action`.
pub(super) fn picker(action: &str, app: &str, hint: Option<&str>, signed_in: bool, choices: &[Choice]) -> Response {
    let title = if signed_in { "Pick an account" } else { "Sign in" };
    let accounts: String = choices
        .iter()
        .map(|choice| {
            let (address, name, note) = (escape(&choice.address), escape(&choice.name), escape(&choice.note));
            format!(
                "<button class=account name=account value=\"{address}\"><strong>{name}</strong> \
                 <span class=note>{note}</span><br>{address}</button>"
            )
        })
        .collect();
    let (action, app, hint) = (escape(action), escape(app), escape(hint.unwrap_or_default()));
    page(
        StatusCode::OK,
        title,
        &format!(
            "<h1>{title}</h1><p>to continue to {app}</p>\
             <form method=post action=\"{action}\">{accounts}</form>\
             <form method=post action=\"{action}\"><p><label>Use another account\
             <input type=text name=account value=\"{hint}\" placeholder=\"someone@example.com\" required></label></p>\
             <button>Next</button></form>\
             <form method=post action=\"{action}\"><p><button class=plain name=action value=cancel>Back</button></p></form>"
        ),
    )
}

/// What the consent page shows.
pub(super) struct ConsentPage<'a> {
    pub(super) action: &'a str,
    pub(super) app: &'a str,
    pub(super) account: &'a str,
    pub(super) organization: &'a str,
    pub(super) permissions: &'a [&'static Permission],
    /// Offer the box `Consent on behalf of your organization`.
    pub(super) box_offered: bool,
    /// The request is for the whole organisation.
    pub(super) for_organization: bool,
}

/// The consent page. Posts `account`, `action=accept|cancel` and, if ticked, `consent_on_behalf=true`.
pub(super) fn consent(ask: &ConsentPage<'_>) -> Response {
    let items: String = ask
        .permissions
        .iter()
        .map(|one| format!("<li>{}</li>", escape(one.words)))
        .collect();
    let (action, app, account) = (escape(ask.action), escape(ask.app), escape(ask.account));
    let organization = escape(ask.organization);
    let heading = if ask.for_organization {
        format!("<h1>Permissions requested</h1><p><strong>Accept for your organization</strong> ({organization})</p>")
    } else {
        "<h1>Permissions requested</h1>".to_owned()
    };
    let tick = if ask.box_offered {
        "<p><label><input type=checkbox name=consent_on_behalf value=true> \
         Consent on behalf of your organization</label></p>"
    } else {
        ""
    };
    page(
        StatusCode::OK,
        "Permissions requested",
        &format!(
            "<p class=note>{account}</p>{heading}<p><strong>{app}</strong><br><span class=note>unverified</span></p>\
             <p>This app would like to:</p><ul>{items}</ul>\
             <p class=note>Accepting these permissions means that you allow this app to use your data as specified in \
             its terms of service and privacy statement.</p>\
             <form method=post action=\"{action}\"><input type=hidden name=account value=\"{account}\">{tick}\
             <button class=plain name=action value=cancel>Cancel</button> \
             <button name=action value=accept>Accept</button></form>"
        ),
    )
}

/// A dead end: the person is not sent back to the application.
pub(super) fn dead_end(code: u32, description: &str, app: &str) -> Response {
    let (headline, advice) = match code {
        90_094 => (
            "Need admin approval",
            "This app needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.",
        ),
        90_095 => (
            "Approval required",
            "This app requires your admin's approval. Enter a justification and send the request.",
        ),
        50_020 => (
            "Sign in",
            "The selected user account does not exist in this tenant and cannot access the application. The account needs to be added as an external user in the tenant first. Please use a different account.",
        ),
        50_034 => (
            "Sign in",
            "We couldn't find an account with that username. Try another, or get a new account.",
        ),
        53_003 => (
            "You cannot access this right now",
            "Your sign-in was successful but does not meet the criteria to access this resource.",
        ),
        _ => ("Sorry, but we're having trouble signing you in.", ""),
    };
    let (description, app) = (escape(description), escape(app));
    page(
        if code == 50_034 {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        },
        headline,
        &format!("<h1>{headline}</h1><p class=note>{app}</p><p>{advice}</p><p id=error>{description}</p>"),
    )
}

/// `response_mode=form_post`: a form that sends itself.
pub(super) fn form_post(target: &str, fields: &[(&str, String)]) -> Response {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=hidden name=\"{name}\" value=\"{}\">", escape(value)))
        .collect();
    let target = escape(target);
    page(
        StatusCode::OK,
        "Working...",
        &format!(
            "<form method=post name=hiddenform action=\"{target}\">{inputs}<button>Continue</button></form>\
             <script>document.forms[0].submit()</script>"
        ),
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><p class=brand>Microsoft \
         <span class=sim>simulated</span></p>{body}</main></body></html>"
    );
    let headers = [
        (http::header::CACHE_CONTROL, "no-store"),
        (http::header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, Html(html)).into_response()
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
