//! How a function starts.

use secrets::Secrets;
use services::Services;
use settings::Environment;

use crate::log;

/// Why a function stops.
pub type StartError = lambda_http::Error;

/// Starts a function that needs no secret: see [`start_with_secrets`].
pub(crate) fn start<T>(
    prepare: impl FnOnce(&Services),
    build: impl FnOnce(&Services) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    begin().and_then(|services| Ok(build(opened(&services, prepare))?)).inspect_err(report)
}

/// Starts a function that needs neither a secret nor DynamoDB; `prepare` begins the connections that it needs.
///
/// # Errors
///
/// A setting is missing or malformed; the log names it.
pub fn start_without_tables<T>(
    prepare: impl FnOnce(&Services),
    build: impl FnOnce(&Services) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    let started = begin().and_then(|services| {
        prepare(&services);
        Ok(build(&services)?)
    });
    started.inspect_err(report)
}

/// Starts a function: logging, then its settings; reads its `secrets`; and builds `T` from them.
///
/// Meanwhile the connection to DynamoDB, and those that `prepare` begins, open side by side. The first request that needs one
/// waits for it; the start does not.
///
/// # Errors
///
/// A setting is missing or malformed, or a secret cannot be read; the log names it.
pub async fn start_with_secrets<T>(
    secrets: &[&str],
    prepare: impl FnOnce(&Services),
    build: impl FnOnce(&Services) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    let started = async {
        let mut services = begin()?;
        opened(&services, prepare);
        services.secrets = Secrets::read(&services.environment, secrets, &services.https).await?;
        Ok::<_, StartError>(build(&services)?)
    };
    started.await.inspect_err(report)
}

fn begin() -> Result<Services, StartError> {
    let environment = Environment::of_process();
    tracing::subscriber::set_global_default(log::subscriber(&environment, std::io::stdout))?;
    Ok(Services::new(environment)?)
}

fn opened(services: &Services, prepare: impl FnOnce(&Services)) -> &Services {
    services.open();
    prepare(services);
    services
}

fn report(error: &StartError) {
    tracing::error!(%error, "cannot start");
}
