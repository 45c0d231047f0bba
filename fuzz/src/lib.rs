//! The files of the program that read what others wrote, as they are, for the fuzz targets.
//!
//! They are modules here by their paths: depending on the whole program would build Polars and Arrow once more, with
//! coverage, for nothing that is fuzzed.

#![expect(dead_code, unused_imports, reason = "what is not called here is used elsewhere in the program")]

#[path = "../../src"]
mod program {
    pub mod openmetrics;
    pub mod spec;
    pub mod time;
}

pub mod reference;
pub mod sources;
pub mod text;

pub use program::{openmetrics, spec, time};
