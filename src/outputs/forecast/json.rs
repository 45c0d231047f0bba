//! `forecast.json`: the whole forecast, for the report and for programs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::JSON;
use crate::analysis::forecast::result::Forecast;
use crate::files::FileError;
use crate::outputs::OutputError;

/// The number of the file's format. It grows when an older version of the program would misread the file.
const FORMAT: u32 = 1;

/// Why the forecast of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    /// The file could not be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is truncated, or lacks fields.
    #[error(
        "{} is broken ({reason}): run 'etcd-heatmap forecast' on its folder again to write a new one",
        .path.display()
    )]
    Broken {
        /// The path of the file.
        path: PathBuf,
        /// The error message of the JSON parser.
        reason: String,
    },
    /// The file has a format of a later version.
    #[error(
        "{} was written by a newer version (format {format}, this version reads {FORMAT}): update etcd-heatmap",
        .path.display()
    )]
    Later {
        /// The path of the file.
        path: PathBuf,
        /// The number of its format.
        format: u32,
    },
}

/// The content of the file.
#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    #[serde(flatten)]
    forecast: &'a Forecast,
}

/// What is read first.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The text of the file, with a line end.
pub(super) fn json(forecast: &Forecast) -> Result<String, OutputError> {
    let text = serde_json::to_string(&Document { format: FORMAT, forecast });
    let failed = |e: serde_json::Error| FileError::new("write", Path::new(JSON), e.into());
    Ok(text.map_err(failed)? + "\n")
}

/// Reads the forecast of an output folder; `None` if it has none.
pub(crate) fn read_forecast(out: &Path) -> Result<Option<Forecast>, ForecastError> {
    let path = out.join(JSON);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(FileError::new("read", &path, e).into()),
    };
    let broken = |e: serde_json::Error| ForecastError::Broken { path: path.clone(), reason: e.to_string() };
    // The format alone first: a later one may have other fields.
    let Format { format } = serde_json::from_slice(&text).map_err(broken)?;
    if format > FORMAT {
        return Err(ForecastError::Later { path, format });
    }
    serde_json::from_slice(&text).map(Some).map_err(broken)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::analysis::forecast::random::Random;
    use crate::analysis::forecast::result::sample::sample;
    use crate::outputs::forecast::{ForecastListing, forecast_text};
    use crate::outputs::terminal::Palette;
    use crate::scratch::Scratch;
    use crate::time::Zone;

    #[test]
    fn a_forecast_is_read_as_it_was_written() {
        let folder = Scratch::new();
        let forecast = sample();
        std::fs::write(folder.path().join(JSON), json(&forecast).unwrap()).unwrap();
        assert_eq!(read_forecast(folder.path()).unwrap(), Some(forecast));
    }

    #[test]
    fn no_forecast_a_broken_one_and_one_of_a_later_version_have_different_sentences() {
        let folder = Scratch::new();
        let refused = |content: &str| {
            std::fs::write(folder.path().join(JSON), content).unwrap();
            read_forecast(folder.path()).unwrap_err().to_string()
        };
        assert_eq!(read_forecast(folder.path()).unwrap(), None);
        let whole = json(&sample()).unwrap();
        for broken in ["", "{}", "{\"format\":1}", &whole[..whole.len() / 2], &whole.replace("wal_fsync", "wal")] {
            let said = refused(broken);
            assert!(said.contains("is broken (") && said.ends_with("to write a new one"), "{said}");
        }
        // Whatever else a later version may write.
        for later in ["{\"format\":2}", &whole.replace("\"format\":1", "\"format\":7")] {
            let said = refused(later);
            assert!(said.contains("newer version") && said.ends_with("update etcd-heatmap"), "{said}");
        }
        std::fs::remove_file(folder.path().join(JSON)).unwrap();
        std::fs::create_dir(folder.path().join(JSON)).unwrap();
        assert!(read_forecast(folder.path()).unwrap_err().to_string().starts_with("cannot read "));
    }
    #[test]
    fn a_damaged_forecast_is_refused_or_shown() {
        let folder = Scratch::new();
        let whole = json(&sample()).unwrap().into_bytes();
        let mut random = Random::new(1);
        let (mut refused, mut read) = (0, 0);
        for _ in 0..3000 {
            let mut damaged = whole.clone();
            let place = random.below(whole.len());
            // Another digit mostly leaves a forecast, with an instant or a probability that no program writes.
            damaged[place] = match damaged[place] {
                b'0'..=b'9' | b'.' => b"0123456789-e"[random.below(12)],
                _ => random.bits() as u8,
            };
            std::fs::write(folder.path().join(JSON), damaged).unwrap();
            match read_forecast(folder.path()) {
                Err(_) => refused += 1,
                Ok(found) => {
                    read += 1;
                    let zone = Zone::default();
                    let listing = ForecastListing { palette: Palette::plain(), width: Some(100), zone, metrics: true };
                    assert!(!forecast_text(&found.unwrap(), &listing).is_empty());
                }
            }
        }
        assert!(refused > 500 && read > 500, "{refused} refused, {read} read");
    }
}
