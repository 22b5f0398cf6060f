//! `GET /products`.

use fixtures::Shop;
use std::collections::BTreeSet;

#[tokio::test]
async fn all_active_products_are_listed_page_by_page() {
    let shop = Shop::open().await;
    let mut names = BTreeSet::new();
    let mut after = String::new();
    loop {
        let page = shop.get(&format!("/products?limit=3&starting_after={after}")).await.ok();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 3);
        names.extend(data.iter().map(|product| product["id"].as_str().unwrap().to_owned()));
        for price in data.iter().flat_map(|product| product["prices"].as_array().unwrap()) {
            assert_eq!(price["active"], true);
        }
        if page["has_more"] == false {
            break;
        }
        after = data.last().unwrap()["id"].as_str().unwrap().to_owned();
    }

    assert!(names.contains("prod_mug") && names.contains("prod_club"), "{names:?}");
    let all = shop.get("/products?limit=100").await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), names.len());
}

#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again() {
    let shop = Shop::open().await;
    let first = shop.get("/products").await;
    let tag = first.header("etag").unwrap().to_owned();

    assert_eq!(first.header("cache-control"), Some("public, max-age=60"));
    let compressed = format!("\"{}-gzip\"", tag.trim_matches('"'));
    for known in [tag.clone(), format!("\"x\", W/{tag}"), compressed, "*".to_owned()] {
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let second = shop.send(method, "/products", &[("if-none-match", &known)], Vec::new()).await;
            assert_eq!((second.status, second.text.as_str()), (304, ""), "{known}");
            assert_eq!(second.header("etag"), Some(tag.as_str()));
            assert_eq!(second.header("cache-control"), Some("public, max-age=60"));
        }
    }
}

#[tokio::test]
async fn a_page_size_out_of_bounds_is_refused() {
    let shop = Shop::open().await;

    for limit in ["0", "101", "-1", "x"] {
        assert_eq!(shop.get(&format!("/products?limit={limit}")).await.error(400), "invalid_field", "{limit}");
    }
}

#[tokio::test]
async fn a_product_alone_is_as_in_the_list() {
    let shop = Shop::open().await;
    for query in ["", "?currency=eur", "?currency="] {
        let page = shop.get(&format!("/products{query}")).await.ok();
        for product in page["data"].as_array().unwrap() {
            let id = product["id"].as_str().unwrap();

            let alone = shop.get(&format!("/products/{id}{query}")).await;

            assert_eq!(alone.header("cache-control"), Some("public, max-age=60"));
            assert_eq!(alone.ok(), *product, "{id}{query}");
        }
    }
}

#[tokio::test]
async fn a_product_that_is_not_for_sale_is_not_found() {
    let shop = Shop::open().await;
    let long = "p".repeat(256);

    // Unknown, archived, a price's id, and what cannot be one.
    for id in ["prod_unknown", "prod_calendar", "price_mug", "product%23prod_mug", "a~b", "%20", "%C3%A9", &long] {
        let answer = shop.get(&format!("/products/{id}")).await;
        assert_eq!(answer.error(404), "product_not_found", "{id}");
        assert!(answer.json()["details"]["product"].is_string(), "{id}");
    }
    assert_eq!(shop.get("/products/prod_mug?currency=euro").await.error(400), "invalid_field");
}

#[tokio::test]
async fn a_product_that_the_client_has_is_not_sent_again() {
    let shop = Shop::open().await;
    let tag = shop.get("/products/prod_mug").await.header("etag").unwrap().to_owned();

    let again = shop.send(reqwest::Method::GET, "/products/prod_mug", &[("if-none-match", &tag)], Vec::new()).await;

    assert_eq!((again.status, again.text.as_str()), (304, ""));
}
