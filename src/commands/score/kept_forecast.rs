//! The forecast that a folder already has: kept by a score of the same history by the same profile, removed by any other.

use std::path::Path;

use super::super::evidence::Overview;
use super::super::progress::Reporter;
use crate::analysis::forecast::result::Forecast;
use crate::files::FileError;
use crate::folder::{Manifest, Written};
use crate::outputs::{FORECAST_FILES, read_forecast};

/// The forecast in `out`, if it is one of this history by this profile. Otherwise its files are removed, with a note.
pub(super) fn kept_forecast(
    out: &Path,
    overview: &Overview,
    profile: &str,
    reporter: &Reporter,
) -> Result<Option<Forecast>, FileError> {
    let reason = match read_forecast(out) {
        Ok(None) => return Ok(None),
        Ok(Some(forecast)) => match reason_against(&forecast, overview, profile) {
            None => return Ok(Some(forecast)),
            Some(reason) => reason,
        },
        Err(error) => error.to_string(),
    };
    reporter.note(&format!("the forecast is removed ({reason}): run etcd-heatmap forecast again"));
    FORECAST_FILES.iter().try_for_each(|files| files.remove(out))?;
    Ok(None)
}

fn reason_against(forecast: &Forecast, overview: &Overview, profile: &str) -> Option<String> {
    let end_ms = overview.range.end_ms;
    match () {
        () if forecast.profile != profile => Some(format!("it is by the profile {}", forecast.profile)),
        () if forecast.history_end_ms != end_ms => Some("the history has changed since".to_owned()),
        () => None,
    }
}

/// Lists the files of the forecast in the manifest.
pub(in crate::commands) fn list_forecast(out: &Path, manifest: &mut Manifest) -> Result<(), FileError> {
    for owned in FORECAST_FILES {
        let path = out.join(owned.pattern());
        if path.is_file() {
            manifest.list(Written::read(out, &path, 1)?);
        }
    }
    Ok(())
}
