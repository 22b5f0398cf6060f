//! Orders as a table: RFC 4180, in UTF-8 with a byte-order mark, as spreadsheets read it.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc4180>

use serde_json::Value;

use crate::fields::{Fields, Node, json};
use crate::view::COLUMNS;

/// What a table begins with: the mark, and the names of its columns.
pub(crate) fn head() -> String {
    format!("\u{feff}{}\r\n", COLUMNS.join(","))
}

/// The line of an order.
pub(crate) fn line(order: &Fields) -> String {
    let cells = COLUMNS.iter().map(|path| cell(order.at(path)));
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

fn cell(node: Option<&Node>) -> String {
    match node {
        None | Some(Node::Plain(Value::Null)) => String::new(),
        Some(Node::Plain(Value::String(text))) => quoted(&inert(text)),
        Some(Node::Plain(value @ (Value::Bool(_) | Value::Number(_)))) => value.to_string(),
        Some(node) => quoted(&json(node)),
    }
}

/// A text that no spreadsheet takes for a formula: shoppers wrote it.
///
/// Source: <https://owasp.org/www-community/attacks/CSV_Injection>
fn inert(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    format!("{apostrophe}{text}")
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
