//! What several outputs use: the calendar of cells, the day × hour table, the lines of a summary, and numbers in the
//! text of queries. Nothing here writes a file.

pub(super) mod calendar;
pub(super) mod day_columns;
pub(super) mod figures;
pub(super) mod summary;
pub(super) mod thresholds;
