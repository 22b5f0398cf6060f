//! openapi.yaml against the routes and the README. The fixtures hold every answer of the end-to-end tests against it, too.

use std::collections::BTreeSet;

use fixtures::openapi::API;
use local::Template;
use serde_json::Value;

#[test]
fn every_route_is_documented_and_every_documented_path_is_a_route() {
    let routes = Template::embedded().unwrap().routes;
    let shown = |method: &str, path: &str| format!("{method} {path}");
    let all: BTreeSet<_> = routes.iter().map(|route| shown(&route.method, &route.path)).collect();

    let documented: BTreeSet<_> = API["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().keys().map(move |method| shown(&method.to_ascii_uppercase(), path))
        })
        .collect();

    // What the document says in prose of all of them: HEAD beside GET, and a cart's paths behind one or two segments.
    let heads = documented.iter().filter_map(|route| Some(format!("HEAD {}", route.strip_prefix("GET ")?)));
    let own: BTreeSet<_> = documented.iter().cloned().chain(heads).collect();
    let carts = own.iter().filter(|route| route.contains(" /cart"));
    let behind = carts.flat_map(|route| {
        ["/{prefix}", "/{language}/{prefix}"].map(|front| route.replacen(" /cart", &format!(" {front}/cart"), 1))
    });
    assert_eq!(behind.chain(own.clone()).collect::<BTreeSet<_>>(), all);
}

/// The codes that a schema of an error allows.
fn codes_of(schema: &Value) -> Vec<&str> {
    let parts = ["allOf", "anyOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    let code = &schema["properties"]["code"];
    let named = code["const"].as_str().into_iter();
    let named = named.chain(code["enum"].as_array().into_iter().flatten().filter_map(Value::as_str));
    named.chain(parts.flat_map(codes_of)).collect()
}

#[test]
fn every_code_of_an_error_stands_in_the_readme() {
    let readme = include_str!("../../README.md");
    let responses = API["components"]["responses"].as_object().unwrap();
    let codes: BTreeSet<_> =
        responses.values().flat_map(|response| codes_of(&response["content"]["application/json"]["schema"])).collect();

    assert!(codes.is_superset(&["cart_empty", "too_many_requests", "server_error"].into()), "{codes:?}");
    for code in codes {
        assert!(readme.contains(&format!("`{code}`")), "README.md lacks {code}");
    }
}
