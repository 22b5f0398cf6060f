//! Servers, as URLs name them.

use http::Uri;
use http::uri::{Authority, Scheme};

/// The server that a connection leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server(Option<Scheme>, Option<Authority>);

impl Server {
    pub(crate) fn of(url: &Uri) -> Self {
        Self(url.scheme().cloned(), url.authority().cloned())
    }

    /// The server's name, as the header `Host` has it: without a port that the scheme implies.
    pub(crate) fn host(&self) -> Option<&str> {
        let authority = self.1.as_ref()?;
        let implied = if self.0 == Some(Scheme::HTTPS) { 443 } else { 80 };
        Some(if authority.port_u16() == Some(implied) { authority.host() } else { authority.as_str() })
    }
}
