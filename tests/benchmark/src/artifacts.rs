//! The binaries of the functions, as Lambda gets them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use settings::Environment;

use crate::Failure;

/// One version of everything that is measured, in Cargo's folder for releases.
pub(crate) struct Artifacts {
    folder: PathBuf,
}

/// The functions are built as SAM has them built: by the names of their binaries, from the root of the workspace.
const FUNCTIONS: [&str; 8] = ["get", "add", "update", "clear", "checkout", "stripe-webhook", "products", "sync"];
/// The functions are measured against these. Each is built alone, because packages that are built together get each
/// other's features of their dependencies.
const REFERENCES: [&str; 2] = ["minimal", "hello"];

impl Artifacts {
    /// Builds everything that is measured, with the profile for Lambda.
    pub(crate) fn build() -> Result<Self, Failure> {
        for reference in REFERENCES {
            build(&["--package", reference])?;
        }
        let functions: Vec<_> = FUNCTIONS.iter().flat_map(|function| ["--bin", function]).collect();
        Ok(Self { folder: build(&functions)?.ok_or(Failure::Build)? })
    }

    /// Takes what is built already in `folder`.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, Failure> {
        let artifacts = Self { folder: folder.to_owned() };
        let missing = FUNCTIONS.iter().chain(&REFERENCES).map(|name| artifacts.path(name)).find(|path| !path.is_file());
        match missing {
            Some(path) => Err(Failure::Missing(path)),
            None => Ok(artifacts),
        }
    }

    pub(crate) fn path(&self, binary: &str) -> PathBuf {
        self.folder.join(binary)
    }

    /// The size of the binary as it is uploaded, in bytes.
    pub(crate) fn packed(&self, binary: &str) -> Result<usize, Failure> {
        let packed = Command::new("gzip").args(["--best", "--stdout"]).arg(self.path(binary)).output()?;
        if packed.status.success() { Ok(packed.stdout.len()) } else { Err(Failure::Gzip) }
    }
}

/// Builds what is chosen and returns the folder with the binaries.
fn build(chosen: &[&str]) -> Result<Option<PathBuf>, Failure> {
    let environment = Environment::of_process();
    let cargo = environment.get("CARGO").unwrap_or("cargo");
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--release", "--message-format", "json-render-diagnostics"]).args(chosen);
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
