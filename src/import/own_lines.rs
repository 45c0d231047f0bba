//! Reads the samples of a file written by this program, with the strict OpenMetrics reader.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::Labels;
use crate::openmetrics::{Event, Reader, Sample, unescape};

const BUFFER_BYTES: usize = 1 << 18;

/// A sample and its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnLine<'a> {
    pub(super) sample: Sample<'a>,
    /// The line without its line ending.
    pub(super) text: &'a str,
    /// Start of the line in bytes, counted from where reading began.
    pub(super) offset: u64,
}

/// Returned by the callback of [`read_from`]: go on with the next sample, or stop reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    On,
    NoMore,
}

/// Passes each sample of a file to `take`, starting at `byte`, which must be the start of a line.
pub(super) fn read_from<E: From<io::Error>>(
    path: &Path,
    byte: u64,
    mut take: impl FnMut(OwnLine<'_>) -> Result<Read, E>,
) -> Result<(), E> {
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    file.seek(SeekFrom::Start(byte))?;
    let (mut reader, mut offset) = (Reader::new(file), 0);
    while let Some(line) = reader.next_line()? {
        match line.event {
            Ok(Event::Sample(sample)) => {
                if take(OwnLine { sample, text: line.text, offset })? == Read::NoMore {
                    break;
                }
            }
            Ok(_) => {}
            Err((_, wrong)) => return Err(io::Error::other(format!("line {}: {wrong}", line.number)).into()),
        }
        offset += line.text.len() as u64 + 1;
    }
    Ok(())
}

/// Counts the samples of a file that are older than `ms`.
pub(super) fn samples_before(path: &Path, ms: i64) -> io::Result<u64> {
    let mut count = 0;
    read_from(path, 0, |line| {
        count += u64::from(line.sample.timestamp_ms < ms);
        Ok::<_, io::Error>(Read::On)
    })?;
    Ok(count)
}

/// The labels of a sample's series, including `__name__`. The sample must be the first of its series, because
/// [`Sample::labels`] is empty for the others.
pub(super) fn labels_of(sample: &Sample<'_>) -> Labels {
    let labels = sample.labels().map(|(name, value)| (name.to_owned(), unescape(value).into_owned()));
    labels.chain([("__name__".to_owned(), sample.name.to_owned())]).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn lines(text: &str, byte: u64) -> io::Result<Vec<(u64, i64, Labels)>> {
        let folder = Scratch::new();
        let path = folder.path().join("x.om");
        std::fs::write(&path, text).unwrap();
        let mut lines = Vec::new();
        read_from(&path, byte, |line| {
            lines.push((line.offset, line.sample.timestamp_ms, labels_of(&line.sample)));
            Ok::<_, io::Error>(Read::On)
        })?;
        Ok(lines)
    }

    #[test]
    fn reading_can_resume_at_the_offset_of_a_line() {
        let text = "# TYPE x gauge\nx{a=\"1\\\\\\\"\\n}\"} 5 60\nx{a=\"2\"} 7 60\n# EOF\n";
        let found = lines(text, 0).unwrap();
        let offsets: Vec<u64> = found.iter().map(|line| line.0).collect();
        // The byte offsets that `grep -b` prints.
        assert_eq!(offsets, [15, 36]);
        assert_eq!(found[0].2["a"], "1\\\"\n}");
        assert_eq!(found[1].2, Labels::from([("__name__".into(), "x".into()), ("a".into(), "2".into())]));
        let again = lines(text, offsets[1]).unwrap();
        assert_eq!((again.len(), again[0].0, &again[0].2), (1, 0, &found[1].2));
    }

    #[test]
    fn the_error_for_an_invalid_line_has_its_number() {
        let error = lines("# TYPE x gauge\nx 1 60\nx 1\n", 0).unwrap_err().to_string();
        assert!(error.starts_with("line 3: ") && error.contains("timestamp"), "{error}");
    }
}
