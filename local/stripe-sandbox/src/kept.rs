//! The state in a file, so that it outlives the process: one JSON document, replaced as a whole.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use crate::catalog::file::Catalog;
use crate::catalog::given::Given;
use crate::state::State;
use crate::state::snapshot::Snapshot;
use crate::webhooks::Delivery;

/// The version of the document. One with another version is not read.
const VERSION: u64 = 1;

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener has no address.
    #[error(transparent)]
    Listener(#[from] io::Error),
    /// The file that keeps the state cannot be used. It is left as it is.
    #[error("{file}: {reason}")]
    Kept {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What the file holds.
#[derive(Debug, Deserialize, Serialize)]
struct Document {
    version: u64,
    /// Where the sandbox listened, which many objects say.
    url: String,
    catalog: Given,
    deliveries: Vec<Delivery>,
    state: Snapshot,
}

/// Keeps the state of a sandbox in a file.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: PathBuf,
    url: String,
    catalog: Given,
    /// Told of every change.
    pub(crate) changed: Notify,
    /// Locked while a state is written.
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    /// Held against other sandboxes that would keep their state in the same file; `None` once nothing is written any more.
    lock: Option<File>,
    /// The number of the last state that was written.
    written: Option<u64>,
}

impl Keeper {
    /// Fills a new state with what the file keeps, and with the catalogue. Without a file it has the catalogue alone.
    ///
    /// It also gives the deliveries of events until then.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood.
    pub(crate) fn open(
        file: &Path,
        catalog: Catalog,
        url: &str,
        state: &mut State,
    ) -> Result<(Self, Vec<Delivery>), StartError> {
        let lock = lock(file)?;
        let given = Given::of(&catalog);
        let mut deliveries = Vec::new();
        match fs::read_to_string(file) {
            Ok(text) => {
                let document = read(&text, url).map_err(|reason| unusable(file, reason))?;
                state.restore(document.state);
                catalog.refill(state, url, &document.catalog);
                deliveries = document.deliveries;
                // Those of events that are forgotten by now would only pile up.
                deliveries.retain(|delivery| state.events.get(&delivery.event).is_some());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => catalog.fill(state, url),
            Err(error) => return Err(unusable(file, error.to_string())),
        }
        let keeper = Self {
            file: file.to_owned(),
            url: url.to_owned(),
            catalog: given,
            changed: Notify::new(),
            writer: Mutex::new(Writer { lock: Some(lock), written: None }),
        };
        Ok((keeper, deliveries))
    }

    /// Writes the state that `now` gives with its number, unless it is written already or the keeper is closed.
    ///
    /// # Errors
    ///
    /// The file cannot be written. What it held before is still there.
    pub(crate) fn write(&self, now: impl FnOnce() -> (u64, Snapshot, Vec<Delivery>)) -> Result<(), StartError> {
        // One at a time: an older state never replaces a newer one.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, state, deliveries) = now();
        if writer.lock.is_none() || writer.written == Some(number) {
            return Ok(());
        }
        let document =
            Document { version: VERSION, url: self.url.clone(), catalog: self.catalog.clone(), deliveries, state };
        let text = serde_json::to_vec(&document).map_err(|error| unusable(&self.file, error.to_string()))?;
        replace(&self.file, &text).map_err(|error| unusable(&self.file, error.to_string()))?;
        writer.written = Some(number);
        Ok(())
    }

    /// Leaves the file to the next sandbox.
    pub(crate) fn close(&self) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).lock = None;
    }
}

/// Locks a file beside the one that keeps the state, for as long as it is open.
fn lock(file: &Path) -> Result<File, StartError> {
    let opened = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create(file.with_extension("lock"))
    };
    let lock = opened().map_err(|error| unusable(file, error.to_string()))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => unusable(file, "another sandbox keeps its state there".to_owned()),
        TryLockError::Error(error) => unusable(file, error.to_string()),
    })?;
    Ok(lock)
}

fn unusable(file: &Path, reason: String) -> StartError {
    StartError::Kept { file: file.display().to_string(), reason }
}

/// Reads a document, with `url` in the place of the address at which its sandbox listened.
fn read(text: &str, url: &str) -> Result<Document, String> {
    let mut document: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    if document["version"] != VERSION {
        return Err(format!("has version {}, and this program reads version {VERSION}", document["version"]));
    }
    let before = document["url"].as_str().unwrap_or_default().to_owned();
    if before != url && !before.is_empty() {
        move_to(url, &before, &mut document);
    }
    serde_json::from_value(document).map_err(|error| format!("is not what a sandbox writes: {error}"))
}

/// Replaces the address of a sandbox in all texts that begin with it.
fn move_to(url: &str, before: &str, value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(before).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                *text = format!("{url}{rest}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| move_to(url, before, value)),
        Value::Object(fields) => fields.values_mut().for_each(|value| move_to(url, before, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes a file beside the one that is there, and puts it in its place.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut writer = File::create(&new)?;
    writer.write_all(text)?;
    writer.sync_all()?;
    fs::rename(new, file)
}
