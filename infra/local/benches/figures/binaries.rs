//! The functions as they are deployed: release binaries, and the size of their zip files.

use dialbridge_local::drive::people::Stuck;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Headers and directory of a zip file that holds one file named `bootstrap`.
const ZIP_FRAME: usize = 30 + 46 + 22 + 2 * "bootstrap".len();

/// Builds the binaries of these packages for release, where they are not yet; answers the folder they are in.
pub(crate) fn build(packages: &[&str]) -> Result<PathBuf, Stuck> {
    let this = std::env::current_exe()?;
    let release = this.ancestors().nth(2).ok_or("not in <target>/<profile>/deps")?;
    let target = release.parent().ok_or("no target folder")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release"]).arg("--target-dir").arg(target);
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if status.success() {
        Ok(target.join("release"))
    } else {
        Err(format!("cargo build ended with {status}").into())
    }
}

/// Bytes of a program.
pub(crate) fn size(program: &Path) -> Result<u64, Stuck> {
    Ok(fs::metadata(program)?.len())
}

/// Bytes of the zip file that holds it, packed as well as deflate can.
pub(crate) fn zipped(program: &Path) -> Result<usize, Stuck> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&fs::read(program)?)?;
    Ok(packed.finish()?.len() + ZIP_FRAME)
}
