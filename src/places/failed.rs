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
            Some(cause) if self.server.is_asked_by(&text_of(error)) => self.server.unreachable(address, cause),
            Some(cause) => {
                let reason = format!("the server that gives the login cannot be reached: {cause}");
                PlaceError::Failed { address, done, reason }
            }
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
        is_connection |= found.downcast_ref::<HttpError>().is_some_and(is_of_connection);
    }
    (is_connection && !asks_this_machine(&text_of(error))).then(|| found.to_string())
}

/// A connection that takes too long is reported as a timeout, and only the errors behind it show that there was none.
fn is_of_connection(error: &HttpError) -> bool {
    match error.kind() {
        HttpErrorKind::Connect => true,
        HttpErrorKind::Timeout => text_of(error).contains("(Connect)"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::server::Server;
    use super::*;

    fn within(store: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Generic { store, source: Box::new(source) }
    }

    #[test]
    fn a_connection_that_is_refused_or_takes_too_long_differs_from_a_slow_answer() {
        let io = |kind| io::Error::from(kind);
        let cause = |kind, source: Error| not_connected(&within("S3", HttpError::new(kind, source)));
        let refused = || within("http://minio:9000/audits", io(io::ErrorKind::ConnectionRefused));
        assert_eq!(cause(HttpErrorKind::Connect, refused()).as_deref(), Some("connection refused"));
        let late = within("client error (Connect)", io(io::ErrorKind::TimedOut));
        assert_eq!(cause(HttpErrorKind::Timeout, late).as_deref(), Some("timed out"));
        assert_eq!(cause(HttpErrorKind::Timeout, refused()), None);
        let login = within("http://169.254.169.254/latest", io(io::ErrorKind::ConnectionRefused));
        assert_eq!(cause(HttpErrorKind::Connect, login), None);
    }

    #[test]
    fn the_server_of_a_login_is_not_taken_for_the_store() {
        let minio = Server::new(Some("http://minio:9000"), "AWS_ENDPOINT_URL");
        let cloud = Server::new(None, "AWS_ENDPOINT_URL");
        for (url, of_minio, of_cloud) in [
            ("http://minio:9000/audits?list-type=2", true, false),
            ("http://audits.minio:9000/?list-type=2", true, false),
            ("https://s3.eu-north-1.amazonaws.com/audits", false, true),
            ("https://audits.s3.amazonaws.com/a", false, true),
            ("https://storage.googleapis.com/audits", false, true),
            ("https://team.blob.core.windows.net/audits", false, true),
            ("http://127.0.0.1:1/keys", false, false),
            ("https://sts.eu-north-1.amazonaws.com/", false, false),
            ("https://login.microsoftonline.com/t/oauth2", false, false),
            ("REDACTED", false, false),
        ] {
            let text = format!("Error performing GET {url} in 9.1s - HTTP error");
            assert_eq!((minio.is_asked_by(&text), cloud.is_asked_by(&text)), (of_minio, of_cloud), "{url}");
        }
    }
}
