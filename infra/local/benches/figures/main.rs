//! `cargo bench`: what the functions cost, as Markdown tables. `cargo bench -- --quick` measures less of everything;
//! `--binaries DIR` measures binaries that were built before instead of building them, to compare two versions.
//! `--directory` measures discovery beside two scripts of others, which need Python 3 and Node 20 with npm, and nothing
//! else. `--runs` applies mappings of 1,000 and 10,000 users, which takes a quarter of an hour, and nothing else.
//! `--guesses` plays a million guessed invitation codes and nothing else; `--planning` plans for up to 100,000 users and
//! nothing else; `--reminders` plays a day of a million reminders and nothing else: they need no binaries.
//!
//! What is measured are release binaries, each a process of its own under a Lambda Runtime API; the table, Microsoft
//! and everything else run in this process. Nothing here is a test: figures depend on the machine and on what else it
//! does.

mod applying;
mod beside;
mod binaries;
mod counting;
mod discovery;
mod functions;
mod guesses;
mod peers;
mod planning;
mod process;
mod reminding;
mod stage;
mod table;

use dialbridge_local::drive::people::Stuck;
use functions::Effort;
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match measure(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn measure(mut arguments: impl Iterator<Item = String>) -> Result<(), Stuck> {
    let (mut starts, mut requests, mut sizes) = (21, 3_000, vec![2_500, 25_000, 100_000]);
    let mut binaries = None;
    let (mut guesses, mut only_guesses) = (1_000_000, false);
    let mut directory = (100_000, 3, vec![1_000, 100_000, 500_000]);
    let (mut only_directory, mut only_planning) = (false, false);
    let (mut reminded, mut only_reminders) = (1_000_000, false);
    let mut planned = vec![1_000, 10_000, 100_000];
    let (mut applied, mut only_runs) = (vec![1_000, 10_000], false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => {
                (starts, requests, sizes, guesses) = (5, 300, vec![2_500], 20_000);
                directory = (2_500, 1, vec![1_000]);
                planned = vec![1_000];
                reminded = 50_000;
                applied = vec![200];
            }
            "--directory" => only_directory = true,
            "--runs" => only_runs = true,
            "--guesses" => only_guesses = true,
            "--planning" => only_planning = true,
            "--reminders" => only_reminders = true,
            "--binaries" => binaries = Some(PathBuf::from(arguments.next().ok_or("--binaries needs a folder")?)),
            // Cargo adds it.
            "--bench" => {}
            other => return Err(format!("`{other}` is not known").into()),
        }
    }
    if only_reminders {
        return reminding::measure(reminded, say).await;
    }
    if only_planning {
        return plan(&planned);
    }
    if only_guesses {
        return guess(guesses).await;
    }
    let mut packages = vec![discovery::PACKAGE];
    if !only_directory && !only_runs {
        packages.extend(functions::PACKAGES);
    }
    let release = match binaries {
        Some(folder) => folder,
        None => binaries::build(&packages)?,
    };
    say(&format!(
        "On {} (load before: {}).\n",
        process::machine(),
        process::load()
    ));
    if only_runs {
        return applying::measure(&release, &applied, say).await;
    }
    if only_directory {
        let (users, rounds, sizes) = directory;
        return beside::measure(&release, users, rounds, &sizes, say).await;
    }
    say(&format!(
        "HTTP functions: {starts} starts each, from the start of the process to the first answer, which needs the table; \
         then {requests} requests one after another to a warm one.\n"
    ));
    functions::measure(&release, &Effort { starts, requests }, say).await?;
    say(
        "\nReading a directory: processor time and memory are those of the whole worker process, its start included.\n",
    );
    discovery::measure(&release, &sizes, say).await?;
    plan(&planned)?;
    say("\nApplying a mapping: a number and two policies for each user, at the pace that the budgets allow.\n");
    applying::measure(&release, &applied, say).await?;
    reminding::measure(reminded, say).await?;
    guess(guesses).await
}

fn plan(sizes: &[usize]) -> Result<(), Stuck> {
    say(&format!(
        "\nPlanning, on {} (load before: {}); memory is that of the whole process, the facts of the sizes before included:\n",
        process::machine(),
        process::load()
    ));
    planning::measure(sizes, say)
}

async fn guess(guesses: usize) -> Result<(), Stuck> {
    say("\nGuessed invitation codes, through the router of the pages, within less than an hour of its clock:\n");
    guesses::measure(guesses, say).await
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn say(text: &str) {
    println!("{text}");
}
