//! Writes every page in every state to a folder, for tools that read HTML: `cargo run -p consent-callback --example pages
//! -- FOLDER`. `policy.txt` beside them is the `Content-Security-Policy` that they come with.
#![expect(clippy::unwrap_used, reason = "the samples are written by hand")]

mod samples;

use consent_callback::pages::*;
use samples::every_page;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).unwrap_or_default().into();
    std::fs::create_dir_all(&folder)?;
    for (name, html) in every_page() {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    let policy = content_security_policy("https://login.microsoftonline.com", Some("https://front.example"));
    std::fs::write(folder.join("policy.txt"), policy)
}
