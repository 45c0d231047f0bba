//! Any text as the file of `--http.config.file`, and as the value of `--header`.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::sources::prometheus::{AccessError, PlainHeaders, parse_http_config};

fuzz_target!(|text: &str| {
    match parse_http_config(Path::new("http.yml"), text) {
        Ok(config) => {
            // Nothing of it is shown by `Debug`, and it need not be long to do so.
            let _ = format!("{config:?}");
        }
        Err(error) => {
            let said = error.to_string();
            assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
            let AccessError::Line { line, .. } = error else { panic!("no line: {said}") };
            // To YAML a carriage return alone ends a line; and the end of a file lies on the line after the last.
            let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
            assert!((1..=lines + 1).contains(&line), "there is no such line: {said}");
        }
    }
    if let Err(said) = PlainHeaders::parse(text) {
        assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
    }
});
