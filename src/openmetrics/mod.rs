//! A strict reader and linter of OpenMetrics text for `promtool tsdb create-blocks-from openmetrics`.
//!
//! promtool exits with 0 even if it dropped samples, misread their times, or mixed up two series. [`lint()`]
//! reports the line and column of each such fault. Code that writes OpenMetrics text belongs in `outputs`.

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
