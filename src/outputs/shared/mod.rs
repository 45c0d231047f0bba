//! Code that several outputs share: positions of cells in a calendar, columns of day × hour tables, summaries in
//! one line, tables of findings, the exposition format, and numbers for the text of queries. Nothing here writes a file.

pub(super) mod ahead;
pub(super) mod calendar;
pub(super) mod day_columns;
pub(super) mod exposition;
pub(super) mod figures;
pub(super) mod folded;
pub(super) mod summary;
pub(super) mod tables;
pub(super) mod thresholds;
