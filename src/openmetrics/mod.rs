//! OpenMetrics text as `promtool tsdb create-blocks-from openmetrics` takes it, read strictly.
//!
//! promtool exits with 0 where it dropped samples, put them into another millennium or took two spellings of a
//! series for one. [`lint()`] says line and column of each.

mod family;
mod fault;
mod lint;
mod parse;
mod sample;

pub use family::Kind;
pub use fault::{Fault, Faults, Wrong};
pub use lint::{HeadWindow, Summary, lint};
pub use parse::{Event, Line, Reader};
pub use sample::{Sample, unescape};
