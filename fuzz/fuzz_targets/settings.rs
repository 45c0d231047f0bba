//! Any text as `etcd-heatmap.toml` and as the `config.conf` of the original script.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::text::key_file::{KeyFile, KeyFileError};

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.lines().collect();
    match KeyFile::toml(Path::new("etcd-heatmap.toml"), text) {
        Ok(file) => {
            for entry in &file.entries {
                let line = lines.get(entry.line.wrapping_sub(1));
                let line = line.unwrap_or_else(|| panic!("there is no such line: {entry:?}"));
                // The line contains the name, unless it is written with escapes.
                let holds = entry.key.split('.').next_back().is_some_and(|name| line.contains(name));
                assert!(holds || line.contains('\\'), "{entry:?} is not in {line:?}");
            }
            assert!(file.entries.is_sorted_by_key(|entry| entry.line));
        }
        Err(error) => names_a_line(&error, lines.len()),
    }
    match KeyFile::ini(Path::new("config.conf"), text) {
        Ok(file) => {
            for entry in &file.entries {
                let line = lines.get(entry.line.wrapping_sub(1));
                let line = line.unwrap_or_else(|| panic!("there is no such line: {entry:?}"));
                let holds = entry.key.split('.').next_back().is_some_and(|name| line.contains(name));
                assert!(holds, "{entry:?} is not in {line:?}");
            }
        }
        Err(error) => names_a_line(&error, lines.len()),
    }
});

fn names_a_line(error: &KeyFileError, lines: usize) {
    let said = error.to_string();
    assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
    let KeyFileError::Syntax { line, .. } = error else { panic!("the error names no line: {said}") };
    // The end of the file is on the line after the last one.
    assert!((1..=lines + 1).contains(line), "the error names a line that does not exist: {said}");
}
