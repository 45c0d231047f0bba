//! `etcd-heatmap backfill`: pull and score in one.

use super::progress::Reporter;
use super::{CommandError, check_folder, pull, sample, score};
use crate::cli::BackfillArgs;
use crate::config::Settings;
use crate::history::History;

/// Pulls, or unpacks the sample, and scores. Days that could not be pulled are told after the rest
/// has been scored.
pub(super) fn run(args: &BackfillArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let pulled = if args.sample {
        check_folder(settings.out()?)?;
        sample::unpack(settings.out()?, args.leave.overwrite).map(|()| pull::Pulled::All)
    } else {
        pull::run(settings, args.leave, reporter)
    };
    let out = settings.out()?;
    match pulled {
        // There is nothing to score unless an earlier run left something.
        Ok(pull::Pulled::Some(error)) if History::within(out).days()?.is_empty() => Err(error),
        Ok(pulled) => {
            score::run(out, out, settings, reporter)?;
            pulled.into_result()
        }
        Err(error) => Err(error),
    }
}
