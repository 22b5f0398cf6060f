//! Secrets: settings, or parameters of SSM Parameter Store that settings name.
//!
//! In AWS a function's environment holds only the *name* of a `SecureString` parameter, in `STRIPE_SECRET_KEY_PARAMETER`
//! for the setting `STRIPE_SECRET_KEY`. All parameters are read with one request, at the cold start, and again when one of
//! them turns out not to fit any more: so a secret can be replaced without a restart.

mod parameter_store;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use https::Https;
use settings::Environment;
use tokio::sync::Mutex;
use tokio::time::Instant;

use parameter_store::ParameterStore;
pub use parameter_store::Unreadable;

/// The secrets of a function, by the settings that they are. All copies are renewed together.
#[derive(Clone, Default)]
pub struct Secrets {
    set: Environment,
    named: Option<Arc<Named>>,
}

/// Secrets whose settings name a parameter.
struct Named {
    store: ParameterStore,
    /// The parameters, by the settings that they stand in for.
    parameters: BTreeMap<String, String>,
    /// What they held when they were last read, by parameter.
    values: RwLock<BTreeMap<String, String>>,
    /// When they were last asked for.
    asked: Mutex<Instant>,
}

/// Why a function has no secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] settings::Error),
    /// Parameter Store did not return the parameters.
    #[error("{settings}: {reason}")]
    Unreadable {
        /// The settings that hold the parameters' names.
        settings: String,
        /// What went wrong.
        reason: Unreadable,
    },
}

/// How long reading may take at a cold start, which may take ten seconds.
const AT_START: Duration = Duration::from_secs(8);
/// How long reading may take while an answer waits for it.
const MEANWHILE: Duration = Duration::from_secs(2);
/// How long lies between two readings, at least.
const BETWEEN: Duration = Duration::from_mins(1);

impl Secrets {
    /// Secrets that are settings, all of them.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        Self { set: environment.clone(), named: None }
    }

    /// The secrets in the settings `names`, and in the parameters that are named for those that are absent.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] if a parameter is named and cannot be read.
    pub async fn read(environment: &Environment, names: &[&str], https: &Https) -> Result<Self, Error> {
        let absent = names.iter().filter(|name| environment.get(name).is_none());
        let parameter = |name: &&str| Some(((*name).to_owned(), environment.get(&naming(name))?.to_owned()));
        let parameters: BTreeMap<_, _> = absent.filter_map(parameter).collect();
        let secrets = Self::of(environment);
        if parameters.is_empty() {
            return Ok(secrets);
        }
        let store = ParameterStore::new(environment, https)?;
        let values = store.read(parameters.values(), AT_START).await.map_err(|reason| {
            let settings: Vec<_> = parameters.keys().map(|name| naming(name)).collect();
            Error::Unreadable { settings: settings.join(", "), reason }
        })?;
        let (values, asked) = (RwLock::new(values), Mutex::new(Instant::now()));
        Ok(Self { named: Some(Arc::new(Named { store, parameters, values, asked })), ..secrets })
    }

    /// The secret in the setting `name`, without what a person pasted around it by mistake: see [`clean`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let set = self.set.get(name).map(clean).filter(|set| !set.is_empty());
        set.map(str::to_owned).or_else(|| self.named.as_ref()?.value(name))
    }

    /// The secret in the setting `name`, which must be there.
    ///
    /// # Errors
    ///
    /// [`settings::Error::Missing`] where it is absent or blank.
    pub fn required(&self, name: &str) -> Result<String, settings::Error> {
        self.get(name).ok_or_else(|| settings::Error::Missing { name: name.to_owned() })
    }

    /// Whether the secret in the setting `name` may be replaced while the function runs.
    #[must_use]
    pub fn is_renewable(&self, name: &str) -> bool {
        self.named.as_ref().is_some_and(|named| named.parameters.contains_key(name))
    }

    /// Another value of the secret in the setting `name` than `unfit`, which does not fit any more.
    ///
    /// Reads the parameters again, once a minute at most: `None` where they were read within the last minute, cannot be
    /// read, or have not changed.
    pub async fn renewed(&self, name: &str, unfit: &str) -> Option<String> {
        let named = self.named.as_ref().filter(|named| named.parameters.contains_key(name))?;
        let fresh = || named.value(name).filter(|value| value != unfit);
        let mut asked = named.asked.lock().await;
        // Another request may have had them read while this one waited.
        if fresh().is_none() && asked.elapsed() >= BETWEEN {
            *asked = Instant::now();
            match named.store.read(named.parameters.values(), MEANWHILE).await {
                Ok(values) => *named.values.write().unwrap_or_else(PoisonError::into_inner) = values,
                Err(error) => tracing::warn!(%error, "a secret that does not fit any more cannot be read again"),
            }
        }
        fresh()
    }
}

impl Named {
    fn value(&self, name: &str) -> Option<String> {
        let parameter = self.parameters.get(name)?;
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        values.get(parameter).map(|value| clean(value)).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// A text without blanks, quotes and characters that cannot be seen around it, which come along when it is copied from a
/// page, a chat or a file.
#[must_use]
pub fn clean(text: &str) -> &str {
    let is_stray = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '"' | '\'' | '`' | '\u{2018}'..='\u{201F}' | '\u{AB}' | '\u{BB}')
            // Zero-width characters, marks of direction, soft hyphens, byte order marks.
            || matches!(character, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
            || matches!(character, '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    text.trim_matches(is_stray)
}

/// Shows which secrets are parameters, never a secret.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.named.as_ref().map(|named| &named.parameters);
        f.debug_struct("Secrets").field("named", &named).finish_non_exhaustive()
    }
}

/// The setting that names the parameter of a secret.
fn naming(name: &str) -> String {
    format!("{name}_PARAMETER")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::http::{HeaderMap, StatusCode};
    use axum::{Json, Router, routing::post};
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "STRIPE_SECRET_KEY";
    const WEBHOOK: &str = "STRIPE_WEBHOOK_SECRET";

    /// A Parameter Store, what is in it, and how often it was asked.
    #[derive(Clone, Default)]
    struct Store {
        parameters: Arc<Mutex<BTreeMap<String, String>>>,
        asked: Arc<Mutex<usize>>,
    }

    impl Store {
        fn put(&self, name: &str, value: &str) {
            self.parameters.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }

        fn answer(&self, headers: &HeaderMap, body: &str) -> (StatusCode, Json<Value>) {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(headers["x-amz-target"], "AmazonSSM.GetParameters");
            assert_eq!(body["WithDecryption"], true);
            let authorization = headers["authorization"].to_str().unwrap();
            assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{authorization}");
            assert!(authorization.contains("/eu-west-1/ssm/aws4_request"), "{authorization}");
            *self.asked.lock().unwrap() += 1;
            let parameters = self.parameters.lock().unwrap();
            let names = body["Names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            let (found, missing): (Vec<_>, Vec<_>) = names.partition(|name| parameters.contains_key(*name));
            let found: Vec<_> =
                found.into_iter().map(|name| json!({ "Name": name, "Value": parameters[name] })).collect();
            (StatusCode::OK, Json(json!({ "Parameters": found, "InvalidParameters": missing })))
        }

        async fn environment(&self, more: &[(&str, &str)]) -> Environment {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let store = self.clone();
            let answer = async move |headers: HeaderMap, body: String| store.answer(&headers, &body);
            tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
            let aws = [
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "AKID"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_ENDPOINT_URL_SSM", &url),
            ];
            aws.iter().chain(more).copied().collect()
        }
    }

    async fn read(environment: &Environment) -> Result<Secrets, Error> {
        Secrets::read(environment, &[KEY, WEBHOOK], &Https::new(&Environment::default()).unwrap()).await
    }

    #[tokio::test]
    async fn all_parameters_that_are_named_are_read_at_once() {
        let store = Store::default();
        store.put("/shop/key", "sk_live_1");
        store.put("/shop/webhook", "whsec_1");
        let named =
            [("STRIPE_SECRET_KEY_PARAMETER", "/shop/key"), ("STRIPE_WEBHOOK_SECRET_PARAMETER", "/shop/webhook")];

        let secrets = read(&store.environment(&named).await).await.unwrap();

        assert_eq!(secrets.get(KEY).as_deref(), Some("sk_live_1"));
        assert_eq!(secrets.get(WEBHOOK).as_deref(), Some("whsec_1"));
        assert_eq!(*store.asked.lock().unwrap(), 1);
        assert!(!format!("{secrets:?}").contains("live"), "{secrets:?}");
    }

    #[tokio::test]
    async fn a_setting_that_is_there_is_not_asked_for() {
        let store = Store::default();
        let set = [(KEY, "sk_test_1"), ("STRIPE_SECRET_KEY_PARAMETER", "/nowhere")];

        let secrets = read(&store.environment(&set).await).await.unwrap();

        assert_eq!(secrets.get(KEY).as_deref(), Some("sk_test_1"));
        assert_eq!((secrets.get(WEBHOOK), secrets.is_renewable(KEY)), (None, false));
        assert_eq!(*store.asked.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_parameter_that_is_missing_is_named() {
        let named = [("STRIPE_SECRET_KEY_PARAMETER", "/nowhere")];

        let error = read(&Store::default().environment(&named).await).await.unwrap_err();

        assert_eq!(
            error.to_string(),
            "STRIPE_SECRET_KEY_PARAMETER: Parameter Store cannot be read: there is no parameter /nowhere"
        );
    }

    #[tokio::test]
    async fn a_secret_that_does_not_fit_is_read_again_once_a_minute() {
        let store = Store::default();
        store.put("/shop/key", "old");
        let named = [("STRIPE_SECRET_KEY_PARAMETER", "/shop/key")];
        let secrets = read(&store.environment(&named).await).await.unwrap();
        let asked = || *store.asked.lock().unwrap();

        store.put("/shop/key", "new");
        assert_eq!(secrets.renewed(KEY, "old").await, None);
        secrets.age().await;
        let copies = [(); 5].map(|()| secrets.clone());
        let renewed = futures_util::future::join_all(copies.iter().map(|copy| copy.renewed(KEY, "old"))).await;
        assert!(renewed.iter().all(|value| value.as_deref() == Some("new")), "{renewed:?}");
        assert_eq!(asked(), 2);

        assert_eq!(secrets.renewed(KEY, "new").await, None);
        assert_eq!(secrets.get(KEY).as_deref(), Some("new"));
        secrets.age().await;
        store.parameters.lock().unwrap().clear();
        assert_eq!(secrets.renewed(KEY, "new").await, None);
        assert_eq!((secrets.get(KEY).as_deref(), asked()), (Some("new"), 3));
    }

    #[test]
    fn what_was_pasted_around_a_secret_is_taken_off() {
        for around in
            [" sk_1\n", "\"sk_1\"", "'sk_1'", "“sk_1”", "\u{FEFF}sk_1", "\u{200B}sk_1\u{A0}", "`sk_1`\r\n", "sk_1\0"]
        {
            assert_eq!(clean(around), "sk_1", "{around:?}");
            let secrets = Secrets::of(&Environment::from_iter([(KEY, around)]));
            assert_eq!(secrets.required(KEY).unwrap(), "sk_1");
        }
        let blank = Secrets::of(&Environment::from_iter([(KEY, "\"\"")]));
        assert_eq!(blank.required(KEY).unwrap_err().to_string(), "STRIPE_SECRET_KEY is not set");
    }

    impl Secrets {
        /// Lets a minute pass.
        async fn age(&self) {
            *self.named.as_ref().unwrap().asked.lock().await -= BETWEEN;
        }
    }
}
