//! Errors of object stores.

use std::path::{Path, PathBuf};

use super::AwsFileError;
use crate::files::FileError;
use crate::text::count;

/// Why a place in an object store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// A URL of another protocol.
    #[error("{} is neither a folder nor a place in an object store: use a path, or s3://, gs:// or az://", shown(.0))]
    UnknownScheme(PathBuf),
    /// A `file://` URL of another machine, or without a path.
    #[error("{} names no folder of this machine: write file:/// and its absolute path", .0.display())]
    NoLocalFolder(PathBuf),
    /// An address that names no folder in a bucket.
    #[error("invalid address {}: {reason}", shown(.address))]
    BadAddress {
        /// The address as it was given.
        address: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client of the store cannot be set up, for example because a setting in the environment is wrong.
    #[error("{address} cannot be opened: {reason}")]
    NotOpened {
        /// The place.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The bucket, or an object in it, does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The login lacks a permission, or there is none.
    #[error("{address} cannot be {done}: {reason}; check the login and its permissions")]
    Refused {
        /// The object or place.
        address: String,
        /// What was tried, such as `read`.
        done: &'static str,
        /// The answer of the store.
        reason: String,
    },
    /// No connection to a server at an endpoint that the user set, also after retries.
    #[error(
        "cannot reach the object store at {endpoint} for {address}: {cause}; check that it is running and that {variable} is right"
    )]
    NoServer {
        /// The object or place.
        address: String,
        /// The endpoint.
        endpoint: String,
        /// The environment variable that sets it.
        variable: &'static str,
        /// The innermost cause.
        cause: String,
    },
    /// No connection through a proxy to a server at an endpoint that the user set, also after retries.
    #[error(
        "cannot reach the object store at {endpoint} for {address} through the proxy {proxy}: {cause}; check the proxy, or add the host to NO_PROXY"
    )]
    NoWay {
        /// The object or place.
        address: String,
        /// The endpoint.
        endpoint: String,
        /// The URL of the proxy, without a login.
        proxy: String,
        /// The innermost cause.
        cause: String,
    },
    /// No connection to a cloud, also after retries.
    #[error("cannot reach the object store of {address}: {cause}; check the network and the proxy of this machine")]
    NoCloud {
        /// The object or place.
        address: String,
        /// The innermost cause.
        cause: String,
    },
    /// A request failed otherwise, also after retries.
    #[error("{address} cannot be {done}: {reason}")]
    Failed {
        /// The object or place.
        address: String,
        /// What was tried, such as `read`.
        done: &'static str,
        /// The reason.
        reason: String,
    },
    /// An object is not the one that this run has seen.
    #[error(
        "{0} was changed by another run since this one began: run the command again when no other run writes there"
    )]
    Changed(String),
    /// The store does not implement the request, usually because of its condition.
    #[error("{address} cannot be written: {reason}")]
    NoConditions {
        /// The object.
        address: String,
        /// The answer of the store.
        reason: String,
    },
    /// Too little space for what the command reads.
    #[error(
        "{address} needs {} in {}, but only {} are free: set TMPDIR to a folder with more", count(*.needed, "byte"),
        .dir.display(), count(*.free, "byte")
    )]
    NoSpace {
        /// The place.
        address: String,
        /// The folder for temporary files.
        dir: PathBuf,
        /// Bytes to copy.
        needed: u64,
        /// Bytes that are free there.
        free: u64,
    },
    /// Files that a run wrote and could not send.
    #[error("{cause}; {left} {} not sent and {} kept in {}", if *.left == 1 { "file was" } else { "files were" }, if *.left == 1 { "is" } else { "are" }, .kept.display())]
    Unsent {
        /// Why the first was not sent.
        cause: Box<PlaceError>,
        /// How many were not sent.
        left: usize,
        /// The folder on disk that has them.
        kept: PathBuf,
    },
    /// A profile of the AWS command line that cannot be used.
    #[error(transparent)]
    Profile(#[from] AwsFileError),
    /// A file on disk that is sent or received.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system gives no threads.
    #[error("no threads for the requests to the object store: {0}")]
    Threads(String),
}

/// A URL without the login that it may hold.
fn shown(url: &Path) -> String {
    let text = url.to_string_lossy();
    let Some((scheme, rest)) = text.split_once("://") else { return text.into_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
