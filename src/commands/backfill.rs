//! `etcd-heatmap backfill`: pull and score in one.

use super::{CommandError, Writing, pull, score, sources};
use crate::cli::BackfillArgs;
use crate::config::Settings;
use crate::history::History;

/// Pulls from the server or the sample, and scores. Days that could not be pulled are told after the rest
/// has been scored.
pub(super) fn run(args: &BackfillArgs, settings: &Settings, run: &Writing) -> Result<(), CommandError> {
    // A server that does not answer is better told before a long pull.
    let emission = score::emission(settings)?;
    let pulled = sources::pull_chosen(args, settings, run);
    let out = settings.out()?;
    match pulled {
        Ok(pull::Pulled::Some(error)) if error.signal().is_some() => Err(error),
        // What is there is another history.
        Ok(pull::Pulled::NotReplaced(error)) => Err(error),
        // There is nothing to score unless an earlier run left something.
        Ok(pull::Pulled::Some(error)) if History::within(out).days()?.is_empty() => Err(error),
        Ok(pulled) => {
            // Exit code 3 says that all else went well: what could not be pulled is told first.
            match score::run(out, out, settings, &emission, run) {
                Err(below @ CommandError::Below(_)) => pulled.into_result().and(Err(below)),
                scored => scored.and(pulled.into_result()),
            }
        }
        Err(error) => Err(error),
    }
}
