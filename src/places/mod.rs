//! Object stores: S3 and what speaks its protocol (MinIO, Ceph), Google Cloud Storage, and Azure Blob Storage.
//!
//! A place such as `s3://bucket/audit` is a folder in a bucket. [`Store`] lists, reads and writes its objects; a [`WorkingCopy`]
//! is a folder on disk that stands for it while a command runs.

mod address;
mod at_once;
mod aws_files;
mod copy;
mod early;
mod error;
mod failed;
mod identity;
mod known;
mod open;
mod parts;
mod proxy;
mod read_end;
mod reason;
mod recorded;
mod runtime;
mod server;
mod shown;
mod store;
mod unfetched;
mod upload;

pub(crate) use address::{Address, Place};
pub(crate) use at_once::each_at_once;
pub(crate) use aws_files::{AwsFileError, AwsFiles, AwsKeys};
pub(crate) use copy::{Held, Index, WorkingCopy};
pub(crate) use error::PlaceError;
pub(crate) use proxy::{proxy_by, proxy_of_environment};
pub(crate) use reason::reason;
pub(crate) use shown::{address_of, copy_of, shown};
pub(crate) use store::{Found, Store};
pub(crate) use unfetched::Ending;
use upload::Expected;
