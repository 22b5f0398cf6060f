//! Instructions, counted by Valgrind.
//!
//! Source: <https://valgrind.org/docs/manual/cl-manual.html>

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::lambda::Lambda;

/// Whether Valgrind is installed.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Returns how many instructions a function executes from its start to its end, while `act` sends it requests.
pub(crate) async fn instructions(
    binary: PathBuf,
    environment: &[(String, String)],
    act: impl AsyncFnOnce(&mut Lambda) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let output = std::env::temp_dir().join(format!("cartwright-benchmark-{}.callgrind", std::process::id()));
    let file = format!("--callgrind-out-file={}", output.display());
    let command = ["valgrind", "--quiet", "--tool=callgrind", &file, &binary.display().to_string()];
    let mut lambda = Lambda::start(&command.map(str::to_owned), environment).await?;
    act(&mut lambda).await?;
    lambda.end().await?;
    let counted = std::fs::read_to_string(&output)?;
    std::fs::remove_file(&output)?;
    let total = counted.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).ok_or(Failure::Valgrind)
}
