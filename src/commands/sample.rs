//! The sample history, embedded so that the whole job runs from any folder, without a server.

use std::fs;
use std::path::Path;

use super::CommandError;
use crate::files::{FileError, WholeFile};
use crate::history::{History, HistoryError};
use crate::time::UtcDay;

/// `(date, content of readings.parquet)` for each day of `notebooks-data/sample`.
macro_rules! embedded_days {
    ($($date:literal)*) => {
        &[$((
            $date,
            include_bytes!(concat!("../../notebooks-data/sample/history/date=", $date, "/readings.parquet")),
        )),*]
    };
}

const DAYS: &[(&str, &[u8])] = embedded_days! {
    "2026-10-01" "2026-10-02" "2026-10-03" "2026-10-04" "2026-10-05" "2026-10-06" "2026-10-07"
    "2026-10-08" "2026-10-09" "2026-10-10" "2026-10-11" "2026-10-12" "2026-10-13" "2026-10-14"
};

/// Unpacks the sample history into an output folder; refuses one that holds another history.
pub(super) fn unpack(out: &Path, overwrite: bool) -> Result<(), CommandError> {
    let history = History::within(out);
    let mut days: Vec<(UtcDay, &[u8])> = Vec::with_capacity(DAYS.len());
    for (date, content) in DAYS {
        days.push((date.parse()?, content));
    }
    for day in history.days()? {
        let path = history.file(day);
        let found = fs::read(&path).map_err(|e| FileError::new("read", &path, e))?;
        if !days.contains(&(day, found.as_slice())) {
            if overwrite {
                history.remove()?;
                break;
            }
            let difference = "it is not a day of the sample".to_owned();
            return Err(HistoryError::OtherSource { path, difference }.into());
        }
    }
    for (day, content) in days {
        WholeFile::write(&history.file(day), content)?;
    }
    Ok(())
}
