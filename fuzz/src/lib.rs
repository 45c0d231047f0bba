//! The parsers of external input in the program, unchanged, for the fuzz targets.
//!
//! The files are included by path, because a dependency on the whole program would build Polars and Arrow again, with
//! coverage, although no target needs them.

#![expect(dead_code, unused_imports, reason = "the program uses what the targets do not")]

#[path = "../../src"]
mod program {
    pub mod openmetrics;
    pub mod spec;
    pub mod time;
}

/// The reader of annotations.
#[path = "../../src/analysis"]
pub mod analysis {
    pub mod annotations;
}
/// Temporary folders of archives.
#[path = "../../src/files"]
pub mod files {
    mod space;
    mod temporary;

    pub(crate) use space::free_space;
    pub(crate) use temporary::{TemporaryFolder, remove_abandoned};
}
/// The files of the AWS command line.
#[path = "../../src/places"]
pub mod places {
    mod aws_files;
    mod proxy;
    mod reason;

    pub(crate) use aws_files::{AwsFileError, AwsFiles, AwsKeys};
    pub(crate) use proxy::{proxy_by, proxy_of_environment};
    pub(crate) use reason::reason;
}
pub mod parts;
pub mod readings;
pub mod reference;
pub mod scratch;
pub mod seal;
pub mod sources;
pub mod text;

pub use program::{openmetrics, spec, time};
