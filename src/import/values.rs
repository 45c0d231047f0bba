//! Checks whether existing blocks have different values for the samples to be imported.
//!
//! Prometheus would accept such blocks, and queries would sometimes return the old value and sometimes the new one.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lines::{Dumped, labels};
use super::own_lines::{Read, labels_of, read_from};
use super::promtool::Dump;
use super::{DataDir, ImportError, Labels, PlannedFile, Promtool, sandbox};

/// Returns an error if an existing block has a different value for a sample of the file. Equal values are harmless.
pub(super) fn check(
    promtool: &Promtool,
    data: &DataDir,
    file: &PlannedFile,
    folder: &Path,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<(), ImportError> {
    fs::create_dir_all(folder).map_err(ImportError::io("create the folder", folder))?;
    let Some(end_ms) = sandbox::fill(data, file.first_ms(), file.last_ms(), folder)? else { return Ok(()) };
    let mut ours = Series::index(&file.path).map_err(ImportError::io("read", &file.path))?;
    // End the range with the newest linked block: beyond it, promtool would look for a WAL,
    // which `folder` does not have.
    let last_ms = file.last_ms().min(end_ms - 1);
    let selector = format!("{{__name__=~\"{}\"}}", ours.names().join("|"));
    let dump = Dump { first_ms: file.first_ms(), last_ms, selector: &selector, file: &file.path };
    promtool.dump(folder, &dump, stop, |line| {
        let Some(held) = Dumped::of(line) else { return Ok(()) };
        match ours.value_at(held).map_err(ImportError::io("read", &file.path))? {
            Some(value) if held.value.parse() != Ok(value) => Err(ImportError::Conflict {
                file: file.path.clone(),
                series: held.series.to_owned(),
                at_ms: held.ms,
                held: held.value.to_owned(),
                ours: value.to_string(),
            }),
            _ => Ok(()),
        }
    })?;
    fs::remove_dir_all(folder).map_err(ImportError::io("remove", folder))
}

/// The series of a file. Only the samples of one series at a time are in memory.
struct Series {
    path: PathBuf,
    /// Offset of the first line of each series.
    offsets: HashMap<Labels, u64>,
    /// The last series looked up, as promtool dumps it, and its samples in the file.
    current: (String, Vec<(i64, f64)>),
}

impl Series {
    fn index(path: &Path) -> io::Result<Self> {
        let mut offsets = HashMap::new();
        read_from(path, 0, |line| {
            if !line.sample.goes_on {
                offsets.insert(labels_of(&line.sample), line.offset);
            }
            Ok::<_, io::Error>(Read::On)
        })?;
        Ok(Self { path: path.to_owned(), offsets, current: (String::new(), Vec::new()) })
    }

    fn names(&self) -> Vec<&str> {
        let names = self.offsets.keys().filter_map(|labels| labels.get("__name__")).map(String::as_str);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The file's value for the series and time of a dumped sample; `None` if the file has no such sample. Reads the
    /// file again whenever the series changes.
    fn value_at(&mut self, sample: Dumped<'_>) -> io::Result<Option<f64>> {
        if self.current.0 != sample.series {
            let labels = labels(sample.series).ok_or_else(|| no_labels(sample.series))?;
            let samples = self.offsets.get(&labels).map(|offset| self.samples_from(*offset)).transpose()?;
            self.current = (sample.series.to_owned(), samples.unwrap_or_default());
        }
        let samples = &self.current.1;
        Ok(samples.binary_search_by_key(&sample.ms, |(ms, _)| *ms).ok().map(|at| samples[at].1))
    }

    fn samples_from(&self, offset: u64) -> io::Result<Vec<(i64, f64)>> {
        let mut samples = Vec::new();
        read_from(&self.path, offset, |line| {
            if !samples.is_empty() && !line.sample.goes_on {
                return Ok(Read::NoMore);
            }
            samples.push((line.sample.timestamp_ms, line.sample.value));
            Ok::<_, io::Error>(Read::On)
        })?;
        Ok(samples)
    }
}

fn no_labels(series: &str) -> io::Error {
    io::Error::other(format!("'{series}' is not a series"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn our_value_of_a_dumped_sample_is_found_by_its_labels_and_instant() {
        let folder = Scratch::new();
        let path = folder.path().join("x.om");
        let text = "# TYPE x gauge\nx{a=\"1\"} 5 60\nx{a=\"1\"} 6 120\nx{a=\"2\"} 7 60\n# TYPE y gauge\ny{a=\"1\"} 8 60\n# EOF\n";
        fs::write(&path, text).unwrap();
        let mut ours = Series::index(&path).unwrap();
        assert_eq!(ours.names(), ["x", "y"]);
        let mut value_at = |name: &str, a: &str, ms| {
            let series = format!("{{__name__=\"{name}\", a=\"{a}\"}}");
            ours.value_at(Dumped { series: &series, value: "", ms }).unwrap()
        };
        for (name, a, ms, expected) in [
            ("x", "1", 60_000, Some(5.0)),
            ("x", "1", 120_000, Some(6.0)),
            ("x", "1", 90_000, None),
            ("x", "2", 60_000, Some(7.0)),
            ("x", "2", 120_000, None),
            ("y", "1", 60_000, Some(8.0)),
            ("y", "2", 60_000, None),
            ("x", "1", 60_000, Some(5.0)),
        ] {
            assert_eq!(value_at(name, a, ms), expected, "{name} {a} {ms}");
        }
        assert!(ours.value_at(Dumped { series: "x{", value: "", ms: 60_000 }).is_err());
    }
}
