//! The frame around every page of the local world, and escaping.

use axum::response::Html;

/// A whole page; `body` is HTML.
pub(crate) fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · Dialbridge local</title><style>{STYLE}</style>\
         <header><a href=\"/\">Dialbridge</a> <span>local world</span>\
         <nav><a href=\"/mailbox\">Mailbox</a><a href=\"/schedules\">Schedules</a></nav></header>\
         <main><h1>{title}</h1>{body}</main></html>",
        title = escape(title),
    ))
}

/// Text as HTML, safe in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--accent:#3b5bdb}\
body{margin:0;font:16px/1.5 system-ui,sans-serif}\
header{display:flex;gap:.6rem;align-items:baseline;padding:.8rem 1.5rem;border-bottom:1px solid var(--line)}\
header>a{font-weight:700;font-size:1.15rem}header span{opacity:.6}nav{margin-left:auto;display:flex;gap:1rem}\
main{max-width:70rem;margin:0 auto;padding:1rem 1.5rem 4rem}\
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line)}\
code,pre,textarea{font:13px/1.45 ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid var(--line);border-radius:.5rem}\
textarea{width:100%;height:3.6rem;box-sizing:border-box}\
iframe{width:100%;height:36rem;border:1px solid var(--line);border-radius:.5rem;background:#fff}\
button{font:inherit;padding:.35rem .9rem;border:1px solid var(--accent);border-radius:.4rem;background:none;color:var(--accent);cursor:pointer}\
form{display:inline-block;margin-right:.5rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{opacity:.7}dd{margin:0}";
