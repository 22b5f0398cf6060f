//! Requests about the endpoints that get events.

use serde_json::json;

use super::{PER_PAGE, Request, form_of};
use crate::Error;

/// A page of all endpoints.
///
/// # Errors
///
/// [`Error::Unwritable`] where the query cannot be written.
pub(crate) fn webhook_endpoints(after: Option<&str>) -> Result<Request, Error> {
    let mut query = json!({ "limit": PER_PAGE });
    if let Some(after) = after {
        query["starting_after"] = after.into();
    }
    Ok(Request { query: Some(form_of(&query)?), ..Request::get("/webhook_endpoints") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://docs.stripe.com/api/webhook_endpoints/list>
    #[test]
    fn a_page_has_as_many_endpoints_as_stripe_gives_at_once() {
        for (after, query) in [(None, "limit=100"), (Some("we_1"), "limit=100&starting_after=we_1")] {
            let request = webhook_endpoints(after).unwrap();

            assert_eq!(request.path, "/webhook_endpoints");
            assert_eq!(request.query.as_deref(), Some(query));
        }
    }
}
