//! Every error message with sample values, in one file to read: `src/every_error/snapshot.txt`.
//!
//! The files of this folder build the samples. The tests compare their messages with the snapshot, find variants without
//! a sample (`scan.rs` reads the sources), and check each message against `rules.rs`. After a change of a message, write
//! the snapshot again and read what changed:
//!
//! ```sh
//! UPDATE_SNAPSHOT=1 cargo test --release --lib every_error
//! ```

mod annotations;
mod buckets;
mod commands;
mod config;
mod disk;
mod files;
#[cfg(feature = "lstm")]
mod forecast;
mod import;
mod openmetrics;
mod raw;
mod remote_read;
mod rules;
mod scan;
mod sources;
mod spec;

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::time::{TimeRange, UtcDay};
use rules::{Message, faults};
use scan::declared;

/// Example values of one error type, with their messages for the snapshot.
struct Samples {
    /// The name of the type, without its path.
    type_name: &'static str,
    list: Vec<Sample>,
}

struct Sample {
    /// The name of the variant; for a struct, the name of the type.
    variant: String,
    message: String,
}

fn samples_of<E: Error>(errors: Vec<E>) -> Samples {
    let sample = |error: E| {
        let shown = format!("{error:?}");
        let end = shown.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(shown.len());
        Sample { variant: shown[..end].to_owned(), message: error.to_string() }
    };
    // Without the parameters of a generic type.
    let type_name = std::any::type_name::<E>()
        .split('<')
        .next()
        .and_then(|name| name.rsplit("::").next())
        .expect("a path has a last part");
    Samples { type_name, list: errors.into_iter().map(sample).collect() }
}

fn all_samples() -> Vec<Samples> {
    let rooms = [
        spec::samples(),
        annotations::samples(),
        disk::samples(),
        #[cfg(feature = "lstm")]
        forecast::samples(),
        openmetrics::samples(),
        sources::samples(),
        raw::samples(),
        remote_read::samples(),
        files::samples(),
        buckets::samples(),
        import::samples(),
        config::samples(),
        commands::samples(),
    ];
    rooms.into_iter().flatten().collect()
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

thread_local! {
    /// Texts that [`copied`] did not find in their source file.
    static NOT_FOUND: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A text that a sample copies from `file` of `src/` because the code around it needs a server, a disk or promtool.
/// A test fails if the file no longer contains it.
fn copied(file: &str, text: &'static str) -> &'static str {
    let source = fs::read_to_string(source_folder().join(file)).unwrap_or_default();
    // A backslash at the end of a line continues the literal on the next line.
    let parts: Vec<&str> = source.split("\\\n").collect();
    let joined = parts.iter().enumerate().map(|(i, part)| if i == 0 { *part } else { part.trim_start() });
    if !joined.collect::<String>().contains(text) {
        NOT_FOUND.with_borrow_mut(|texts| texts.push(format!("src/{file}: {text}")));
    }
    text
}

/// Like [`copied`], for a format string. Replaces its placeholders with these values, in order.
fn filled(file: &str, format: &'static str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut text = String::new();
    for (i, part) in copied(file, format).split('{').enumerate() {
        match part.split_once('}').filter(|_| i > 0) {
            Some((_, rest)) => {
                text.push_str(values.next().expect("as many values as placeholders"));
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}

fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}

fn url() -> String {
    "http://prometheus:9090".to_owned()
}

/// An operating-system error with the text of Linux, so that samples are the same on every system.
fn io_error(kind: io::ErrorKind) -> io::Error {
    io::Error::new(
        kind,
        match kind {
            io::ErrorKind::NotFound => "No such file or directory (os error 2)",
            io::ErrorKind::PermissionDenied => "Permission denied (os error 13)",
            io::ErrorKind::NotADirectory => "Not a directory (os error 20)",
            io::ErrorKind::StorageFull => "No space left on device (os error 28)",
            io::ErrorKind::ReadOnlyFilesystem => "Read-only file system (os error 30)",
            _ => "Input/output error (os error 5)",
        },
    )
}

/// 2026-10-01T00:00:00Z, in milliseconds since 1970.
const START_MS: i64 = 1_790_812_800_000;

fn day() -> UtcDay {
    UtcDay::of(START_MS)
}

/// The 90 days that begin at [`START_MS`].
fn quarter() -> TimeRange {
    TimeRange { start_ms: START_MS, end_ms: START_MS + 90 * crate::time::DAY_MS }
}

fn snapshot_text(all: &[Samples]) -> String {
    let mut text =
        "Every error message with sample values; src/every_error.rs writes and checks this file.\n".to_owned();
    let declared = declared(&source_folder());
    for Samples { type_name, list } in all {
        let _ = writeln!(text, "\n## {type_name}\n");
        let variants = declared.iter().filter(|error| error.name == *type_name).flat_map(|error| &error.variants);
        for variant in variants {
            if let Some(inner) = &variant.shown_as {
                let _ = writeln!(text, "{}: as {inner}", variant.name);
            }
            for sample in list.iter().filter(|sample| sample.variant == variant.name) {
                let _ = writeln!(text, "{}: {}", sample.variant, sample.message);
            }
        }
    }
    text
}

#[test]
fn the_snapshot_has_every_error_message() {
    let path = source_folder().join("every_error/snapshot.txt");
    let new = snapshot_text(&all_samples());
    if std::env::var_os("UPDATE_SNAPSHOT").is_some_and(|value| value == "1") {
        fs::write(&path, &new).expect("the snapshot is writable");
        eprintln!("wrote {}", path.display());
        return;
    }
    let old = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    if old != new {
        let lines = |text: &str, other: &str, mark: &str| -> String {
            let gone = |line: &&str| !other.lines().any(|other| other == *line);
            text.lines().filter(gone).map(|line| format!("{mark} {line}\n")).collect()
        };
        panic!(
            "{} differs:\n{}{}read the new lines, then run this test with UPDATE_SNAPSHOT=1",
            path.display(),
            lines(&old, &new, "-"),
            lines(&new, &old, "+")
        );
    }
}

#[test]
fn every_error_variant_has_a_sample() {
    let (all, declared) = (all_samples(), declared(&source_folder()));
    let lists = |name: &str| all.iter().filter(|samples| samples.type_name == name).count();
    for Samples { type_name, .. } in &all {
        let types = declared.iter().filter(|error| error.name == *type_name).count();
        assert_eq!((types, lists(type_name)), (1, 1), "{type_name}: declared, and listed in the samples");
    }
    let has_sample = |error: &str, variant: &str| {
        all.iter().filter(|of| of.type_name == error).flat_map(|of| &of.list).any(|sample| sample.variant == variant)
    };
    let mut missing = Vec::new();
    for error in &declared {
        let own = error.variants.iter().filter(|variant| variant.shown_as.is_none());
        let without = own.filter(|variant| !has_sample(&error.name, &variant.name));
        missing.extend(without.map(|variant| format!("{}::{} ({})", error.name, variant.name, error.file.display())));
    }
    assert!(missing.is_empty(), "add a sample to src/every_error/ for:\n{}", missing.join("\n"));
}

#[test]
fn texts_that_samples_copy_are_in_the_sources() {
    all_samples();
    let not_found = NOT_FOUND.with_borrow(|texts| texts.join("\n"));
    assert!(not_found.is_empty(), "the sources have other texts now, copy them to src/every_error/:\n{not_found}");
}

#[test]
fn every_error_message_follows_the_rules() {
    let all = all_samples();
    let messages: Vec<Message<'_>> = all
        .iter()
        .flat_map(|Samples { type_name, list }| list.iter().map(move |sample| (*type_name, sample)))
        .map(|(type_name, Sample { variant, message })| Message { type_name, variant, text: message })
        .collect();
    let faults = faults(&messages);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
