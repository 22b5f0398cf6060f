//! openapi.yaml held against what the bundle does: every answer of every test, and every route.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use local::Template;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// openapi.yaml.
static API: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(include_str!("../../openapi.yaml")).unwrap());

/// Fails unless openapi.yaml documents this answer of the API: its status, its headers, its type and its body.
///
/// What API Gateway answers by itself, because it has no such route, is no matter of the API's.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else {
        assert!(matches!(status, 200 | 204 | 404 | 405), "{method} {path} is no route and answered {status}: {body}");
        return;
    };
    let response = resolved(&operation["responses"][status.to_string()]);
    assert!(response.is_object(), "{method} {path}: {status} is not documented: {body}");

    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        match headers.get(name) {
            Some(value) => hold(&header["schema"], &json!(value.to_str().unwrap()), &format!("{path}: {name}")),
            None => assert_ne!(header["required"], true, "{method} {path}: {status} lacks {name}"),
        }
    }
    match response["content"].as_object() {
        None => assert_eq!(body, "", "{method} {path}: {status} has no documented body"),
        Some(content) => {
            let media_type = headers["content-type"].to_str().unwrap();
            let documented = content.get(media_type);
            let schema = &documented.unwrap_or_else(|| panic!("{path}: {media_type} is not documented"))["schema"];
            hold(schema, &serde_json::from_str(body).unwrap(), &format!("{method} {path}: {status}"));
        }
    }
}

/// The operation that a request is for. A path without parameters wins over one with.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = API["paths"].as_object().unwrap();
    let templated = paths.iter().find(|(template, _)| template.contains('{') && matches(template, path));
    let item = paths.get(path).or(templated.map(|(_, item)| item))?;
    item.get(method.as_str().to_ascii_lowercase())
}

fn matches(template: &str, path: &str) -> bool {
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (template, path) = (segments(template), segments(path));
    let fits = |(wanted, found): (&String, &String)| wanted == found || wanted.starts_with('{') && !found.is_empty();
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => API.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[track_caller]
fn hold(schema: &Value, instance: &Value, what: &str) {
    let validator = validator(schema);
    let faults: Vec<_> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{what}: {faults:#?}\nin {instance}");
}

/// The schema's validator, made once: every answer of every test comes here.
fn validator(schema: &Value) -> Arc<Validator> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap();
    let make = || {
        // References lead into the components, wherever the schema itself stands.
        let schema = json!({ "allOf": [schema], "components": API["components"] });
        Arc::new(jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap())
    };
    Arc::clone(validators.entry(schema.to_string()).or_insert_with(make))
}

#[test]
fn every_route_is_documented_and_every_documented_path_is_a_route() {
    let routes: BTreeSet<_> = Template::embedded()
        .unwrap()
        .routes
        .into_iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();

    let documented: BTreeSet<_> = API["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
        })
        .collect();

    assert_eq!(documented, routes);
}

#[test]
fn every_code_of_an_error_stands_in_the_readme() {
    let readme = include_str!("../../README.md");
    let responses = API["components"]["responses"].as_object().unwrap();
    let codes = responses.values().flat_map(|response| {
        let code = &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"];
        let one = code["const"].as_str().into_iter();
        one.chain(code["enum"].as_array().into_iter().flatten().filter_map(Value::as_str)).collect::<Vec<_>>()
    });

    for code in codes {
        assert!(readme.contains(&format!("`{code}`")), "README.md lacks {code}");
    }
}
