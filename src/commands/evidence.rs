//! Opens a history for scoring: an overview (range, members, missing days), a reader that scores its days, and the
//! list of its files with their hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;

use super::CommandError;
use super::days::DaysAtOnce;
use super::progress::Reporter;
use crate::analysis::explain::ScoredWindow;
use crate::folder::{FolderError, Listed, Manifest, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError, read_through};
use crate::places::{Place, address_of, copy_of};
use crate::readings::{Life, Lives, Member, Source, SourceTimes, Window};
use crate::score::{ScoreTable, alive_on, score_window};
use crate::spec::{Companion, METRICS};
use crate::time::{Grid, Step, TimeRange, UtcDay, union_of_ranges};

/// A history opened for scoring.
pub(super) struct Opened {
    /// The days, with the metadata in the footers of their Parquet files, in order.
    pub(super) metas: Vec<(UtcDay, DayMeta)>,
    /// Days whose Parquet file has an unreadable footer.
    pub(super) broken: Vec<(UtcDay, HistoryError)>,
    /// Range, members and gaps of all days.
    pub(super) overview: Overview,
    /// The source and settings that all days share.
    pub(super) source: Source,
    pub(super) step: Step,
}

impl Opened {
    /// Reads the footers of all days; fails if no footer can be read. The requested ranges include those for which the
    /// source had no data, and the days with an unreadable footer.
    pub(super) fn of(history: &History, manifest: Option<&Manifest>) -> Result<Self, CommandError> {
        let DayMetas { known: metas, broken } = history.read_metas()?;
        let mut gathered = Gathered::default();
        metas.iter().for_each(|(day, meta)| gathered.add(*day, meta));
        let Some((_, first)) = metas.first() else {
            let error = broken.into_iter().next().map(|(_, error)| error);
            return Err(error.map_or_else(|| no_history(history.out(), manifest), CommandError::from));
        };
        let source = first.source.clone();
        gathered.ask(asked_in_vain(manifest, &source, &metas));
        gathered.ask(broken.iter().map(|(day, _)| day.range()));
        let overview = gathered.overview().ok_or_else(|| HistoryError::Empty(history.out().to_owned()))?;
        let step = Step::from_millis(source.step_seconds * 1000)?;
        Ok(Self { metas, broken, overview, source, step })
    }

    /// A reader for the six metrics and these companions (limits and start times).
    pub(super) fn reader<'a>(&'a self, history: &'a History, companions: &'a [Companion]) -> DayReader<'a> {
        DayReader { history, companions, asked: &self.overview.asked, step: self.step }
    }
}

/// A folder with scores, and the history from which they were computed.
pub(super) struct Scored {
    /// The manifest of the folder.
    pub(super) manifest: Option<Manifest>,
    /// The history of the folder, or of the one that `score --out` read.
    pub(super) history: History,
    pub(super) opened: Opened,
}

impl Scored {
    pub(super) fn open(folder: &Path) -> Result<Self, CommandError> {
        let manifest = Manifest::read(folder)?;
        let history = match manifest.as_ref().and_then(|manifest| scored_from(folder, manifest)) {
            Some(elsewhere) if History::within(folder).days()?.is_empty() => History::within(&elsewhere),
            _ => History::within(folder),
        };
        let of_history = if history.out() == folder { None } else { Manifest::read(history.out())? };
        let opened = Opened::of(&history, of_history.as_ref().or(manifest.as_ref()))?;
        Ok(Self { manifest, history, opened })
    }
}

/// The folder with the history of the scores in a folder, if it is still there.
fn scored_from(folder: &Path, manifest: &Manifest) -> Option<PathBuf> {
    let found = match place_of_history(folder, manifest.history_folder.as_ref()?)? {
        Place::Folder(path) => path,
        Place::Bucket(address) => copy_of(&address.to_string())?,
    };
    let has_days = History::within(&found).days().is_ok_and(|days| !days.is_empty());
    has_days.then_some(found)
}

/// The place that the manifest of a folder of scores names as that of their history.
fn place_of_history(folder: &Path, named: &str) -> Option<Place> {
    Some(match Place::of(Path::new(named)).ok()? {
        Place::Folder(path) => Place::Folder(normal(&folder.join(path))),
        bucket @ Place::Bucket(_) => bucket,
    })
}

/// The error for a folder without a history: it names the folder that was scored, if the manifest does.
pub(super) fn no_history(folder: &Path, manifest: Option<&Manifest>) -> CommandError {
    let Some(manifest) = manifest.filter(|manifest| manifest.profile.is_some()) else {
        return HistoryError::Empty(folder.to_owned()).into();
    };
    let history = manifest.history_folder.as_ref().map(|named| match place_of_history(folder, named) {
        Some(Place::Folder(path)) => path,
        _ => PathBuf::from(named),
    });
    CommandError::ScoresOnly { folder: folder.to_owned(), history }
}

/// Removes `.` from the path, and `..` together with the folder name before it.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match (part, normal.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(normal.pop()),
            _ => normal.push(part),
        }
    }
    normal
}

/// Where the history of `folder` is, as seen from `out`; `None` if they are the same. If one of them stands for a place in a
/// bucket, no path leads from one to the other: an address or an absolute path does.
pub(super) fn history_elsewhere(out: &Path, folder: &Path) -> Option<String> {
    match (address_of(out), address_of(folder)) {
        _ if out == folder => None,
        (_, Some(address)) => Some(address),
        (Some(_), None) => folder.canonicalize().ok()?.to_str().map(str::to_owned),
        (None, None) => path_between(out, folder).filter(|path| !path.is_empty()),
    }
}

/// The path from one existing folder to another; `None` if it is not UTF-8 or one of them does not exist.
fn path_between(from: &Path, to: &Path) -> Option<String> {
    let (from, to) = (from.canonicalize().ok()?, to.canonicalize().ok()?);
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    path.to_str().map(str::to_owned)
}

/// The ranges that pulls have requested, with or without data. If no manifest of this source lists them, a gap
/// between two days with files counts as requested: ignoring it could hide an outage.
pub(super) fn asked_in_vain(
    manifest: Option<&Manifest>,
    source: &Source,
    metas: &[(UtcDay, DayMeta)],
) -> Vec<TimeRange> {
    let listed = manifest.filter(|manifest| manifest.is_of(source)).and_then(Manifest::asked_ranges);
    listed.unwrap_or_else(|| {
        let between =
            |two: &[(UtcDay, DayMeta)]| TimeRange { start_ms: two[0].0.range().end_ms, end_ms: two[1].0.start_ms() };
        metas.windows(2).map(between).collect()
    })
}

/// Reads the manifest that a run is going to replace. A broken one, and one of an earlier version that cannot be read, is
/// noted and ignored; one of a later version is an error, because rewriting it would lose what that version stored.
pub(super) fn manifest_to_replace(out: &Path, reporter: &Reporter) -> Result<Option<Manifest>, CommandError> {
    match Manifest::read(out) {
        Err(FolderError::BrokenManifest { path, reason }) => {
            reporter.note(&format!("{} is broken ({reason}): it will be replaced", path.display()));
            Ok(None)
        }
        Err(FolderError::OldManifest { path, version, reason }) => {
            reporter.note(&format!(
                "{} of etcd-heatmap {version} cannot be read ({reason}): it will be replaced",
                path.display()
            ));
            Ok(None)
        }
        read => Ok(read?),
    }
}

/// The companions that scoring reads from this source: start times of processes, who is a learner, the limits that the
/// profile uses, and what its caps look at.
pub(super) fn companions_read(table: &ScoreTable, source: &Source) -> Vec<Companion> {
    let needed = table.companions();
    let is_read = |c: &Companion| matches!(c, Companion::StartTime | Companion::IsLearner) || needed.contains(c);
    source.companions().into_iter().filter(is_read).collect()
}

/// The companions that scoring reads from this source, and further ones that it has.
pub(super) fn companions_with(
    table: &ScoreTable,
    source: &Source,
    further: impl IntoIterator<Item = Companion>,
) -> Vec<Companion> {
    let mut companions: Vec<Companion> = companions_read(table, source).into_iter().chain(further).collect();
    companions.sort_unstable();
    companions.dedup();
    companions
}

/// The readings and members of one day, with the error if its file cannot be read.
pub(super) struct ReadDay {
    pub(super) window: Window,
    /// The members of the window, with their first and last reading in the whole history.
    pub(super) alive: Vec<(Member, Life)>,
    /// The error if the day's file cannot be read.
    pub(super) broken: Option<HistoryError>,
}

/// Reads and scores days of a history.
#[derive(Clone, Copy)]
pub(super) struct DayReader<'a> {
    history: &'a History,
    companions: &'a [Companion],
    asked: &'a [TimeRange],
    step: Step,
}

impl DayReader<'_> {
    /// Reads a day for the members of `lives` whose time between first and last reading overlaps a requested part of
    /// it. If the day's file cannot be read, all readings are missing.
    pub(super) fn read(&self, lives: &Lives, day: UtcDay) -> ReadDay {
        let grid = Grid::within(day.range(), self.step);
        let mut alive = alive_on(&grid, lives);
        alive.retain(|(_, life)| {
            let lived = TimeRange { start_ms: life.first_ms, end_ms: life.last_ms + 1 };
            self.asked.iter().filter_map(|range| range.intersect(day.range())).any(|r| r.intersect(lived).is_some())
        });
        let members: Vec<Member> = alive.iter().map(|(member, _)| member.clone()).collect();
        let (mut window, broken) = match self.history.read_window(day, grid, members.clone(), self.companions) {
            Ok(window) => (window, None),
            Err(error) => (Window::unknown(grid, members, self.companions), Some(error)),
        };
        window.limit_to(self.asked);
        ReadDay { window, alive, broken }
    }

    /// How many of these days to process at once within the memory limit.
    pub(super) fn days_at_once(&self, days: &[UtcDay], lives: &Lives) -> DaysAtOnce {
        DaysAtOnce::of(days, lives, self.step, METRICS + self.companions.len())
    }

    /// Reads and scores a day.
    pub(super) fn score(&self, table: &ScoreTable, lives: &Lives, day: UtcDay) -> (ScoredWindow, Option<HistoryError>) {
        let ReadDay { window, alive, broken } = self.read(lives, day);
        let scores = score_window(table, &window, &alive);
        (ScoredWindow { window, scores }, broken)
    }
}

/// Range, members and gaps of a history.
pub(super) struct Overview {
    /// From the start of the first day's range to the end of the last day's.
    pub(super) range: TimeRange,
    /// The requested ranges, in order. They may exceed [`Self::range`], for example after a pull that failed in part.
    pub(super) asked: Vec<TimeRange>,
    /// First and last reading of each member.
    pub(super) lives: Lives,
    /// Days that were asked for and have no file.
    pub(super) missing: Vec<UtcDay>,
    /// Days with a partial response: the server reported that it left something out.
    pub(super) partial: Vec<UtcDay>,
    /// In a history of several sources, what each should have of these days, and lacks.
    pub(super) lacking: SourceTimes,
}

impl Overview {
    /// The days to score: those within [`Self::range`] of which a pull requested any part.
    pub(super) fn days(&self) -> Vec<UtcDay> {
        let is_asked = |day: &UtcDay| self.asked.iter().any(|range| range.intersect(day.range()).is_some());
        self.range.days().filter(is_asked).collect()
    }
}

/// Collects what the Parquet footers of the daily files contain, in any order. Keeps only a few bytes per day, so that
/// a long history fits into memory.
#[derive(Default)]
pub(super) struct Gathered {
    days: BTreeMap<UtcDay, GatheredDay>,
    lives: Lives,
    lacking: SourceTimes,
    /// Requested ranges, in addition to those in the days' footers.
    asked: Vec<TimeRange>,
}

#[derive(Clone, Copy)]
struct GatheredDay {
    range: TimeRange,
    is_partial: bool,
}

impl Gathered {
    /// Adds the metadata in the footer of one day's file.
    pub(super) fn add(&mut self, day: UtcDay, meta: &DayMeta) {
        self.days.insert(day, GatheredDay { range: meta.range, is_partial: !meta.partial.is_empty() });
        self.lives.merge(&meta.lives);
        self.lacking.merge(&meta.lacking);
    }

    /// Adds requested ranges, with or without data.
    pub(super) fn ask(&mut self, ranges: impl IntoIterator<Item = TimeRange>) {
        self.asked.extend(ranges);
    }

    /// Range, members and gaps of all days added; `None` if no day was added.
    pub(super) fn overview(self) -> Option<Overview> {
        let ((_, first), (_, last)) = (self.days.first_key_value()?, self.days.last_key_value()?);
        let range = TimeRange { start_ms: first.range.start_ms, end_ms: last.range.end_ms };
        let asked = union_of_ranges(self.asked.into_iter().chain(self.days.values().map(|day| day.range)));
        let asked_days: BTreeSet<UtcDay> = asked.iter().flat_map(|range| range.days()).collect();
        let missing = asked_days.into_iter().filter(|day| !self.days.contains_key(day)).collect();
        let partial = self.days.iter().filter(|(_, day)| day.is_partial).map(|(day, _)| *day).collect();
        Some(Overview { range, asked, lives: self.lives, missing, partial, lacking: self.lacking })
    }

    /// The parts of days that are still to be pulled. If a file has another part of a day, the result spans both parts,
    /// because a file covers one range. A day with a partial response is pulled again unless `partial_will_do`.
    pub(super) fn missing_parts(
        &self,
        parts: Vec<(UtcDay, TimeRange)>,
        partial_will_do: bool,
    ) -> Vec<(UtcDay, TimeRange)> {
        parts
            .into_iter()
            .filter_map(|(day, part)| match self.days.get(&day) {
                Some(have) if have.range.contains(part) && (partial_will_do || !have.is_partial) => None,
                Some(have) => Some((day, have.range.hull(part))),
                None => Some((day, part)),
            })
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.days.len()
    }
}

/// Lists the files of a history with their sizes and hashes. A file that has not changed since its folder's `manifest` was
/// written keeps its listed hash, and is not read.
pub(super) fn list_history(
    history: &History,
    metas: &[(UtcDay, DayMeta)],
    manifest: Option<&Manifest>,
) -> Result<Vec<Written>, CommandError> {
    let (out, listed) = (history.out(), Listed::of(history.out(), manifest));
    let list = |(day, meta): &(UtcDay, DayMeta)| Ok(listed.entry(out, &history.file(*day), meta.rows)?);
    metas.par_iter().map(list).collect()
}

/// The days with a complete file: the manifest lists the file with this hash, or every row is readable (a killed
/// run leaves complete files that no manifest lists).
pub(super) fn whole_days(
    history: &History,
    manifest: Option<&Manifest>,
    metas: &[(UtcDay, DayMeta)],
) -> Result<BTreeMap<UtcDay, Written>, CommandError> {
    let listed = manifest.map(|manifest| manifest.history.as_slice()).unwrap_or_default();
    let check = |(day, meta): &(UtcDay, DayMeta)| {
        let path = history.file(*day);
        let file = Written::read(history.out(), &path, meta.rows)?;
        let is_whole = listed.contains(&file) || read_through(&path).is_ok();
        Ok(is_whole.then_some((*day, file)))
    };
    let checked: Vec<Option<(UtcDay, Written)>> = metas.par_iter().map(check).collect::<Result<_, CommandError>>()?;
    Ok(checked.into_iter().flatten().collect())
}
