//! What goes wrong with single ones of many.

use std::fmt::Display;

use crate::Error;

/// The first thing that went wrong. What is the matter with one order must not hold up those behind it, in this run and in each
/// run after it.
#[derive(Default)]
pub(crate) struct Troubles(Option<Error>);

impl Troubles {
    /// What came of one, or nothing where it failed.
    ///
    /// # Errors
    ///
    /// What goes wrong passes by itself, such as a limit of Stripe's: then the others would fail too.
    pub(crate) fn note<T: Default>(&mut self, which: impl Display, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Err(error) if error.retry_after().is_none() => {
                tracing::error!(%which, %error, "one of many failed; the others go on");
                self.0.get_or_insert(error);
                Ok(T::default())
            }
            result => result,
        }
    }

    /// What came of all, unless something went wrong.
    ///
    /// # Errors
    ///
    /// What went wrong first.
    pub(crate) fn end<T>(self, all: T) -> Result<T, Error> {
        self.0.map_or(Ok(all), Err)
    }
}
