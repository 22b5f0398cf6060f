//! openapi.yaml against the routes and the README. The fixtures hold every answer of the end-to-end tests against it, too.

use std::collections::BTreeSet;

use fixtures::Shop;
use fixtures::openapi::API;
use local::Template;
use reqwest::Method;
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

/// Each header that can be wrong is refused where it is documented, and not looked at elsewhere.
#[tokio::test]
async fn a_header_is_read_just_where_it_is_documented() {
    let shop = Shop::open().await;
    let wrong = [
        ("Cart-Token", "x"),
        ("If-Match", "x"),
        ("Idempotency-Key", "é"),
        ("X-Currency", "euro"),
        ("X-MOLTIN-CURRENCY", "euro"),
    ];
    for (path, operations) in API["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "price_mug").replace("{number}", "0");
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => API.pointer(reference.trim_start_matches('#')).unwrap(),
                None => parameter,
            });
            let headers = parameters.filter(|parameter| parameter["in"] == "header");
            let documented: BTreeSet<_> = headers.map(|header| header["name"].as_str().unwrap()).collect();
            for (name, value) in wrong {
                let answer = shop.send(method.clone(), &path, &[(name, value)], Vec::new()).await;

                let refused = answer.status == 400 && answer.error(400) == "invalid_header";
                assert_eq!(refused, documented.contains(name), "{method} {path} {name}: {}", answer.text);
                assert!(!refused || answer.json()["details"]["header"] == name, "{}", answer.text);
            }
        }
    }
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
