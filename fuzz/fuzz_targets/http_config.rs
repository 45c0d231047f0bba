//! Any text as a `--http.config.file`, and as a `--header`.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::sources::prometheus::{AccessError, PlainHeaders, parse_http_config};

fuzz_target!(|text: &str| {
    match parse_http_config(Path::new("http.yml"), text) {
        Ok(config) => {
            // `Debug` must not panic on any valid file.
            let _ = format!("{config:?}");
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
            let AccessError::Line { line, .. } = error else { panic!("the error names no line: {said}") };
            // In YAML a lone carriage return ends a line. The end of the file is on the line after the last one.
            let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
            assert!((1..=lines + 1).contains(&line), "the error names a line that does not exist: {said}");
        }
    }
    if let Err(said) = PlainHeaders::parse(text) {
        assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
    }
});
