//! `cargo bench`: what the functions cost, as Markdown tables. `cargo bench -- --quick` measures less of everything;
//! `--binaries DIR` measures binaries that were built before instead of building them, to compare two versions.
//!
//! What is measured are release binaries, each a process of its own under a Lambda Runtime API; the table, Microsoft
//! and everything else run in this process. Nothing here is a test: figures depend on the machine and on what else it
//! does.

mod binaries;
mod counting;
mod discovery;
mod functions;
mod process;
mod stage;
mod table;

use dialbridge_local::drive::people::Stuck;
use functions::Effort;
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let quick = std::env::args().any(|argument| argument == "--quick");
    let binaries = arguments
        .find(|argument| argument == "--binaries")
        .and_then(|_| arguments.next());
    match measure(quick, binaries.map(PathBuf::from)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn measure(quick: bool, binaries: Option<PathBuf>) -> Result<(), Stuck> {
    let (effort, sizes): (_, &[usize]) = if quick {
        (
            Effort {
                starts: 5,
                requests: 300,
            },
            &[2_500],
        )
    } else {
        (
            Effort {
                starts: 21,
                requests: 3_000,
            },
            &[2_500, 25_000, 100_000],
        )
    };
    let packages: Vec<&str> = functions::PACKAGES.into_iter().chain([discovery::PACKAGE]).collect();
    let release = match binaries {
        Some(folder) => folder,
        None => binaries::build(&packages)?,
    };
    say(&format!(
        "On {} (load before: {}).\n",
        process::machine(),
        process::load()
    ));
    say(&format!(
        "HTTP functions: {} starts each, from the start of the process to the first answer, which needs the table; then \
         {} requests one after another to a warm one.\n",
        effort.starts, effort.requests
    ));
    say(&functions::measure(&release, &effort).await?.to_string());
    say("Reading a directory: processor time and memory are those of the whole worker process, its start included.\n");
    say(&discovery::measure(&release, sizes).await?.to_string());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn say(text: &str) {
    println!("{text}");
}
