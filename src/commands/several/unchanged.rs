//! The days of a joined history that need not be joined again.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::join::Joined;
use super::part::Part;
use crate::commands::CommandError;
use crate::commands::rewrite::Days;
use crate::folder::{Listed, Manifest};
use crate::history::{DayMeta, History};
use crate::readings::SourceName;
use crate::time::{Step, UtcDay};

/// The days that joining would write with the same bytes: all that goes into a day is in its footer, the files that it was
/// joined from by their hashes. A file that is not the one that the manifest lists is not trusted.
pub(super) fn unchanged(
    history: &History,
    there: &[(UtcDay, DayMeta)],
    earlier: Option<&Manifest>,
    of: &Joined<'_>,
    step: Step,
) -> Result<Days, CommandError> {
    let Some(earlier) = earlier else { return Ok(Days::new()) };
    let listed = Listed::of(history.out(), Some(earlier));
    let same = |(day, meta): &(UtcDay, DayMeta)| {
        let is_same = of.ranges.get(day).is_some_and(|range| {
            meta.range == *range
                && meta.source == *of.source
                && meta.is_of_this_version()
                && meta.footnotes() == of.footnotes(*day, step)
        });
        if !is_same {
            return Ok(None);
        }
        let file = listed.entry(history.out(), &history.file(*day), meta.rows)?;
        Ok(earlier.history.contains(&file).then(|| (*day, (meta.clone(), file))))
    };
    let found: Vec<_> = there.par_iter().map(same).collect::<Result<_, CommandError>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// The file of each source that has the day, by its hash.
pub(super) fn joined_from(parts: &[Part], day: UtcDay) -> BTreeMap<SourceName, String> {
    parts.iter().filter_map(|part| Some((part.name.clone(), part.hashes.get(&day)?.clone()))).collect()
}
