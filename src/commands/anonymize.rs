//! `etcd-heatmap anonymize`: copies a history under pseudonyms, for those who may not know the names.
//!
//! Only the history is copied: what is computed from the copy contains no other names than it has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

use super::evidence::{Opened, manifest_to_replace};
use super::rewrite::{Day, Rewrite};
use super::stdout::print;
use super::{CommandError, Writing};
use crate::cli::AnonymizeArgs;
use crate::files::FileError;
use crate::folder::Manifest;
use crate::history::{DayMeta, Footnotes, History, HistoryError, members_in, read_day};
use crate::readings::{Member, PseudonymError, Pseudonyms, Source, SourceName};
use crate::text::count;
use crate::text::csv::csv_field;
use crate::time::{Grid, UtcDay};

/// Why a history cannot be copied under pseudonyms.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnonymizeError {
    #[error("--key-file {}: {reason}", .path.display())]
    Key { path: PathBuf, reason: PseudonymError },
    /// The key would be passed on with the copy.
    #[error("--key-file {} is in --out {}: keep the key elsewhere, or the copy reveals the names", .path.display(), .out.display())]
    KeyInCopy { path: PathBuf, out: PathBuf },
    #[error("--out {} is the folder to anonymize: name another one", .0.display())]
    SameFolder(PathBuf),
    /// The folder has a history of another source or key.
    #[error("{} is of another history or key ({difference}): choose another --out", .path.display())]
    OtherCopy { path: PathBuf, difference: String },
    /// The names in the folder are pseudonyms already.
    #[error("{} is anonymized already: name the folder that was pulled", .0.display())]
    Already(PathBuf),
}

/// A history, and the pseudonyms of its members.
pub(super) struct Anonymized {
    history: History,
    /// Whether annotations belong to the folder.
    is_annotated: bool,
    opened: Opened,
    pseudonyms: Pseudonyms,
    names: BTreeMap<Member, Member>,
    /// The source of the copy.
    source: Source,
}

impl Anonymized {
    /// Reads the key and all names. Fails if a day cannot be read.
    pub(super) fn of(folder: &Path, args: &AnonymizeArgs) -> Result<Self, CommandError> {
        let path = &args.key_file;
        let key = fs::read(path).map_err(|e| FileError::new("read", path, e))?;
        let unusable = |reason| AnonymizeError::Key { path: path.clone(), reason };
        let pseudonyms = Pseudonyms::of(&key).map_err(unusable)?;
        if let Some(out) = &args.out {
            check_out(out, folder, path)?;
        }
        let (history, manifest) = (History::within(folder), Manifest::read(folder)?);
        let mut opened = Opened::of(&history, manifest.as_ref())?;
        if !opened.broken.is_empty() {
            return Err(opened.broken.swap_remove(0).1.into());
        }
        if opened.source.origin.is_anonymized() {
            return Err(AnonymizeError::Already(folder.to_owned()).into());
        }
        let origin = &opened.source.origin;
        let names = pseudonyms.members(&members(&history, &opened)?, origin).map_err(unusable)?;
        let source = pseudonyms.source(&opened.source);
        let is_annotated = manifest.is_some_and(|manifest| manifest.annotations.is_some());
        Ok(Self { history, is_annotated, opened, pseudonyms, names, source })
    }

    /// Prints which pseudonym stands for which member, as CSV.
    pub(super) fn list(&self) -> Result<(), CommandError> {
        let mut table = String::from("cluster,member,cluster_pseudonym,member_pseudonym\n");
        for (name, pseudonym) in &self.names {
            let labels = [&name.cluster, &name.member, &pseudonym.cluster, &pseudonym.member];
            table += &(labels.map(|label| csv_field(label)).join(",") + "\n");
        }
        Ok(print(&table)?)
    }

    /// Writes the copy into a folder.
    pub(super) fn write(&self, out: &Path, run: &Writing) -> Result<(), CommandError> {
        let started = Instant::now();
        let earlier = manifest_to_replace(out, &run.reporter)?;
        let copy = History::within(out);
        let Opened { metas, overview, step, .. } = &self.opened;
        let rewrite = Rewrite { history: &copy, source: &self.source, step: *step, lives: &overview.lives, run };
        if let Some((day, difference)) = rewrite.of_another_source()? {
            return Err(AnonymizeError::OtherCopy { path: copy.file(day), difference }.into());
        }
        let by_day: BTreeMap<UtcDay, &DayMeta> = metas.iter().map(|(day, meta)| (*day, meta)).collect();
        let days: Vec<UtcDay> = by_day.keys().copied().collect();
        let written = rewrite.days("renaming", &days, |day| self.renamed(day, by_day[&day]))?;
        rewrite.manifest(&overview.asked, written, earlier.as_ref())?;
        if self.is_annotated {
            run.reporter.note("annotations are left out: their texts may contain names");
        }
        run.reporter.note(&format!(
            "renamed {}, {} in {:.1} s",
            count(self.names.len(), "member"),
            count(days.len(), "day"),
            started.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    /// A day under pseudonyms.
    fn renamed(&self, day: UtcDay, meta: &DayMeta) -> Result<Day, HistoryError> {
        let path = self.history.file(day);
        let grid = Grid::within(meta.range, self.opened.step);
        let window = read_day(&path, grid, members_in(&path)?, &self.source.companions())?;
        // All names were read before.
        let name = |member: &Member| self.names.get(member).unwrap_or(member).clone();
        let source = |source: &SourceName| self.pseudonyms.of_source(source);
        let lacking = meta.lacking.renamed(source);
        let footnotes = Footnotes { lives: meta.lives.renamed(name), lacking, ..Footnotes::default() };
        Ok(Day { window: window.renamed(name).with_sources_renamed(source), range: meta.range, footnotes })
    }
}

/// The members of all rows and footers. The footers lack a member that has only leader changes, which are counted for a day after its last
/// scrape.
fn members(history: &History, opened: &Opened) -> Result<BTreeSet<Member>, CommandError> {
    let of_days: Vec<Vec<Member>> =
        opened.metas.par_iter().map(|(day, _)| members_in(&history.file(*day))).collect::<Result<_, HistoryError>>()?;
    let of_footers = opened.metas.iter().flat_map(|(_, meta)| meta.lives.iter().map(|(member, _)| member.clone()));
    Ok(of_days.into_iter().flatten().chain(of_footers).collect())
}

/// Fails if the copy would replace what is copied, or contain the key.
fn check_out(out: &Path, folder: &Path, key: &Path) -> Result<(), AnonymizeError> {
    let real = |path: &Path| path.canonicalize().ok();
    match (real(out), real(folder), real(key)) {
        (Some(out), Some(folder), _) if out == folder => Err(AnonymizeError::SameFolder(folder)),
        (Some(in_out), _, Some(key)) if key.starts_with(&in_out) => {
            Err(AnonymizeError::KeyInCopy { path: key, out: out.to_owned() })
        }
        _ => Ok(()),
    }
}
