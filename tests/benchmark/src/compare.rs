//! Two versions side by side: what a function costs in the one and in the other.

use std::fmt::Write as _;

use crate::Failure;
use crate::bench::Bench;
use crate::subject::{Subject, USUAL_LINES};
use crate::table::{Table, grouped, median, times};

/// What is compared, in the order of [`figures`].
const FIGURES: [&str; 9] = [
    "Instructions of init",
    "Instructions of the first request",
    "Instructions of a later request",
    "Packed size",
    "Requests to DynamoDB, cold",
    "Requests to DynamoDB, later",
    "Read units, later",
    "Write units, later",
    "Log bytes, later",
];

/// How many of [`FIGURES`], from the first, are counted by Valgrind.
const INSTRUCTIONS: usize = 3;

/// Measures two versions, before and after, and returns a table for each of [`FIGURES`].
///
/// In each round each function of both is measured, one right after the other, so that a busy machine is as busy for both.
/// The figures are the medians.
pub(crate) async fn versions(versions: [&Bench<'_>; 2], rounds: usize) -> Result<String, Failure> {
    let mut measured = Subject::ALL.map(|_| [const { Vec::new() }; 2]);
    for round in 0..rounds {
        for turn in 0..Subject::ALL.len() {
            let index = (round + turn) % Subject::ALL.len();
            for turn in 0..versions.len() {
                let version = (round + turn) % versions.len();
                measured[index][version].push(figures(versions[version], Subject::ALL[index]).await?);
            }
        }
    }

    let counts = versions.iter().all(|bench| bench.counts);
    let mut text = format!("Carts of {USUAL_LINES} lines. Each figure is the median of {rounds} measurements.\n");
    for (figure, name) in FIGURES.iter().enumerate().skip(if counts { 0 } else { INSTRUCTIONS }) {
        let mut table = Table::new(&["function", "before", "after", "ratio"]);
        for (subject, versions) in Subject::ALL.iter().zip(&measured) {
            let [before, after] =
                [0, 1].map(|version: usize| median(versions[version].iter().map(|round| round[figure]).collect()));
            table.row(subject.name(), [number(before), number(after), ratio(before, after)]);
        }
        let _ = write!(text, "\n{name}:\n\n{table}");
    }
    Ok(text)
}

/// What one function costs: all of [`FIGURES`].
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn figures(bench: &Bench<'_>, subject: Subject) -> Result<[f64; FIGURES.len()], Failure> {
    let [init, first, later] = if bench.counts {
        let counted = bench.instructions(subject, USUAL_LINES).await?;
        [counted.init, counted.first, counted.later]
    } else {
        [0; INSTRUCTIONS]
    };
    let packed = bench.artifacts.packed(subject.binary())?;
    let exchanged = bench.exchanged(subject, USUAL_LINES).await?;
    Ok([
        init as f64,
        first as f64,
        later as f64,
        packed as f64,
        exchanged.cold.requests.into(),
        exchanged.later.requests.into(),
        exchanged.later.read_units,
        exchanged.later.write_units,
        exchanged.logged as f64,
    ])
}

/// Formats a figure: half units as they are, everything else as a whole number.
fn number(figure: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive, far below 2^52")]
    if figure.fract() == 0.0 { grouped(figure as u64) } else { figure.to_string() }
}

/// Formats how much `after` is of `before`; nothing is as much as nothing.
fn ratio(before: f64, after: f64) -> String {
    if before > 0.0 {
        times(after / before)
    } else if after > 0.0 {
        "new".to_owned()
    } else {
        times(1.0)
    }
}
