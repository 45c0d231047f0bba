//! Code that several outputs share: positions of cells in a calendar, columns of day × hour tables, summaries in
//! one line, and numbers for the text of queries. Nothing here writes a file.

pub(super) mod calendar;
pub(super) mod day_columns;
pub(super) mod figures;
pub(super) mod folded;
pub(super) mod summary;
pub(super) mod thresholds;
