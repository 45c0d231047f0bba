//! `etcd-heatmap backfill`: pull and score in one.

use super::progress::Reporter;
use super::{CommandError, check_folder, pull, sample, score};
use crate::cli::BackfillArgs;
use crate::history::History;
use crate::prometheus::Wanted;

/// Pulls, or unpacks the sample, and scores. Days that could not be pulled are told after the rest
/// has been scored.
pub(super) fn run(args: &BackfillArgs, reporter: &Reporter) -> Result<(), CommandError> {
    let how = score::How::from_args(&args.how)?;
    let pulled = match &args.url {
        Some(url) if !args.sample => {
            let limits = how.profile.limits().collect();
            let wanted = Wanted { left_out: args.how.without.clone(), limits, held: None };
            pull::run(url, &args.what, wanted, &args.out, reporter)
        }
        _ => {
            check_folder(&args.out)?;
            sample::unpack(&args.out, args.what.overwrite).map(|()| pull::Pulled::All)
        }
    };
    match pulled {
        // There is nothing to score unless an earlier run left something.
        Ok(pull::Pulled::Some(error)) if History::within(&args.out).days()?.is_empty() => Err(error),
        Ok(pulled) => {
            score::run(&args.out, &args.out, &how, reporter)?;
            pulled.into_result()
        }
        Err(error) => Err(error),
    }
}
