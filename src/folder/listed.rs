//! The history that a manifest lists, so that a file need not be read to know the hash that it had and still has.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{MANIFEST, Manifest, Written};
use crate::files::FileError;

/// A file counts as unchanged if it was last changed this long before the manifest was written: clocks of file systems
/// tick in milliseconds to seconds.
const SLACK: Duration = Duration::from_secs(2);

/// The files of a history with their hashes, and when the manifest that lists them was written.
pub(crate) struct Listed<'a> {
    files: HashMap<&'a str, &'a Written>,
    written: Option<SystemTime>,
    slack: Duration,
}

impl<'a> Listed<'a> {
    /// What the manifest of `folder` lists; nothing without a manifest, or if its history is in another folder. Call it
    /// before the manifest is replaced.
    pub(crate) fn of(folder: &Path, manifest: Option<&'a Manifest>) -> Self {
        let own = manifest.filter(|manifest| manifest.history_folder.is_none());
        let files = own.map_or(&[][..], |manifest| &manifest.history);
        let written = fs::metadata(folder.join(MANIFEST)).and_then(|file| file.modified()).ok();
        // A time in the future says nothing about what was changed before it.
        let written = written.filter(|written| *written <= SystemTime::now());
        Self { files: files.iter().map(|file| (file.path.as_str(), file)).collect(), written, slack: SLACK }
    }

    /// The manifest entry of an existing file: the listed one if the file has not changed since, or else one with the hash
    /// of its content.
    pub(crate) fn entry(&self, out: &Path, path: &Path, rows: u64) -> Result<Written, FileError> {
        let listed = self.files.get(Written::relative(out, path).as_str());
        match listed.filter(|listed| listed.rows == rows && self.is_unchanged(path, listed.stat.bytes)) {
            Some(listed) => Ok((*listed).clone()),
            None => Written::read(out, path, rows),
        }
    }

    fn is_unchanged(&self, path: &Path, bytes: u64) -> bool {
        let Ok(file) = fs::metadata(path) else { return false };
        let before = changed(&file).and_then(|changed| changed.checked_add(self.slack));
        file.len() == bytes && before.zip(self.written).is_some_and(|(before, written)| before < written)
    }
}

/// When the content, name or owner of a file last changed. Unlike the time of modification, no program can set it.
#[cfg(unix)]
fn changed(file: &fs::Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let whole = Duration::from_secs(u64::try_from(file.ctime()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(whole + Duration::from_nanos(u64::try_from(file.ctime_nsec()).ok()?))
}

/// Not known here: every file is read.
#[cfg(not(unix))]
fn changed(_file: &fs::Metadata) -> Option<SystemTime> {
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::thread::sleep;

    use super::*;
    use crate::files::FileStat;
    use crate::scratch::Scratch;

    const TICK: Duration = Duration::from_millis(30);

    /// An entry with a hash that no content has, so that it shows whether the file was read.
    fn entry(bytes: u64) -> Written {
        Written { path: "day".into(), rows: 3, stat: FileStat { bytes, sha256: "listed".into() } }
    }

    fn hash(listed: &Written, folder: &Path, rows: u64) -> String {
        let written = fs::metadata(folder.join(MANIFEST)).unwrap().modified().unwrap();
        let files = HashMap::from([("day", listed)]);
        let listed = Listed { files, written: Some(written), slack: Duration::from_millis(1) };
        listed.entry(folder, &folder.join("day"), rows).unwrap().stat.sha256
    }

    /// The hashes are those of `printf abc | sha256sum` and `printf xyz | sha256sum`.
    #[test]
    fn a_file_is_read_again_unless_it_is_older_than_the_manifest_and_has_the_listed_size() {
        const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        const XYZ: &str = "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282";
        let folder = Scratch::new();
        let (day, manifest) = (folder.path().join("day"), folder.path().join(MANIFEST));
        fs::write(&manifest, "{}").unwrap();
        sleep(TICK);
        fs::write(&day, "abc").unwrap();
        assert_eq!(hash(&entry(3), folder.path(), 3), ABC, "changed after the manifest was written");
        sleep(TICK);
        fs::write(&manifest, "{}").unwrap();
        assert_eq!(hash(&entry(3), folder.path(), 3), "listed");
        assert_eq!(hash(&entry(4), folder.path(), 3), ABC, "another size");
        assert_eq!(hash(&entry(3), folder.path(), 2), ABC, "other rows");
        let other = Written { path: "other".into(), ..entry(3) };
        let files = HashMap::from([("other", &other)]);
        let unlisted = Listed { files, written: Some(SystemTime::now()), slack: Duration::ZERO };
        assert_eq!(unlisted.entry(folder.path(), &day, 3).unwrap().stat.sha256, ABC);
        sleep(TICK);
        // A new content of the same size with an old time of modification, as a restored backup has.
        fs::write(&day, "xyz").unwrap();
        fs::File::options().write(true).open(&day).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(hash(&entry(3), folder.path(), 3), XYZ);
    }

    #[test]
    fn files_are_not_trusted_to_be_older_than_a_manifest_from_the_future_or_within_the_slack() {
        let folder = Scratch::new();
        let (day, manifest) = (folder.path().join("day"), folder.path().join(MANIFEST));
        fs::write(&day, "abc").unwrap();
        fs::write(&manifest, "{}").unwrap();
        assert!(!Listed::of(folder.path(), None).is_unchanged(&day, 3), "within the slack");
        let file = fs::File::options().write(true).open(&manifest).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        assert!(Listed::of(folder.path(), None).written.is_none());
    }
}
