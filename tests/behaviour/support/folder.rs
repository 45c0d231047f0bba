//! Temporary folders of a test, and the files in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new folder that is removed when dropped, or kept for inspection if the test failed.
pub(crate) struct Folder(PathBuf);

/// The content of the files in a folder, by relative path.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = root().join(format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot create {}: {error}", path.display()));
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a name in this folder, for a command line.
    pub(crate) fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("these folders have plain names").to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.at(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        path
    }

    /// The content of a text file in this folder.
    pub(crate) fn text(&self, name: &str) -> String {
        let path = self.at(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
    }

    /// All files below `name`; empty if it does not exist.
    pub(crate) fn tree(&self, name: &str) -> Tree {
        let top = self.0.join(name);
        let mut tree = Tree::new();
        collect(&top, &top, &mut tree);
        tree
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the files of this test are kept in {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn collect(top: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(top, &path, tree);
        } else {
            let name = path.strip_prefix(top).expect("it lies below").to_string_lossy().into_owned();
            tree.insert(
                name,
                fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())),
            );
        }
    }
}

/// One folder per test run, in cargo's folder for temporary files. Removes those of earlier runs, because failed tests
/// keep their files and a folder in a static is never dropped.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(process) = name.strip_prefix("behaviour-")
                && !Path::new("/proc").join(process).exists()
            {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        parent.join(format!("behaviour-{}", std::process::id()))
    })
}

/// Fails if two folders differ; the message has the names of the differing files, without their content.
#[track_caller]
pub(crate) fn assert_same(expected: &Tree, found: &Tree) {
    assert!(!expected.is_empty(), "there must be something to compare");
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "the same files");
    let differing: Vec<_> = expected.keys().filter(|name| expected[*name] != found[*name]).collect();
    assert!(differing.is_empty(), "these files differ: {differing:?}");
}

/// Fails if there is any file below `name`.
#[track_caller]
pub(crate) fn assert_empty(folder: &Folder, name: &str) {
    let names: Vec<_> = folder.tree(name).into_keys().collect();
    assert!(names.is_empty(), "nothing may be written, but there are {names:?}");
}
