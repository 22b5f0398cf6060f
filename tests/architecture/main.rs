//! The arrows between crates, as ARCHITECTURE.md draws them: what a crate must not link, and what only some may use.

#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Crates of this workspace, and the packages that they do not link, not even through another crate.
///
/// A name that ends in `*` stands for all packages that begin so.
const NOT_LINKED: &[(&[&str], &[&str])] = &[
    // These functions do not talk to Stripe. Its client would only make them larger and slower to start.
    (&["get", "clear", "order", "admin-orders", "products", "publish"], &["payments", "async-stripe*"]),
    // The rules are functions of their arguments.
    (&["cart"], &["aws-*", "async-stripe*", "axum*", "http*", "hyper*", "lambda_*", "reqwest", "settings", "tokio*"]),
    // The sandbox computes amounts on its own, so that comparing them with the cart's means something.
    (&["stripe-sandbox"], &["cart", "payments"]),
];

/// Packages, and the only crates of this workspace that may name them as a dependency. Tests may use any.
const ONLY_USED_BY: &[(&str, &[&str])] = &[
    // `local` creates the tables, and `minimal` is what the benchmark compares the store with.
    ("aws-sdk-dynamodb", &["store", "local", "minimal"]),
    ("async-stripe*", &["payments"]),
    // Above all, not `web`.
    (
        "store",
        &["services", "shopping", "catalog", "ordering", "order", "admin-orders", "products", "publish", "local"],
    ),
];

/// What Cargo says of the workspace, as far as it is built here: a build fetches nothing for other platforms, and a test
/// nothing at all.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let environment = settings::Environment::of_process();
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = told(environment.get("RUSTC").unwrap_or("rustc"), &["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata =
        ["metadata", "--offline", "--filter-platform", host, "--format-version", "1", "--manifest-path", manifest];
    serde_json::from_str(&told(environment.get("CARGO").unwrap_or("cargo"), &metadata)).unwrap()
});

/// The names of packages by their ids.
static NAMES: LazyLock<BTreeMap<Option<&str>, &str>> = LazyLock::new(|| {
    let packages = METADATA["packages"].as_array().unwrap();
    packages.iter().map(|package| (package["id"].as_str(), package["name"].as_str().unwrap())).collect()
});

/// The packages of Cargo.lock, each with the packages that it links, by name.
static LINKED: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| {
    let mut linked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in METADATA["resolve"]["nodes"].as_array().unwrap() {
        let dependencies = node["deps"].as_array().unwrap().iter();
        // Neither what only tests use nor what only builds.
        let normal = dependencies
            .filter(|dependency| dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null()));
        let normal = normal.map(|dependency| NAMES[&dependency["pkg"].as_str()].to_owned());
        // Two versions of a package count as one.
        linked.entry(NAMES[&node["id"].as_str()].to_owned()).or_default().extend(normal);
    }
    linked
});

/// Returns the chain of packages by which `package` links one that `matches`, if it does.
fn chain(package: &str, matches: &impl Fn(&str) -> bool, seen: &mut BTreeSet<String>) -> Option<Vec<String>> {
    for dependency in &LINKED[package] {
        if matches(dependency) {
            return Some(vec![package.to_owned(), dependency.clone()]);
        }
        if seen.insert(dependency.clone())
            && let Some(rest) = chain(dependency, matches, seen)
        {
            return Some([vec![package.to_owned()], rest].concat());
        }
    }
    None
}

/// Functions are built by the names of their binaries, with the features that all default members want of a dependency. What
/// only tests want would make every function larger.
#[test]
fn no_function_is_built_with_features_for_tests() {
    let default: BTreeSet<_> =
        METADATA["workspace_default_members"].as_array().unwrap().iter().map(Value::as_str).collect();
    let of_tests = METADATA["packages"].as_array().unwrap().iter().filter(|package| {
        default.contains(&package["id"].as_str()) && package["manifest_path"].as_str().unwrap().contains("/tests/")
    });
    let of_tests: Vec<_> = of_tests.map(|package| package["name"].as_str().unwrap()).collect();

    assert_eq!(of_tests, ["end-to-end"]);
    assert_eq!(LINKED["end-to-end"], BTreeSet::new());
}

fn is_named(package: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(package == pattern, |beginning| package.starts_with(beginning))
}

#[test]
fn no_crate_links_what_it_must_not() {
    for (crates, forbidden) in NOT_LINKED {
        for name in *crates {
            let is_forbidden = |package: &str| forbidden.iter().any(|pattern| is_named(package, pattern));

            let chain = chain(name, &is_forbidden, &mut BTreeSet::new());

            assert_eq!(chain, None, "{name} links what it must not");
        }
    }
}

#[test]
fn only_the_named_crates_use_a_package() {
    for (pattern, allowed) in ONLY_USED_BY {
        // Packages of the same family may use each other.
        let users = LINKED.iter().filter(|(user, _)| !is_named(user, pattern));
        let users = users.filter(|(_, linked)| linked.iter().any(|package| is_named(package, pattern)));

        let users: BTreeSet<_> = users.map(|(user, _)| user.as_str()).collect();

        assert_eq!(users, allowed.iter().copied().collect(), "{pattern}");
    }
}

/// A rule about a name that is gone would hold whatever the crates do.
#[test]
fn every_name_in_a_rule_is_a_package() {
    let crates = NOT_LINKED.iter().flat_map(|(crates, _)| crates.iter());
    let forbidden = NOT_LINKED.iter().flat_map(|(_, forbidden)| forbidden.iter());
    let used = ONLY_USED_BY.iter().flat_map(|(pattern, allowed)| std::iter::once(pattern).chain(*allowed));

    for pattern in crates.chain(forbidden).chain(used) {
        assert!(LINKED.keys().any(|package| is_named(package, pattern)), "there is no package {pattern}");
    }
}

#[test]
fn every_crate_of_the_functions_obeys_the_log_level() {
    let folders = ["functions", "shared"].map(|folder| format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR")));
    let crates: BTreeSet<String> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace('-', "_"))
        .collect();

    assert_eq!(web::LOG_TARGETS.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), crates);
}
