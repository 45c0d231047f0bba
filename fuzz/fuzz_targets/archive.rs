//! Any bytes as a tar archive. The first one chooses whether its headers get right checksums.

#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::sources::archive::{ArchiveError, ArchivedData, Dumps, Found, recognize};
use under_test::{scratch, seal};

fuzz_target!(|bytes: &[u8]| {
    let [choice, rest @ ..] = bytes else { return };
    let mut content = rest.to_vec();
    if choice & 1 == 1 {
        seal::tar(&mut content);
    }
    let scratch = scratch::folder();
    let (file, parent) = (scratch.path().join("a.tar"), scratch.path().join("parent"));
    fs::write(&file, &content).expect("the folder is writable");
    fs::create_dir(&parent).expect("the folder is writable");
    match recognize(&file) {
        Err(error) => names_the_archive(&error, &file),
        Ok(recognized) => match recognized.found {
            Found::ArchivedData(data) => unpacks(&data, &file, &parent),
            Found::Dumps(dumps) => has_dumps(&dumps, &file),
            Found::DataDirectory(path) => panic!("a file is not a data directory: {}", path.display()),
        },
    }
    assert_eq!(names(&parent), [""; 0], "an unpacked archive is removed");
    assert_eq!(names(scratch.path()), ["a.tar", "parent"]);
    assert_eq!(fs::read(&file).expect("the archive is there"), content, "an archive is not changed");
});

/// The files of a data directory are in a folder of their own, and no more than announced.
fn unpacks(data: &ArchivedData, file: &Path, parent: &Path) {
    let unpacked = match data.unpack(Some(parent)) {
        Ok(unpacked) => unpacked,
        Err(error) => return names_the_archive(&error, file),
    };
    assert_eq!(unpacked.path().parent().and_then(Path::parent), Some(parent));
    assert_eq!(names(parent).len(), 1, "{:?}", names(parent));
    let (mut files, mut bytes, mut folders) = (0, 0, vec![unpacked.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("an entry");
            assert!(metadata.is_dir() || metadata.is_file(), "{:?} is neither", entry.path());
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                bytes += metadata.len();
            }
        }
    }
    assert_eq!((files, bytes), (data.files(), data.bytes()));
}

/// Each dump is read once, and has no more bytes than announced.
fn has_dumps(dumps: &Dumps, file: &Path) {
    let mut read = Vec::new();
    let result = dumps.for_each(|dump, content| {
        let mut bytes = Vec::new();
        let result = content.read_to_end(&mut bytes);
        assert!(bytes.len() as u64 <= dump.bytes, "{dump} has {} of {} bytes", bytes.len(), dump.bytes);
        assert!(result.is_err() || bytes.len() as u64 == dump.bytes, "{dump} has {} bytes", bytes.len());
        read.push(dump.clone());
        Ok::<(), ArchiveError>(())
    });
    match result {
        Ok(()) => {
            let mut read = read;
            read.sort();
            assert_eq!(read, dumps.files());
        }
        Err(error) => names_the_archive(&error, file),
    }
}

fn names_the_archive(error: &ArchiveError, file: &Path) {
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()), "an error names the archive: {text}");
}

/// Sorted names in a folder.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
