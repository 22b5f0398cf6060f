//! The functions as Lambda gets them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// What was built, in Cargo's folder for releases.
pub(crate) struct Artifacts {
    folder: PathBuf,
}

/// What is built together. What is measured against stands alone, since packages that are built together get the
/// features of their dependencies that any of them wants.
const BUILDS: [&[&str]; 3] =
    [&["get", "add", "update", "clear", "checkout", "stripe-webhook", "products", "sync"], &["minimal"], &["hello"]];

impl Artifacts {
    /// Builds everything that is measured, with the profile for Lambda.
    pub(crate) fn build() -> Result<Self, Failure> {
        let mut folder = None;
        for binaries in BUILDS {
            folder = build(binaries)?;
        }
        Ok(Self { folder: folder.ok_or(Failure::Build)? })
    }

    pub(crate) fn path(&self, binary: &str) -> PathBuf {
        self.folder.join(binary)
    }

    /// The size of the binary as it is uploaded, in bytes.
    pub(crate) fn packed(&self, binary: &str) -> Result<usize, Failure> {
        let packed = Command::new("gzip").args(["--best", "--stdout"]).arg(self.path(binary)).output()?;
        Ok(packed.stdout.len())
    }
}

/// Builds some packages and returns the folder with their binaries.
fn build(packages: &[&str]) -> Result<Option<PathBuf>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--release", "--message-format", "json-render-diagnostics"]);
    for package in packages {
        build.args(["--package", package]);
    }
    let mut process = build.stdout(Stdio::piped()).spawn()?;
    let mut messages = String::new();
    if let Some(mut output) = process.stdout.take() {
        output.read_to_string(&mut messages)?;
    }
    if !process.wait()?.success() {
        return Err(Failure::Build);
    }
    let executable = messages.lines().find_map(|message| {
        let message: serde_json::Value = serde_json::from_str(message).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    Ok(executable.as_deref().and_then(Path::parent).map(Path::to_owned))
}
