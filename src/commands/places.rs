//! Folders in buckets: before a command, each becomes a working copy on disk; after it, what has changed is sent.

use std::path::{Path, PathBuf};

use indicatif::HumanBytes;

use super::CommandError;
use super::progress::Reporter;
use crate::cli::{Command, Slot, Use};
use crate::config::Settings;
use crate::folder::{HISTORY, MANIFEST, Manifest, REPLACEMENT, is_in_shard, is_in_source};
use crate::history::{History, USUAL_FOOTER, footer_size};
use crate::outputs;
use crate::places::{Address, Ending, Held, Index, Place, WorkingCopy};
use crate::text::count;

/// The working copies of a command.
pub(super) struct Places {
    copies: Vec<Copy>,
    reporter: Reporter,
}

struct Copy {
    address: Address,
    how: Use,
    working: WorkingCopy,
}

impl Places {
    /// Fetches what the command needs of each place that it names, and puts the working copies in their stead.
    pub(super) fn open(
        command: &mut Command,
        settings: &mut Settings,
        reporter: Reporter,
    ) -> Result<Self, CommandError> {
        let mut places = Self { copies: Vec::new(), reporter };
        for (slot, how) in command.folders() {
            let named = match &slot {
                Slot::Settings => settings.dir(),
                Slot::Argument(typed) => typed.as_deref().or(settings.dir()),
                Slot::Flag(typed) => typed.as_deref(),
                Slot::Given(typed) => Some(typed.as_path()),
            };
            let local = places.local(named, how)?;
            if let Some(folder) = local.as_deref().or(named).filter(|_| matches!(how, Use::Explains | Use::Finds)) {
                places.history_of(folder, how)?;
            }
            let Some(local) = local else { continue };
            match slot {
                Slot::Settings => settings.set_dir(local),
                Slot::Argument(typed) | Slot::Flag(typed) => *typed = Some(local),
                Slot::Given(typed) => *typed = local,
            }
        }
        Ok(places)
    }

    /// The folder on disk that stands for a folder; `None` if it needs none.
    fn local(&mut self, named: Option<&Path>, how: Use) -> Result<Option<PathBuf>, CommandError> {
        let Some(named) = named else { return Ok(None) };
        let address = match Place::of(named)? {
            Place::Folder(folder) => return Ok(Some(folder).filter(|folder| folder != named)),
            Place::Bucket(address) => address,
        };
        if how == Use::Repeats {
            return Err(CommandError::OnDiskOnly(address.to_string()));
        }
        if let Some(copy) = self.copies.iter().find(|copy| copy.address == address) {
            return Ok(Some(copy.working.folder().to_owned()));
        }
        let mut working = WorkingCopy::of(&address, how.writes(), &|path| held(how, path))?;
        if how.writes() {
            let reporter = self.reporter;
            let tell = move |error: &_| reporter.note(&format!("{error}; trying again at the end"));
            let is_day = |path: &str| HISTORY.has(path) || REPLACEMENT.has(path);
            // The manifests of sources come after all days.
            let is_of_source = |path: &str| is_in_source(path) && !path.ends_with(MANIFEST);
            working.send_early(move |path| is_day(path) || is_of_source(path), tell);
        }
        let local = working.folder().to_owned();
        self.copies.push(Copy { address, how, working });
        Ok(Some(local))
    }

    /// Fetches the history of the scores in a folder, if that is in a bucket. Errors of the folder are left to the command.
    fn history_of(&mut self, folder: &Path, how: Use) -> Result<(), CommandError> {
        let manifest = Manifest::read(folder).ok().flatten();
        let named = manifest.and_then(|manifest| manifest.history_folder).map(PathBuf::from);
        let is_elsewhere = || History::within(folder).days().is_ok_and(|days| days.is_empty());
        match named.map(|named| (Place::of(&named), named)) {
            Some((Ok(Place::Bucket(_)), named)) if is_elsewhere() => self.local(Some(&named), how).map(drop),
            _ => Ok(()),
        }
    }

    /// Sends what the command has written, also after a failure: what was written so far is worth keeping.
    pub(super) fn end(self, outcome: Result<(), CommandError>) -> Result<(), CommandError> {
        let reporter = self.reporter;
        let sent = self.copies.into_iter().try_for_each(|copy| copy.send(reporter));
        match (outcome, sent) {
            (Err(outcome), Err(unsent)) => {
                reporter.note(&unsent.to_string());
                Err(outcome)
            }
            (outcome, sent) => outcome.and(sent),
        }
    }
}

impl Copy {
    fn send(self, reporter: Reporter) -> Result<(), CommandError> {
        if !self.how.writes() {
            return Ok(());
        }
        let index = Index { path: MANIFEST, without: &|content, paths| Manifest::without(content, paths) };
        let sent = self.working.publish(&index)?;
        if sent.files > 0 {
            let (files, address) = (count(sent.files, "file"), &self.address);
            reporter.note(&format!("sent {files} to {address} ({})", HumanBytes(sent.bytes)));
            if sent.is_unguarded {
                reporter.note(&format!(
                    "{address} does not support conditional writes: do not start another run that writes to it"
                ));
            }
        }
        Ok(())
    }
}

/// The end of a day's file.
const FOOTER: Ending = Ending { usual: USUAL_FOOTER, size: footer_size };

/// What a working copy has of an object of the place. A pull reads the footers of all days, and the readings only of days
/// that it pulls again, or joins again.
fn held(how: Use, path: &str) -> Held {
    let in_history = HISTORY.has(path) || REPLACEMENT.has(path);
    let is_day_of_source = is_in_source(path) && !path.ends_with(MANIFEST);
    let is_ours = || outputs::owned().iter().any(|kind| kind.has(path));
    let is_single = || !path.contains("/") && is_ours();
    let content = match how {
        Use::ReadsCells => is_single(),
        Use::Explains if in_history => return Held::End(FOOTER),
        Use::Explains => is_single(),
        Use::Reads | Use::Finds | Use::Forecasts => in_history || is_single(),
        Use::Pulls | Use::Backfills | Use::Repeats if is_day_of_source => return Held::End(FOOTER),
        Use::Backfills if is_in_source(path) => true,
        Use::Scores | Use::Backfills => in_history || is_single() && !outputs::replaced().any(|kind| kind.has(path)),
        Use::ReadsOpenMetrics => is_ours() && !in_history,
        Use::Pulls | Use::Merges | Use::Repeats if in_history => return Held::End(FOOTER),
        Use::Pulls | Use::Repeats => path == MANIFEST || is_in_source(path),
        Use::Merges => path == MANIFEST || is_in_shard(path),
    };
    match content {
        true => Held::Content,
        false if how.writes() && is_ours() => Held::Name,
        false => Held::Nothing,
    }
}
