//! Finds the annotations beside which findings stand: those that the user names, or those that the folder keeps.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::CommandError;
use super::progress::Reporter;
use crate::analysis::annotations::{Annotations, MOST_BYTES, read};
use crate::analysis::findings::Findings;
use crate::analysis::forecast::result::Forecast;
use crate::config::{Given, How};
use crate::files::{FileError, FileStat};
use crate::folder::{Manifest, ManifestAnnotations, Owned};
use crate::outputs::{ANNOTATIONS_FILE, write_annotations};
use crate::readings::Lives;
use crate::text::count;
use crate::text::nearest::did_you_mean;
use crate::text::terminal::terminal_label;
use crate::time::Zone;

/// Most clusters that a note about unknown ones names.
const MOST_NAMED: usize = 5;

/// The copy in a folder writes times in full: the shortest row doubles.
const MOST_BYTES_KEPT: usize = 4 * MOST_BYTES;

/// The annotations of a run.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) annotations: Annotations,
    /// The file that the user named, now or in an earlier run; `None` if there are no annotations.
    given: Option<ManifestAnnotations>,
}

impl Notes {
    /// Those that the settings name, else those that one of the folders keeps.
    pub(super) fn to_score(
        how: &How,
        folders: [&Path; 2],
        lives: &Lives,
        reporter: &Reporter,
    ) -> Result<Self, CommandError> {
        if let Some(path) = &how.annotations {
            return Self::named(path, how.folding.zone, lives, reporter);
        }
        for folder in folders {
            if let Some(kept) = Self::kept(folder, how.folding.zone)? {
                return Ok(kept);
            }
        }
        Ok(Self::default())
    }

    /// For a folder that was scored: those of the flag, else those that the folder keeps, else those that are configured.
    pub(super) fn to_read(
        typed: &[Given],
        how: &How,
        folder: &Path,
        lives: &Lives,
        reporter: &Reporter,
    ) -> Result<Self, CommandError> {
        let is_typed = typed.iter().any(|given| given.key.name == "score.annotations");
        let kept = if is_typed { None } else { Self::kept(folder, how.folding.zone)? };
        match (kept, &how.annotations) {
            (Some(kept), _) => Ok(kept),
            (None, Some(path)) => Self::named(path, how.folding.zone, lives, reporter),
            (None, None) => Ok(Self::default()),
        }
    }

    /// Those that a folder keeps; `None` if it keeps none.
    pub(super) fn kept(folder: &Path, zone: Zone) -> Result<Option<Self>, CommandError> {
        let Owned::Single(name) = ANNOTATIONS_FILE else { return Ok(None) };
        let path = folder.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let (notes, stat) = Self::from_file(&path, zone, MOST_BYTES_KEPT)?;
        // A copy that somebody changed is a file of its own.
        let manifest = Manifest::read(folder).ok().flatten();
        let is_copy = |manifest: &Manifest| manifest.files.iter().any(|file| file.path == name && file.stat == stat);
        let given = manifest.filter(is_copy).and_then(|manifest| manifest.annotations);
        Ok(Some(Self { given: given.or(notes.given), ..notes }))
    }

    fn named(path: &Path, zone: Zone, lives: &Lives, reporter: &Reporter) -> Result<Self, CommandError> {
        let (notes, _) = Self::from_file(path, zone, MOST_BYTES)?;
        if let Some(note) = unknown(path, &notes.annotations, lives) {
            reporter.note(&note);
        }
        Ok(notes)
    }

    fn from_file(path: &Path, zone: Zone, most_bytes: usize) -> Result<(Self, FileStat), CommandError> {
        let failed = |error| FileError::new("read", path, error);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(most_bytes as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let annotations = Annotations::new(read(path, &bytes, zone, most_bytes)?);
        let stat = FileStat::of(&bytes);
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let given = ManifestAnnotations { file, rows: annotations.iter().len() as u64, sha256: stat.sha256.clone() };
        Ok((Self { annotations, given: Some(given) }, stat))
    }

    /// The findings with what is beside them: the anomalies of a forecast, and these annotations.
    pub(super) fn beside(&self, findings: Findings, forecast: Option<&Forecast>) -> Findings {
        let findings = match forecast {
            Some(forecast) => findings.with_anomalies(&forecast.anomalies),
            None => findings,
        };
        findings.with_annotations(&self.annotations)
    }

    /// Writes them into an output folder, and into its manifest.
    pub(super) fn keep(&self, out: &Path, manifest: Manifest) -> Result<Manifest, FileError> {
        let Some(given) = &self.given else { return Ok(manifest) };
        let copy = write_annotations(out, &self.annotations)?;
        Ok(manifest.with_annotations(given.clone(), copy))
    }
}

/// Fails if the settings name a file of annotations that cannot be read: before a pull, which may take hours.
pub(super) fn check(how: &How) -> Result<(), CommandError> {
    how.annotations.iter().try_for_each(|path| Notes::from_file(path, how.folding.zone, MOST_BYTES).map(drop))
}

/// A note about clusters that the history does not have; one file may serve many histories.
fn unknown(path: &Path, annotations: &Annotations, lives: &Lives) -> Option<String> {
    let mut known: Vec<&str> = lives.iter().map(|(member, _)| &*member.cluster).collect();
    known.dedup();
    let unknown = annotations.unknown_clusters(&known);
    if unknown.is_empty() {
        return None;
    }
    let named = unknown.iter().take(MOST_NAMED).map(|(cluster, line)| {
        let suggestion = did_you_mean(cluster, known.iter().copied());
        terminal_label(&format!("{cluster} in line {line}{suggestion}"))
    });
    let mut named: Vec<String> = named.collect();
    if unknown.len() > MOST_NAMED {
        named.push(format!("and {} more", unknown.len() - MOST_NAMED));
    }
    let (path, clusters) = (terminal_label(&path.display().to_string()), count(unknown.len(), "cluster"));
    Some(format!("{path} has annotations of {clusters} that this history does not have: {}", named.join(", ")))
}
