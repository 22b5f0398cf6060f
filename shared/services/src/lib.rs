//! What every function is made from.

use https::Https;
use secrets::Secrets;
use settings::Environment;
use store::Connection;

/// A function's settings, and the clients through which it reaches others. One client for all of them, so that
/// connections are shared.
#[derive(Clone, Debug)]
pub struct Services {
    /// The settings.
    pub environment: Environment,
    /// The secrets: settings, too, until parameters are read.
    pub secrets: Secrets,
    /// The client of HTTPS.
    pub https: Https,
    /// The client of DynamoDB.
    pub database: Connection,
}

impl Services {
    /// The services that `environment` describes.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(environment: Environment) -> Result<Self, settings::Error> {
        let https = Https::new(&environment)?;
        let database = Connection::new(&environment, &https)?;
        let secrets = Secrets::of(&environment);
        Ok(Self { environment, secrets, https, database })
    }

    /// Begins to open the connection to DynamoDB, which every function needs. Does not wait for it.
    pub fn open(&self) {
        self.database.open();
    }
}
