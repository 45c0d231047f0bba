//! `etcd-heatmap backfill`: pull and score in one.

use super::{CommandError, Writing, annotations, pull, score, sources};
use crate::cli::BackfillArgs;
use crate::config::Settings;
use crate::history::History;

/// Pulls and scores. If some days could not be pulled, scores the others first and then returns the error.
pub(super) fn run(args: &BackfillArgs, settings: &Settings, run: &Writing) -> Result<(), CommandError> {
    annotations::check(&settings.how)?;
    // --retention may name a server. If it does not answer, fail before a long pull.
    let emission = score::emission(settings)?;
    let pulled = sources::pull_chosen(args, settings, run);
    let out = settings.out()?;
    match pulled {
        Ok(pull::Pulled::Some(error)) if error.signal().is_some() => Err(error),
        // The folder still holds the old history, which this run must not score.
        Ok(pull::Pulled::NotReplaced(error)) => Err(error),
        // If no day was pulled, now or earlier, there is nothing to score.
        Ok(pull::Pulled::Some(error)) if History::within(out).days()?.is_empty() => Err(error),
        Ok(pulled) => {
            // Exit code 3 (below --fail-below) promises a complete run, so an error of the pull takes precedence.
            match score::run(out, out, settings, &emission, run) {
                Err(below @ CommandError::Below(_)) => pulled.into_result().and(Err(below)),
                scored => scored.and(pulled.into_result()),
            }
        }
        Err(error) => Err(error),
    }
}
