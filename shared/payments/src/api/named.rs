//! Requests about what settings name by its id.

use serde_json::json;

use super::{Request, form_of, segment};
use crate::Error;

/// The object with this id under a path such as `/coupons`, with what is left out unless asked for.
///
/// # Errors
///
/// [`Error::Unwritable`] where the query cannot be written.
pub(crate) fn named(path: &str, id: &str, expanded: &[&str]) -> Result<Request, Error> {
    let query = Some(form_of(&json!({ "expand": expanded }))?);
    Ok(Request { query, ..Request::get(format!("{path}/{}", segment(id))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_the_path() {
        let request = named("/coupons", "25% off/ü", &["applies_to", "currency_options"]).unwrap();

        assert_eq!(request.path, "/coupons/25%25%20off%2F%C3%BC");
        let query: Vec<_> = form_urlencoded::parse(request.query.as_deref().unwrap().as_bytes()).into_owned().collect();
        let names: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(names, [("expand[0]", "applies_to"), ("expand[1]", "currency_options")]);
    }
}
