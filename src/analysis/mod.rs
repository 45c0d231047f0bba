//! Questions about scores and cells: why a cell has its score ([`explain`]), how profiles differ ([`compare`]), whether
//! every cluster stayed above a score ([`gate`]), which members are missing ([`membership`]), what changed between two
//! periods ([`diff`]), what an operator should look at ([`findings`]), what was noted beside it ([`annotations`]), the readings of each cell ([`cell_readings`]), and what comes next
//! ([`forecast`]).
//!
//! Input is scored days or finished cells; output is plain values. Texts and files are made in `outputs`.

#[expect(unreachable_pub, reason = "the fuzz targets compile this file by its path")]
pub(crate) mod annotations;
pub(crate) mod cell_readings;
pub(crate) mod compare;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod findings;
pub mod forecast;
pub(crate) mod gate;
pub(crate) mod membership;
