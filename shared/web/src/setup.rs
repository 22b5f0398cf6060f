//! How a function starts.

use https::Https;
use settings::Environment;
use store::Connection;

use crate::log;

/// Why a function stops.
pub type StartError = lambda_http::Error;

/// What every function is made from: its settings, and the ways out of it. One client for all that it talks to, so that
/// connections are shared.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The settings.
    pub environment: Environment,
    /// The client of HTTPS.
    pub https: Https,
    /// DynamoDB.
    pub database: Connection,
}

impl Setup {
    /// What `environment` says.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(environment: Environment) -> Result<Self, settings::Error> {
        let https = Https::new(&environment)?;
        let database = Connection::new(&environment, &https)?;
        Ok(Self { environment, https, database })
    }
}

/// Starts a function that needs no secret: see [`start_with_secrets`].
pub(crate) fn start<T>(
    prepare: impl FnOnce(&Setup),
    build: impl FnOnce(&Setup) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    begin().and_then(|setup| Ok(build(opened(&setup, prepare))?)).inspect_err(complain)
}

/// Starts a function: logging, then its settings; reads its `secrets`; and builds `T` from them.
///
/// The connection to DynamoDB, and what `prepare` begins, are opened meanwhile, side by side: nobody waits for them before
/// the first request does.
///
/// # Errors
///
/// A setting is missing or malformed, or a secret cannot be read; the log names it.
pub async fn start_with_secrets<T>(
    secrets: &[&str],
    prepare: impl FnOnce(&Setup),
    build: impl FnOnce(&Setup) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    let started = async {
        let mut setup = begin()?;
        opened(&setup, prepare);
        secrets::resolve(&mut setup.environment, secrets, &setup.https).await?;
        Ok::<_, StartError>(build(&setup)?)
    };
    started.await.inspect_err(complain)
}

fn begin() -> Result<Setup, StartError> {
    let environment = Environment::of_process();
    tracing::subscriber::set_global_default(log::subscriber(&environment, std::io::stdout))?;
    Ok(Setup::new(environment)?)
}

fn opened(setup: &Setup, prepare: impl FnOnce(&Setup)) -> &Setup {
    setup.database.open();
    prepare(setup);
    setup
}

fn complain(error: &StartError) {
    tracing::error!(%error, "cannot start");
}
