//! Archives that are damaged or made to do harm.

#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ::tar::{Builder, EntryType, Header};

use super::tests::tar;
use super::*;
use crate::scratch::Scratch;
use crate::sources::tsdb::block::random::Random;

const BLOCK: &str = "01HG7Y4Z3Q8W9X0V1T2S3R4Q5P";

/// A header whose path is not checked by the library.
fn header(path: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

/// An archive with these entries in front of an intact block.
fn archive(scratch: &Scratch, entries: &[(&str, EntryType, &[u8], &str)]) -> PathBuf {
    let mut builder = Builder::new(Vec::new());
    let meta = format!("data/{BLOCK}/meta.json");
    for (path, kind, content, link) in
        entries.iter().copied().chain([(meta.as_str(), EntryType::Regular, &b"{}"[..], "")])
    {
        let mut header = header(path, kind, content.len() as u64);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    scratch.write("hostile.tar", &builder.into_inner().unwrap())
}

fn data(path: &Path) -> Result<ArchivedData, String> {
    match recognize(path) {
        Ok(Recognized { found: Found::ArchivedData(data), .. }) => Ok(data),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn paths_that_lead_out_write_nothing_outside() {
    let scratch = Scratch::new();
    let index = format!("data/{BLOCK}/../../../evil/{BLOCK}/index");
    let path = archive(
        &scratch,
        &[
            (&index, EntryType::Regular, b"evil", ""),
            ("../../evil", EntryType::Regular, b"evil", ""),
            ("/tmp/evil-of-etcd-heatmap", EntryType::Regular, b"evil", ""),
            ("data", EntryType::Symlink, b"", "/tmp"),
            (&format!("data/{BLOCK}"), EntryType::Symlink, b"", ".."),
            (&format!("/data/{BLOCK}/index"), EntryType::Regular, b"index", ""),
        ],
    );
    let found = recognize(&path).unwrap();
    assert!(
        found.notes.iter().filter(|note| note.contains("leads out of the archive")).count() == 2,
        "{:?}",
        found.notes
    );
    let parent = scratch.path().join("a/b/c");
    fs::create_dir_all(&parent).unwrap();
    let unpacked = data(&path).unwrap().unpack(Some(&parent)).unwrap();
    assert_eq!(fs::read(unpacked.path().join(BLOCK).join("index")).unwrap(), b"index");
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    assert!(!scratch.path().join("evil").exists() && !Path::new("/tmp/evil-of-etcd-heatmap").exists());
}

#[test]
fn links_devices_and_repeated_files_of_a_data_directory_are_refused() {
    let scratch = Scratch::new();
    let index = format!("data/{BLOCK}/index");
    for (kind, link, expected) in [
        (EntryType::Symlink, "/etc/passwd", "is a link to \"/etc/passwd\": pack again with tar --hard-dereference"),
        (EntryType::Link, "data/other", "is a link to \"data/other\""),
        (EntryType::Block, "", "is a device or pipe"),
        (EntryType::Fifo, "", "is a device or pipe"),
    ] {
        let text = data(&archive(&scratch, &[(&index, kind, b"", link)])).unwrap_err();
        assert!(text.contains("hostile.tar") && text.contains(BLOCK) && text.contains(expected), "{text}");
    }
    let twice = format!("./data//{BLOCK}/index");
    let entries = [(index.as_str(), EntryType::Regular, &b"a"[..], ""), (&twice, EntryType::Regular, b"b", "")];
    assert!(data(&archive(&scratch, &entries)).unwrap_err().contains("is there twice"));
}

#[test]
fn sparse_files_are_refused_in_all_formats() {
    let scratch = Scratch::new();
    let path = scratch.write(&format!("data/{BLOCK}/meta.json"), b"{}");
    let hole = fs::File::create(path.with_file_name("index")).unwrap();
    hole.set_len(1 << 20).unwrap();
    for format in ["--format=gnu", "--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0"] {
        tar(scratch.path(), &["-cf", "sparse.tar", "--sparse", format, "data"]);
        let result = data(&scratch.path().join("sparse.tar"));
        assert!(result.unwrap_err().contains("is a sparse file: pack again without tar --sparse"), "{format}");
    }
}

#[test]
fn sizes_that_the_disk_or_the_archive_does_not_have_are_refused() {
    let scratch = Scratch::new();
    let huge = header(&format!("data/{BLOCK}/index"), EntryType::Regular, 1 << 60);
    let path = scratch.write("huge.tar", huge.as_bytes());
    let text = data(&path).unwrap_err();
    assert!(text.contains("huge.tar was cut: it ends after 512 bytes"), "{text}");
    let files = [(format!("{BLOCK}/index"), 1 << 60)].into_iter().collect();
    let text = ArchivedData::new(path, "data".to_owned(), files, Vec::new())
        .unpack(Some(scratch.path()))
        .unwrap_err()
        .to_string();
    assert!(cfg!(not(unix)) || text.contains("needs 1,152,921,504,606,846,976 bytes in"), "{text}");
}

#[test]
fn a_long_name_that_unpacks_to_gigabytes_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.path().join("bomb.tar.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
    encoder.write_all(header("././@LongLink", EntryType::GNULongName, 4 << 30).as_bytes()).unwrap();
    let zeroes = vec![b'a'; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&zeroes).unwrap();
    }
    encoder.finish().unwrap();
    let text = data(&path).unwrap_err();
    assert!(text.contains("bomb.tar.gz is damaged after") && text.contains("headers of more than 4 MiB"), "{text}");
}

/// A small data directory, packed by the real tar.
fn intact(scratch: &Scratch) -> [PathBuf; 2] {
    for (name, size) in [("meta.json", 300), ("index", 3000), ("chunks/000001", 5000), ("tombstones", 9)] {
        let mut random = Random(size);
        let bytes: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
        scratch.write(&format!("data/{BLOCK}/{name}"), &bytes);
    }
    scratch.write("data/wal/00000000", &[7; 700]);
    tar(scratch.path(), &["-cf", "a.tar", "data"]);
    tar(scratch.path(), &["-czf", "a.tar.gz", "data"]);
    ["a.tar", "a.tar.gz"].map(|name| scratch.path().join(name))
}

/// All files of an archive, one after the other.
fn unpacked(path: &Path, parent: &Path) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let Found::ArchivedData(data) = recognize(path)?.found else { return Ok(Vec::new()) };
    let result = data.unpack(Some(parent))?;
    let mut bytes = Vec::new();
    for name in
        [&format!("{BLOCK}/meta.json"), &format!("{BLOCK}/index"), &format!("{BLOCK}/chunks/000001"), "wal/00000000"]
    {
        bytes.extend(fs::read(result.path().join(name)).ok());
    }
    Ok(bytes)
}

#[test]
fn cut_archives_are_errors_that_name_the_archive() {
    let scratch = Scratch::new();
    let parent = scratch.path().join("temporary");
    fs::create_dir_all(&parent).unwrap();
    for path in intact(&scratch) {
        let bytes = fs::read(&path).unwrap();
        assert_eq!(unpacked(&path, &parent).unwrap().len(), 4);
        let mut random = Random(90);
        // A plain archive has an end of two blocks, and padding.
        let end = if path.ends_with("a.tar") { 512 * (bytes.len() / 512 - 20) } else { bytes.len() };
        let mut ends: Vec<u64> = (0..150).map(|_| random.below(end as u64)).collect();
        ends.extend((0..end as u64).step_by(512));
        for end in ends {
            let short = scratch.path().join("short");
            fs::write(&short, &bytes[..end as usize]).unwrap();
            // What is shorter than a header may be a dump, which is then an error of its own.
            match unpacked(&short, &parent) {
                Err(error) => assert!(
                    error.to_string().contains("short") && error.to_string().contains("was cut: it ends after"),
                    "{error}"
                ),
                Ok(files) => assert!(files.is_empty() && end < 600, "{end}"),
            }
            assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        }
    }
}

#[test]
fn an_archive_in_an_archive_or_folder_that_was_cut_is_an_error() {
    let scratch = Scratch::new();
    let [_, inner] = intact(&scratch);
    let bytes = fs::read(inner).unwrap();
    for end in [20, bytes.len() / 2, bytes.len() - 3] {
        scratch.write("bundle/prom_data.tar.gz", &bytes[..end]);
        tar(scratch.path(), &["-cf", "outer.tar", "bundle"]);
        for name in ["outer.tar", "bundle"] {
            let result = unpacked(&scratch.path().join(name), scratch.path());
            let text = result.map(|files| files.len()).unwrap_err().to_string();
            assert!(text.contains("prom_data.tar.gz") && text.contains("was cut") || end == 20, "{text}");
        }
    }
    // Dumps after it are read, and the rest is named.
    scratch.write("bundle/z.om", b"b 1 1700000000.000\n# EOF\n");
    scratch.write("bundle/prom_data.tar.gz", &bytes[..20]);
    tar(scratch.path(), &["-cf", "outer.tar", "bundle"]);
    let Recognized { found: Found::Dumps(dumps), notes } = recognize(&scratch.path().join("outer.tar")).unwrap() else {
        panic!("no dumps")
    };
    assert!(dumps.files().len() == 1 && notes[0].contains("Not read: ") && notes[0].contains("prom_data"), "{notes:?}");
    dumps.for_each(|_, _| Ok::<(), ArchiveError>(())).unwrap();
}

#[test]
fn flips_in_archives_never_change_what_a_compressed_one_gives() {
    let scratch = Scratch::new();
    let parent = scratch.path().join("temporary");
    fs::create_dir_all(&parent).unwrap();
    let mut random = Random(91);
    for path in intact(&scratch) {
        let (intact, files) = (fs::read(&path).unwrap(), unpacked(&path, &parent).unwrap());
        let is_plain = path.ends_with("a.tar");
        let mut errors = 0;
        for _ in 0..400 {
            let mut bytes = intact.clone();
            let at = random.below(bytes.len().min(16_000) as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
            let flipped = scratch.path().join("flipped");
            fs::write(&flipped, &bytes).unwrap();
            match unpacked(&flipped, &parent) {
                Err(error) => {
                    assert!(error.to_string().contains("flipped"), "{error}");
                    errors += 1;
                }
                // A plain archive has checksums only for its headers; blocks have their own for the content.
                Ok(read) => assert!(is_plain || read == files || read.is_empty(), "byte {at}"),
            }
            assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        }
        assert!(errors > 50, "{errors}");
    }
}
