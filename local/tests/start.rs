//! What `cargo run` prints when it cannot start.

#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Creates an empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cartwright-start-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Starts the stack, which must fail, and returns what it prints.
fn complaint(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["--port", "0", "--dynamodb-port", "0", "--stripe-port", "0"])
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_dynamodb_that_does_not_answer_is_named_in_one_line() {
    let folder = folder("unreachable");
    let nowhere = "http://127.0.0.1:9";

    let by_option = complaint(&folder, &["--dynamodb-url", nowhere], &[]);
    let by_setting = complaint(&folder, &[], &[("AWS_ENDPOINT_URL_DYNAMODB", nowhere)]);
    let by_setting_for_all = complaint(&folder, &[], &[("AWS_ENDPOINT_URL", nowhere)]);
    let ignored = [("AWS_ENDPOINT_URL", "http://127.0.0.1:10"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
    let by_option_alone = complaint(&folder, &["--dynamodb-url", nowhere], &ignored);
    std::fs::write(folder.join(".env"), format!("AWS_ENDPOINT_URL_DYNAMODB={nowhere}\n")).unwrap();
    let by_file = complaint(&folder, &[], &[]);

    for complaint in [by_option, by_setting, by_setting_for_all, by_option_alone, by_file] {
        assert_eq!(complaint, "error: DynamoDB: nothing answers at http://127.0.0.1:9\n");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_setting_that_must_be_a_url_is_named_if_it_is_none() {
    let folder = folder("urls");

    let by_option = complaint(&folder, &["--dynamodb-url", "localhost:8000"], &[]);

    assert!(by_option.starts_with("error: AWS_ENDPOINT_URL_DYNAMODB is malformed"), "{by_option}");
    for name in ["AWS_ENDPOINT_URL", "PUBLIC_URL", "SUCCESS_URL", "CANCEL_URL", "STRIPE_API_URL"] {
        let complaint = complaint(&folder, &[], &[(name, "/thanks")]);
        assert!(complaint.starts_with(&format!("error: {name} is malformed")), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_for_data_that_cannot_be_used_is_named() {
    let folder = folder("data");
    std::fs::write(folder.join("taken"), "").unwrap();

    let complaint = complaint(&folder, &["--data", "taken"], &[]);

    assert!(complaint.starts_with("error: --data taken: "), "{complaint}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_of_the_sandbox_that_cannot_be_read_stops_the_start_and_stays() {
    let folder = folder("sandbox");
    let file = folder.join("kept/stripe.json");
    std::fs::create_dir_all(folder.join("kept")).unwrap();
    std::fs::write(&file, "{\"version\":1").unwrap();

    let complaint = complaint(&folder, &["--data", "kept"], &[]);

    assert!(complaint.starts_with("error: --data kept: kept/stripe.json: is not JSON"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"version\":1");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_broken_env_file_is_reported_without_its_content() {
    let folder = folder("env");
    std::fs::write(folder.join(".env"), "SHOP_LOCALE=de-DE\nSTRIPE_SECRET_KEY='sk_live_secret\n").unwrap();

    let complaint = complaint(&folder, &[], &[]);

    assert!(complaint.starts_with("error: .env: behind SHOP_LOCALE"), "{complaint}");
    assert!(!complaint.contains("sk_live"), "{complaint}");
    std::fs::remove_dir_all(folder).unwrap();
}
