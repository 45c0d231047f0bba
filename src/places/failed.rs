//! The error for a request to an object store that failed.

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::PlaceError;
use super::reason::{asks_this_machine, reason, text_of};
use super::store::Store;

impl Store {
    /// The error for a request that failed. `done` is what was tried, such as `read`.
    pub(super) fn failed(&self, path: &str, done: &'static str, error: &Error) -> PlaceError {
        let address = self.shown(path);
        match not_connected(error) {
            Some(cause) => self.server.unreachable(address, cause),
            None => failed(address, done, error),
        }
    }
}

fn failed(address: String, done: &'static str, error: &Error) -> PlaceError {
    let reason = reason(error);
    match error {
        // Listings report every answer as a generic error.
        Error::Generic { source, .. } => match status(&text_of(source.as_ref())) {
            Some(404) => PlaceError::NotFound(address),
            Some(401 | 403) => PlaceError::Refused { address, done, reason },
            // A store that does not know the header of a condition.
            Some(501) => PlaceError::NoConditions { address, reason },
            _ => PlaceError::Failed { address, done, reason },
        },
        Error::NotFound { .. } => PlaceError::NotFound(address),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => PlaceError::Refused { address, done, reason },
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            PlaceError::Changed(address)
        }
        Error::NotImplemented { .. } | Error::NotSupported { .. } => PlaceError::NoConditions { address, reason },
        _ => PlaceError::Failed { address, done, reason },
    }
}

/// The status of the answer; `None` if there was no answer.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The innermost cause, if no connection to the server could be made. The errors around it only report that a request
/// failed.
fn not_connected(error: &Error) -> Option<String> {
    let mut found: &(dyn std::error::Error + 'static) = error;
    let mut is_connection = false;
    while let Some(cause) = found.source() {
        found = cause;
        is_connection |= found.downcast_ref::<HttpError>().is_some_and(|error| error.kind() == HttpErrorKind::Connect);
    }
    (is_connection && !asks_this_machine(&text_of(error))).then(|| found.to_string())
}
