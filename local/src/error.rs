//! Why the local stack does not start.

/// Why the local stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port with {option}")]
    Port {
        /// The port.
        port: u16,
        /// The command line's option for it.
        option: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] settings::Error),
    /// template.yaml is not what the local stack expects.
    #[error("template.yaml: {0}")]
    Template(String),
    /// DynamoDB cannot be used.
    #[error("DynamoDB: {0}")]
    Database(String),
    /// The folder for the data cannot be used.
    #[error("--data {folder}: {reason}")]
    Data {
        /// The folder.
        folder: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file `.env` cannot be used.
    #[error(".env: {0}")]
    DotEnv(String),
    /// The catalogue file cannot be used.
    #[error("{file}: {reason}")]
    Catalog {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Products and prices could not be copied from Stripe.
    #[error("copying the catalogue from Stripe: {0}")]
    Sync(String),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
