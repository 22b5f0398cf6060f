//! Where settings come from.
//!
//! The one crate that reads the process's environment. Everything else takes an [`Environment`], so that several
//! differently configured functions can live in one process, as they do on a laptop and in tests.

mod links;
mod ranges;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use links::{ascii, with_parameter};
pub use ranges::{
    CART_TTL_DAYS, CATALOG_CACHE_SECONDS, CHECKOUT_EXPIRES_AFTER_MINUTES, CHECKOUT_SHIPPING_RATES, DYNAMODB_TIMEOUT_MS,
    List, STRIPE_TIMEOUT_MS, WholeNumber,
};

/// Settings by name. A blank value counts as absent.
///
/// ```
/// use settings::{CART_TTL_DAYS, Environment, STRIPE_TIMEOUT_MS};
///
/// let environment = Environment::from_iter([("CART_TTL_DAYS", "30"), ("SHOP_LOCALE", "")]);
///
/// assert_eq!(environment.number(&CART_TTL_DAYS)?, 30);
/// assert_eq!(environment.number(&STRIPE_TIMEOUT_MS)?, STRIPE_TIMEOUT_MS.default);
/// assert_eq!(environment.get("SHOP_LOCALE"), None);
/// assert_eq!(environment.required("CARTS_TABLE").unwrap_err().to_string(), "CARTS_TABLE is not set");
/// # Ok::<(), settings::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    // Copies share it until one of them is changed: every start copies some.
    values: Arc<BTreeMap<String, String>>,
}

/// A setting that stops a function at its start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A required setting is absent or blank.
    #[error("{name} is not set")]
    Missing {
        /// The setting.
        name: String,
    },
    /// A setting's value cannot be used.
    #[error("{name} is malformed: expected {expected}")]
    Malformed {
        /// The setting.
        name: String,
        /// What would be well-formed.
        expected: String,
    },
}

impl Error {
    /// The setting `name` should have been `expected`.
    pub fn malformed(name: &str, expected: impl Into<String>) -> Self {
        Self::Malformed { name: name.to_owned(), expected: expected.into() }
    }
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn of_process() -> Self {
        // Names or values that are not UTF-8 cannot be settings of ours.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a setting that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it is absent or blank.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.get(name).ok_or_else(|| Error::Missing { name: name.to_owned() })
    }

    /// A setting as a value; `expected` says in an error what would be well-formed.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where the text does not parse.
    pub fn parse<T: std::str::FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Error> {
        self.get(name).map(|text| text.parse().map_err(|_| Error::malformed(name, expected))).transpose()
    }

    /// A setting as a value that must be there; `expected` says in an error what would be well-formed.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it is absent or blank, [`Error::Malformed`] where the text does not parse.
    pub fn required_value<T: std::str::FromStr>(&self, name: &str, expected: &str) -> Result<T, Error> {
        self.required(name)?.parse().map_err(|_| Error::malformed(name, expected))
    }

    /// A number within its range, or its default where it is not set.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where it is no whole number, or outside its range.
    pub fn number(&self, number: &WholeNumber) -> Result<u64, Error> {
        Ok(self.within(number)?.unwrap_or(number.default))
    }

    /// A number within its range, or `None` where it is not set.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where it is no whole number, or outside its range.
    pub fn optional_number(&self, number: &WholeNumber<()>) -> Result<Option<u64>, Error> {
        self.within(number)
    }

    fn within<D>(&self, number: &WholeNumber<D>) -> Result<Option<u64>, Error> {
        match self.parse(number.name, &number.range())? {
            Some(value) if !(number.min..=number.max).contains(&value) => Err(number.out_of_range()),
            value => Ok(value),
        }
    }

    /// A setting that is `true` or `false`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.parse(name, "true or false")
    }

    /// A setting that is an absolute URL, over HTTP or HTTPS.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for anything else.
    pub fn url(&self, name: &str) -> Result<Option<&str>, Error> {
        let url = self.get(name);
        match url {
            Some(url) if !is_absolute(url) => {
                Err(Error::malformed(name, "an absolute URL such as https://shop.example"))
            }
            url => Ok(url),
        }
    }

    /// A setting that must be there and be an absolute URL, over HTTP or HTTPS.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it is absent or blank, [`Error::Malformed`] for anything else.
    pub fn required_url(&self, name: &str) -> Result<&str, Error> {
        self.url(name)?.ok_or_else(|| Error::Missing { name: name.to_owned() })
    }

    /// A setting that must be there and be the URL of a page, in ASCII.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where it is absent or blank, [`Error::Malformed`] where it is no absolute URL, or its host cannot be one.
    pub fn required_page(&self, name: &str) -> Result<String, Error> {
        ascii(self.required_url(name)?).ok_or_else(|| Error::malformed(name, "a URL with a host such as shop.example"))
    }

    /// A setting that is an absolute URL to append paths to, without the slash at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for anything else.
    pub fn base_url(&self, name: &str) -> Result<Option<&str>, Error> {
        Ok(self.url(name)?.map(|url| url.trim_end_matches('/')))
    }

    /// The same, in ASCII: a URL that leaves this deployment.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where it is no absolute URL, or its host cannot be one.
    pub fn base_page(&self, name: &str) -> Result<Option<String>, Error> {
        let page = self.get(name).map(|_| self.required_page(name)).transpose()?;
        Ok(page.map(|url| url.trim_end_matches('/').to_owned()))
    }

    /// The parts of a comma-separated setting, without blank ones.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// The parts of a comma-separated setting whose length is bounded, without blank ones.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where there are more than [`List::max`].
    pub fn short_list(&self, list: &List) -> Result<Vec<String>, Error> {
        let parts: Vec<_> = self.list(list.name).map(str::to_owned).collect();
        if parts.len() > list.max { Err(list.too_long()) } else { Ok(parts) }
    }

    /// The credentials that Lambda gives a function, in the settings that the AWS SDKs read.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where there are none.
    pub fn aws_credentials(&self) -> Result<AwsCredentials<'_>, Error> {
        Ok(AwsCredentials {
            access_key_id: self.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: self.required("AWS_SECRET_ACCESS_KEY")?,
            session_token: self.get("AWS_SESSION_TOKEN"),
        })
    }

    /// The base URL of an AWS service that is not at its usual place: `AWS_ENDPOINT_URL_…` with the `service` in capitals,
    /// or else `AWS_ENDPOINT_URL`. `None` where neither is set, or `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`.
    ///
    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] where one of these settings is.
    pub fn aws_endpoint(&self, service: &str) -> Result<Option<&str>, Error> {
        const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
        match self.get(IGNORE).map(str::to_ascii_lowercase).as_deref() {
            Some("true") => return Ok(None),
            None | Some("false") => {}
            Some(_) => return Err(Error::malformed(IGNORE, "true or false")),
        }
        let specific = self.base_url(&format!("AWS_ENDPOINT_URL_{service}"))?;
        if specific.is_some() { Ok(specific) } else { self.base_url("AWS_ENDPOINT_URL") }
    }

    /// Sets a value, unless it is set already.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// Sets a value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        Arc::make_mut(&mut self.values).insert(name.to_owned(), value.into());
    }
}

/// What signs requests to AWS. Has no `Debug`: it holds secrets.
#[derive(Clone, Copy)]
pub struct AwsCredentials<'a> {
    /// Which key signs.
    pub access_key_id: &'a str,
    /// The key.
    pub secret_access_key: &'a str,
    /// Marks the key as one that expires.
    pub session_token: Option<&'a str>,
}

fn is_absolute(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    !host.is_empty()
        && port.is_none_or(is_port)
        && !url.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { values: Arc::new(values.collect()) }
    }
}

/// Shows names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERAL: (&str, &str) = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/");
    const SPECIFIC: (&str, &str) = ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9000");

    /// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    #[test]
    fn the_endpoint_of_a_service_wins_over_that_of_all_and_both_can_be_ignored() {
        let ignore = |value| ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", value);
        for (settings, endpoint) in [
            (vec![], None),
            (vec![GENERAL], Some("http://127.0.0.1:4566")),
            (vec![SPECIFIC], Some("http://127.0.0.1:9000")),
            (vec![GENERAL, SPECIFIC], Some("http://127.0.0.1:9000")),
            (vec![GENERAL, ("AWS_ENDPOINT_URL_SSM", " ")], Some("http://127.0.0.1:4566")),
            (vec![("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000")], None),
            (vec![GENERAL, SPECIFIC, ignore("true")], None),
            (vec![GENERAL, ignore("True")], None),
            (vec![GENERAL, SPECIFIC, ignore("false")], Some("http://127.0.0.1:9000")),
        ] {
            let environment = Environment::from_iter(settings.clone());

            assert_eq!(environment.aws_endpoint("SSM").unwrap(), endpoint, "{settings:?}");
        }
    }

    #[test]
    fn a_malformed_endpoint_is_named() {
        for (name, value) in [
            ("AWS_ENDPOINT_URL", "localhost:4566"),
            ("AWS_ENDPOINT_URL_SSM", "/"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "perhaps"),
        ] {
            let error = Environment::from_iter([(name, value)]).aws_endpoint("SSM").unwrap_err();

            assert!(error.to_string().starts_with(&format!("{name} is malformed")), "{error}");
        }
    }

    #[test]
    fn urls_are_absolute() {
        let url = |value: &str| Environment::from_iter([("URL", value)]).url("URL").map(|url| url.map(str::to_owned));

        for good in ["https://shop.example", "http://127.0.0.1:3000/x?order={number}", "http://[::1]:80", "https://a?b"]
        {
            assert_eq!(url(good).ok().flatten().as_deref(), Some(good));
        }
        assert_eq!(url("").ok(), Some(None));
        for bad in
            ["shop.example", "/thanks", "https://", "https:///x", "ftp://a", "javascript:1", "http://a:b", "http://a b"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
