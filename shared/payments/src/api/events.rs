//! Requests about events.

use cart::Timestamp;
use serde_json::json;

use super::{PER_PAGE, Request, form_of};
use crate::Error;

/// A page of the events of these types that happened at `since` or later, newest first.
///
/// # Errors
///
/// [`Error::Unwritable`] where the query cannot be written.
pub(crate) fn events(types: &[&str], since: Timestamp, after: Option<&str>) -> Result<Request, Error> {
    let mut query = json!({ "types": types, "created": { "gte": since.as_second() }, "limit": PER_PAGE });
    if let Some(after) = after {
        query["starting_after"] = after.into();
    }
    Ok(Request { query: Some(form_of(&query)?), ..Request::get("/events") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://docs.stripe.com/api/events/list>
    #[test]
    fn a_page_is_asked_for_by_type_and_time() {
        let since = Timestamp::from_second(1_795_000_000).unwrap();
        let request = events(&["charge.captured", "refund.failed"], since, Some("evt_1")).unwrap();

        assert_eq!(request.path, "/events");
        let asked: Vec<_> = form_urlencoded::parse(request.query.as_deref().unwrap().as_bytes()).collect();
        let expected = [
            ("created[gte]", "1795000000"),
            ("limit", "100"),
            ("starting_after", "evt_1"),
            ("types[0]", "charge.captured"),
            ("types[1]", "refund.failed"),
        ];
        assert_eq!(asked, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
