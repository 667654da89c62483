//! Two scripts that do what discovery does, in Python and Node, each in a process of its own; what they need is
//! installed below the target folder.

use crate::process::Usage;
use dialbridge_local::drive::people::Stuck;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A script that is ready to run.
#[derive(Clone)]
pub(crate) struct Peer {
    /// For people.
    pub(crate) name: &'static str,
    program: PathBuf,
    script: PathBuf,
}

/// Where a script reads and writes.
pub(crate) struct Places {
    /// Graph, without a slash at the end.
    pub(crate) graph: String,
    /// Opens it.
    pub(crate) token: String,
    /// The table's engine.
    pub(crate) dynamodb: String,
    /// Its name.
    pub(crate) table: String,
    /// What the partitions of users begin with.
    pub(crate) partition: String,
}

/// What a script says of itself: processor time by `getrusage`, memory as the system has it (`VmHWM`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    written: u64,
    unchanged: u64,
    cpu_seconds: f64,
    peak_kib: u64,
}

/// What a script did, and what it used.
pub(crate) struct Done {
    pub(crate) usage: Usage,
    pub(crate) written: u64,
    pub(crate) unchanged: u64,
}

/// Installs what the scripts need, in the versions that are locked beside them.
pub(crate) fn install() -> Result<[Peer; 2], Stuck> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(3).ok_or("no target folder")?;
    let folder = target.join("peers");
    fs::create_dir_all(&folder)?;
    let copy = |name: &str| fs::copy(sources.join(name), folder.join(name));
    for name in [
        "discover.py",
        "discover.mjs",
        "requirements.txt",
        "package.json",
        "package-lock.json",
    ] {
        copy(name)?;
    }
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        succeed(
            std::process::Command::new("python3")
                .args(["-m", "venv"])
                .arg(folder.join("venv")),
        )?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"];
    succeed(std::process::Command::new(&python).args(pip).current_dir(&folder))?;
    let npm = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    succeed(std::process::Command::new("npm").args(npm).current_dir(&folder))?;
    Ok([
        Peer {
            name: "Python: requests, boto3",
            program: python,
            script: folder.join("discover.py"),
        },
        Peer {
            name: "Node: Microsoft's client, AWS SDK 3",
            program: "node".into(),
            script: folder.join("discover.mjs"),
        },
    ])
}

fn succeed(command: &mut std::process::Command) -> Result<(), Stuck> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} ended with {status}").into())
    }
}

impl Peer {
    /// Runs the script once.
    pub(crate) async fn run(&self, places: &Places) -> Result<Done, Stuck> {
        let output = Command::new(&self.program)
            .arg(&self.script)
            .env("GRAPH", &places.graph)
            .env("TOKEN", &places.token)
            .env("DYNAMODB", &places.dynamodb)
            .env("TABLE", &places.table)
            .env("PARTITION", &places.partition)
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await?;
        if !output.status.success() {
            return Err(format!("{} ended with {}", self.name, output.status).into());
        }
        let said: Said = serde_json::from_slice(&output.stdout)?;
        Ok(Done {
            usage: Usage {
                cpu: Duration::from_secs_f64(said.cpu_seconds),
                peak: said.peak_kib * 1024,
            },
            written: said.written,
            unchanged: said.unchanged,
        })
    }
}
