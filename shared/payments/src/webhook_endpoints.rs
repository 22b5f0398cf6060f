//! The endpoints that get events.

use http::Uri;
use serde::Deserialize;

use crate::{Error, Page, Stripe, api};

/// An endpoint that the merchant registered for events.
///
/// Source: <https://docs.stripe.com/api/webhook_endpoints/object>
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookEndpoint {
    id: String,
    url: String,
    status: String,
    enabled_events: Vec<String>,
}

impl WebhookEndpoint {
    /// The endpoint's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The host and the path of its URL, without what may be secret in it.
    #[must_use]
    pub fn address(&self) -> String {
        let uri = self.uri();
        format!("{}{}", uri.host().unwrap_or_default(), uri.path())
    }

    /// Whether the path of its URL ends so.
    #[must_use]
    pub fn leads_to(&self, path: &str) -> bool {
        self.uri().path().ends_with(path)
    }

    /// Whether Stripe sends anything there.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    /// Whether it is registered for events of this type, by name or with all others.
    #[must_use]
    pub fn gets(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|enabled| enabled == "*" || enabled == kind)
    }

    /// Its URL; an empty one where it cannot be read.
    fn uri(&self) -> Uri {
        self.url.parse().unwrap_or_default()
    }
}

impl Stripe {
    /// All endpoints of the account, enabled or not, in the mode of the key. One request for each hundred.
    ///
    /// # Errors
    ///
    /// Stripe fails, or the key lacks the right `rak_webhook_read`: [`Error::is_forbidden`].
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, Error> {
        let mut endpoints: Vec<WebhookEndpoint> = Vec::new();
        loop {
            let after = endpoints.last().map(|endpoint| endpoint.id.as_str());
            let page: Page<WebhookEndpoint> = self.call(api::webhook_endpoints(after)?, None).await?;
            let is_last = !page.has_more || page.data.is_empty();
            endpoints.extend(page.data);
            if is_last {
                return Ok(endpoints);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(url: &str) -> WebhookEndpoint {
        let endpoint = json!({ "id": "we_1", "url": url, "status": "enabled", "enabled_events": ["charge.refunded"] });
        serde_json::from_value(endpoint).unwrap()
    }

    #[test]
    fn an_address_has_no_secrets() {
        for (url, address) in [
            ("https://api.shop.example/stripe/webhook", "api.shop.example/stripe/webhook"),
            (
                "https://ann:secret@api.shop.example:8443/live/stripe/webhook?key=secret#secret",
                "api.shop.example/live/stripe/webhook",
            ),
            ("not a URL", "/"),
        ] {
            assert_eq!(endpoint(url).address(), address, "{url}");
        }
    }

    #[test]
    fn an_endpoint_leads_where_its_path_ends() {
        let path = "/stripe/webhook";

        for url in ["https://a.example/stripe/webhook", "https://a.example/live/stripe/webhook?key=1"] {
            assert!(endpoint(url).leads_to(path), "{url}");
        }
        for url in [
            "https://a.example/",
            "https://a.example/stripe/webhook/",
            "https://a.example/stripe/webhooks",
            "https://a.example/my-stripe/webhook",
            "https://a.example/hook?to=/stripe/webhook",
            "not a URL",
        ] {
            assert!(!endpoint(url).leads_to(path), "{url}");
        }
    }
}
