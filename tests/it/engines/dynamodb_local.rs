//! Amazon's DynamoDB Local as a process of this test: in memory, on a free port, ended with this value.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use url::Url;

/// Another process may take the free port between our asking and the engine's binding.
const TRIES: u32 = 3;
/// Between two knocks at a port that is not open yet.
const KNOCK_AGAIN: Duration = Duration::from_millis(20);

pub(super) struct DynamoDbLocal {
    pub(super) url: Url,
    _process: Child,
}

impl DynamoDbLocal {
    /// Starts it; it takes requests when this returns.
    pub(super) async fn start() -> Self {
        let folder = folder();
        let mut ended = Vec::new();
        for _ in 0..TRIES {
            let port = free_port().await;
            let mut process = spawn(&folder, port);
            tokio::select! {
                () = open(port) => return Self {
                    url: format!("http://127.0.0.1:{port}").parse().expect("an address"),
                    _process: process,
                },
                status = process.wait() => ended.push(status.expect("the process can be waited for")),
            }
        }
        panic!("DynamoDB Local in {} does not start: {ended:?}", folder.display());
    }
}

fn folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the test command says where the engine is")]
    let folder = std::env::var_os("DYNAMODB_LOCAL_DIR").map(PathBuf::from);
    let Some(folder) = folder else {
        panic!("run `.ci/test`: it fetches DynamoDB Local and sets DYNAMODB_LOCAL_DIR to its folder");
    };
    assert!(
        folder.join("DynamoDBLocal.jar").is_file(),
        "there is no DynamoDBLocal.jar in {}; run `.ci/test`, which fetches it",
        folder.display()
    );
    folder
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn spawn(folder: &std::path::Path, port: u16) -> Child {
    let mut libraries = std::ffi::OsString::from("-Djava.library.path=");
    libraries.push(folder.join("DynamoDBLocal_lib"));
    Command::new("java")
        .arg(libraries)
        .arg("-jar")
        .arg(folder.join("DynamoDBLocal.jar"))
        .args([
            "-inMemory",
            "-sharedDb",
            "-disableTelemetry",
            "-port",
            &port.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("java runs; `.ci/test` installs it where it can")
}

/// Resolves when somebody listens. The engine tells nobody when it is ready.
async fn open(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(KNOCK_AGAIN).await;
    }
}
