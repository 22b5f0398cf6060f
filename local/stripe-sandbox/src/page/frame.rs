//! The frame that all pages have.

use http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// What a browser is sent.
pub(crate) enum Shown {
    Page(StatusCode, String),
    Redirect(String),
}

/// The frame of all pages.
pub(crate) fn document(title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    }
    .into_string()
}

/// A page that says why there is no other.
pub(crate) fn missing(message: &str) -> String {
    document(
        "Stripe sandbox",
        &html! {
            header { h1 { "Stripe sandbox" } }
            div.card { p { (message) } p { a href="/" { "All sessions" } } }
        },
    )
}
