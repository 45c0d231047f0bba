//! The error for a request to an object store that failed.

use object_store::Error;

use super::PlaceError;
use super::reason::{reason, text_of};

/// The error for a request that failed. `done` says what was tried, such as `read`.
pub(super) fn failed(address: String, done: &'static str, error: &Error) -> PlaceError {
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
