//! Connections that are kept for the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

use crate::server::Server;

/// A connection over which a request can be sent.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// How long an idle connection counts as alive: servers close idle ones after about a minute.
const ALIVE: Duration = Duration::from_secs(50);
/// How long an idle connection is beyond doubt: nothing on the way forgets a connection as soon as that.
const CERTAIN: Duration = Duration::from_secs(1);

/// Connections that lie idle, by their server.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<HashMap<Server, Vec<Idle>>>>);

/// A connection that lies idle.
struct Idle {
    sender: Sender,
    since: SystemTime,
}

/// How far a connection that lay idle can be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reliance {
    /// It is in use, or was a moment ago.
    Certain,
    /// It may have been cut, and nothing need have told of it.
    Doubtful,
}

/// How far a connection can be relied on that has been idle `since` then; `None`: not at all.
///
/// Measured by the system's clock, because that one goes on while Lambda keeps a function frozen. A clock that was set back
/// counts as too long.
pub(crate) fn reliance(since: SystemTime, alive: Duration) -> Option<Reliance> {
    let idle = since.elapsed().ok().filter(|idle| *idle < alive)?;
    Some(if idle < CERTAIN { Reliance::Certain } else { Reliance::Doubtful })
}

impl Pool {
    /// Takes the connection to `server` that was used last.
    pub(crate) fn take(&self, server: &Server) -> Option<(Sender, Reliance)> {
        let mut pool = self.lock();
        let kept = pool.get_mut(server)?;
        while let Some(Idle { sender, since }) = kept.pop() {
            if sender.is_closed() {
                continue;
            }
            let Some(reliance) = reliance(since, ALIVE) else {
                // The others have been idle for longer still.
                kept.clear();
                return None;
            };
            return Some((sender, reliance));
        }
        None
    }

    /// Keeps a connection to `server` whose last answer was read to its end.
    pub(crate) fn keep(&self, server: Server, sender: Sender) {
        if !sender.is_closed() {
            self.lock().entry(server).or_default().push(Idle { sender, since: SystemTime::now() });
        }
    }

    /// Closes all idle connections to `server`.
    pub(crate) fn clear(&self, server: &Server) {
        self.lock().remove(server);
    }

    /// Lets `time` pass for all idle connections.
    pub(crate) fn age(&self, time: Duration) {
        for idle in self.lock().values_mut().flatten() {
            idle.since -= time;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Server, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
