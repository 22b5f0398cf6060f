//! The binaries of the functions, as Lambda gets them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use settings::Environment;

use crate::Failure;

/// One version of everything that is measured, in Cargo's folder for releases.
pub(crate) struct Artifacts {
    folder: PathBuf,
    tunables: Option<String>,
}

/// What template.yaml gives each function besides settings that a shop has.
const TUNABLES: &str = "GLIBC_TUNABLES";

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
        Ok(Self { folder: build(&functions)?.ok_or(Failure::Build)?, tunables: tunables(&own_template())? })
    }

    /// Takes what is built already of this checkout, in `folder`.
    pub(crate) fn built(folder: &Path) -> Result<Self, Failure> {
        Self::in_folder(folder, &own_template())
    }

    /// Takes what is built already of another checkout, in its `target/release`.
    pub(crate) fn of_another(folder: &Path) -> Result<Self, Failure> {
        Self::in_folder(folder, &folder.join("../../template.yaml"))
    }

    fn in_folder(folder: &Path, template: &Path) -> Result<Self, Failure> {
        let artifacts = Self { folder: folder.to_owned(), tunables: tunables(template)? };
        let missing = FUNCTIONS.iter().chain(&REFERENCES).map(|name| artifacts.path(name)).find(|path| !path.is_file());
        match missing {
            Some(path) => Err(Failure::Missing(path)),
            None => Ok(artifacts),
        }
    }

    pub(crate) fn path(&self, binary: &str) -> PathBuf {
        self.folder.join(binary)
    }

    /// What the version's own template.yaml puts into the environment of every function, whatever the shop.
    pub(crate) fn environment(&self) -> Option<(String, String)> {
        self.tunables.clone().map(|tunables| (TUNABLES.to_owned(), tunables))
    }

    /// The size of the binary as it is uploaded, in bytes.
    pub(crate) fn packed(&self, binary: &str) -> Result<usize, Failure> {
        let packed = Command::new("gzip").args(["--best", "--stdout"]).arg(self.path(binary)).output()?;
        if packed.status.success() { Ok(packed.stdout.len()) } else { Err(Failure::Gzip) }
    }
}

fn own_template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")
}

fn tunables(template: &Path) -> Result<Option<String>, Failure> {
    let template: Value = serde_saphyr::from_str(&std::fs::read_to_string(template)?)
        .map_err(|error| Failure::Template(template.to_owned(), error.to_string()))?;
    Ok(template["Globals"]["Function"]["Environment"]["Variables"][TUNABLES].as_str().map(str::to_owned))
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
