//! The head of a data directory together with its blocks, while a server may write both.

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use super::home::{all, selected};
use super::{DirectoryError, Which};
use crate::sources::raw::classic_names;
use crate::sources::tsdb::block::BlockFolder;
use crate::sources::tsdb::head::Head;

/// How often the head is read at most, while a running server turns a block into one of late samples.
const ATTEMPTS: usize = 5;

/// A block without a hint that is younger than this may get one. Prometheus 2.39 to at least 2.42 writes a block of samples
/// out of order first, and then its hint `from-out-of-order`.
const SETTLED: Duration = Duration::from_secs(1);

/// How often blocks are listed until the newest has settled.
const LOOKS: u32 = 10;

/// A head, the blocks that say where it begins, and those to read that are there after it was read.
pub(crate) struct Living {
    pub(crate) head: Head,
    /// All blocks, because the head begins after the last one, whether or not that is to be read.
    pub(super) before: Vec<BlockFolder>,
    pub(super) after: Vec<BlockFolder>,
}

impl Living {
    pub(crate) fn read(dir: &Path, names: &[String], which: &Which) -> Result<Self, DirectoryError> {
        let mut attempt = 1;
        loop {
            let before = settled(dir)?;
            let in_order = before.iter().filter(|folder| folder.meta.is_of_the_head());
            let blocks_end_ms = in_order.map(|folder| folder.meta.max_time).max();
            let head = Head::read(dir, &classic_names(names), i64::MIN, blocks_end_ms)?;
            // A running server may have moved samples of the head to a new block before they were read.
            let after = if head.bytes_read() == 0 { before.clone() } else { all(dir)? };
            if attempt == ATTEMPTS || !got_hint(&before, &after) {
                return Ok(Self { head, before, after: selected(dir, after, which)? });
            }
            attempt += 1;
        }
    }
}

/// Lists the blocks, and waits until the newest has its hint if samples may come late.
fn settled(dir: &Path) -> Result<Vec<BlockFolder>, DirectoryError> {
    let mut folders = all(dir)?;
    for _ in 0..LOOKS {
        if !has_late_log(dir) || !folders.iter().any(is_new) {
            break;
        }
        thread::sleep(SETTLED / LOOKS);
        folders = all(dir)?;
    }
    Ok(folders)
}

/// Whether there is a log of samples out of order.
pub(super) fn has_late_log(dir: &Path) -> bool {
    dir.join("wbl").read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

fn is_new(folder: &BlockFolder) -> bool {
    let modified = folder.dir.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    folder.meta.is_of_the_head() && age.is_some_and(|age| age < SETTLED)
}

/// Whether a block that was taken for one of samples in order turned out to be one of late samples.
fn got_hint(before: &[BlockFolder], after: &[BlockFolder]) -> bool {
    let seemed_in_order =
        |block: &BlockFolder| before.iter().any(|old| old.meta.ulid == block.meta.ulid && old.meta.is_of_the_head());
    after.iter().any(|block| !block.meta.is_of_the_head() && seemed_in_order(block))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::fs::FileTimes;

    use super::*;
    use crate::scratch::Scratch;
    use crate::sources::raw::{Matcher, Selector};
    use crate::sources::tsdb::head::encode;

    const BLOCK: &str = "01M8KTPEYFSWX588SHP6MTNRH1";

    fn write(scratch: &Scratch, hints: &str) {
        let text = format!(
            r#"{{"ulid":"{BLOCK}","minTime":0,"maxTime":7200000,"compaction":{{"level":1,"hints":[{hints}]}},"version":1}}"#
        );
        scratch.write(&format!("{BLOCK}/meta.json.tmp"), text.as_bytes());
        let dir = scratch.path().join(BLOCK);
        std::fs::rename(dir.join("meta.json.tmp"), dir.join("meta.json")).unwrap();
    }

    #[test]
    fn a_new_block_is_looked_at_until_it_has_its_hint() {
        let scratch = Scratch::new();
        scratch.write("wbl/00000000", b"");
        write(&scratch, "");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(250));
                write(&scratch, r#""from-out-of-order""#);
            });
            let folders = settled(scratch.path()).unwrap();
            assert!(!folders[0].meta.is_of_the_head());
        });
    }

    #[test]
    fn the_head_begins_after_a_block_that_is_not_to_be_read() {
        let scratch = Scratch::new();
        let labels: &[(&str, &str)] = &[("__name__", "up"), ("job", "etcd")];
        let records = [
            encode::series(&[(1, labels)]),
            encode::samples(&[(1, 7_100_000, 1.0), (1, 7_200_000, 2.0), (1, 7_300_000, 3.0)]),
        ];
        scratch.write("wal/00000000", &encode::segment(&records, 8));
        let meta = format!(
            r#"{{"ulid":"{BLOCK}","minTime":0,"maxTime":7200000,"compaction":{{"level":1}},"thanos":{{"labels":{{"region":"west"}}}},"version":1}}"#
        );
        scratch.write(&format!("{BLOCK}/meta.json"), meta.as_bytes());
        let east = Selector { name: "up".to_owned(), matchers: vec![Matcher::equal("region", "east")] };
        let which = Which { replica: None, selectors: vec![east] };
        let living = Living::read(scratch.path(), &["up".to_owned()], &which).unwrap();
        assert_eq!(living.head.series()[0].samples.times_ms, [7_200_000, 7_300_000]);
        assert!(living.after.is_empty() && living.before.len() == 1);
    }

    #[test]
    fn an_old_block_is_not_waited_for() {
        let scratch = Scratch::new();
        scratch.write("wbl/00000000", b"");
        write(&scratch, "");
        let dir = std::fs::File::open(scratch.path().join(BLOCK)).unwrap();
        dir.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        let before = all(scratch.path()).unwrap();
        assert!(before[0].meta.is_of_the_head() && !is_new(&before[0]));
        write(&scratch, r#""from-out-of-order""#);
        let after = all(scratch.path()).unwrap();
        assert!(got_hint(&before, &after) && !got_hint(&before, &before) && !got_hint(&after, &after));
    }
}
