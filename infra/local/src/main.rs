//! `cargo run`: the whole service on this machine. `cargo run -- demo`: one enterprise's whole life, step by step.

use dialbridge_local::demo;
use dialbridge_local::dialbridge::{Dialbridge, Options};
use dialbridge_local::drive::people::{Stuck, create_reseller};
use dialbridge_local::mailbox::samples;
use dialbridge_local::openapi;
use dialbridge_local::world::{Ports, Urls};
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
dialbridge: the whole service on one machine, with a simulated Microsoft and AWS

    cargo run                       serve everything on loopback and print where to click
    cargo run -- demo               play one enterprise's whole life and check every step
    cargo run -- openapi            print the API description
    cargo run -- mails DIR          write every mail to DIR, with made-up facts

Options for serving and for the demo:
    --users N                       users of the main simulated tenant (2500)
    --seed N                        another world (1)
    --data DIR                      keep the table in a file below DIR (in memory)
    --any-port                      free ports instead of 8080-8085
    --addresses FILE                write the addresses to FILE, a line of JSON, once everything answers (serving only)
";

#[derive(Default)]
struct Arguments {
    demo: bool,
    openapi: bool,
    mails: Option<PathBuf>,
    any_port: bool,
    addresses: Option<PathBuf>,
    options: Options,
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments::default();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "demo" => parsed.demo = true,
            "openapi" => parsed.openapi = true,
            "mails" => parsed.mails = Some(value()?.into()),
            "--any-port" => parsed.any_port = true,
            "--users" => parsed.options.microsoft.users = value()?.parse().map_err(|_| "--users needs a number")?,
            "--seed" => parsed.options.microsoft.seed = value()?.parse().map_err(|_| "--seed needs a number")?,
            "--addresses" => parsed.addresses = Some(value()?.into()),
            "--data" => parsed.options.world.data = Some(value()?.into()),
            other => return Err(format!("`{other}` is not known")),
        }
    }
    Ok(parsed)
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            say(&format!("{wrong}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    let mut arguments = arguments;
    // As at a new customer: the first sync makes the calling domains, and the provider's DNS follows by itself.
    arguments.options.microsoft.bare = true;
    arguments.options.microsoft.provider_dns = true;
    let result = if arguments.openapi {
        say(openapi::json().trim_end());
        Ok(())
    } else if let Some(folder) = &arguments.mails {
        write_mails(folder)
    } else if arguments.demo {
        demo::play(arguments.options, say).await
    } else {
        serve(arguments).await
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Two files for each mail: what programs show that know HTML, and what others show.
fn write_mails(folder: &Path) -> Result<(), Stuck> {
    std::fs::create_dir_all(folder)?;
    for (name, mail) in samples::every() {
        std::fs::write(folder.join(format!("{name}.html")), mail.html)?;
        std::fs::write(
            folder.join(format!("{name}.txt")),
            format!("{}\n\n{}", mail.subject, mail.text),
        )?;
    }
    Ok(())
}

async fn serve(arguments: Arguments) -> Result<(), Stuck> {
    let mut options = arguments.options;
    // Nobody wants to wait minutes for a simulated Microsoft by the real clock.
    let delays = &mut options.microsoft.delays;
    (delays.dns_visible, delays.domain_activation) = (SignedDuration::ZERO, SignedDuration::ZERO);
    options.world.ports = if arguments.any_port {
        Ports::default()
    } else {
        Ports::FIXED
    };
    let service = Dialbridge::start(options).await?;
    create_reseller(&service.world.urls).await?;
    let enterprise = demo::first_enterprise(&service.world.urls).await?;
    // A table from an earlier start may hold enterprises that wait; their schedules did not outlive the process.
    let swept = service
        .world
        .aws
        .lambdas
        .invoke("reminder", serde_json::json!({ "sweep": true }))
        .await;
    swept.map_err(|error| format!("the daily sweep failed: {error:?}"))?;
    if let Some(file) = arguments.addresses {
        std::fs::write(&file, format!("{}\n", addresses(&service.world.urls)))?;
    }
    for line in demo::where_to_click(&service, &enterprise).await? {
        say(&line);
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// For programs that drive the service.
fn addresses(urls: &Urls) -> serde_json::Value {
    serde_json::json!({
        "portal": urls.portal, "api": urls.api, "aws": urls.aws, "dynamodb": urls.dynamodb, "login": urls.login,
        "graph": urls.graph,
    })
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn say(line: &str) {
    println!("{line}");
}
