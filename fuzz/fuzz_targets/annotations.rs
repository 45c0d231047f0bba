//! Any bytes as the CSV file of `--annotations`.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::analysis::annotations::{Annotation, AnnotationsError, MOST_BYTES, read};
use under_test::time::{Zone, format_instant};

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    for zone in ["UTC", "Europe/Berlin"] {
        match read_in(zone, bytes) {
            Ok(annotations) => {
                annotations.iter().for_each(|one| is_sound(one, lines));
                assert!(annotations.windows(2).all(|two| two[0].line < two[1].line), "lines ascend");
                comes_back(&annotations);
                if let Some(texts) = slowly_read(bytes) {
                    assert_eq!(annotations.iter().map(|one| one.text.clone()).collect::<Vec<_>>(), texts);
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(!said.chars().any(char::is_control), "an error is one line: {said:?}");
                assert!((1..=lines).contains(&error.line), "line {} of {lines}: {said}", error.line);
            }
        }
    }
});

fn read_in(zone: &str, bytes: &[u8]) -> Result<Vec<Annotation>, AnnotationsError> {
    read(Path::new("deploys.csv"), bytes, zone.parse::<Zone>().expect("a zone"), MOST_BYTES)
}

fn is_sound(one: &Annotation, lines: usize) {
    assert!((2..=lines).contains(&one.line), "there is no such line: {one:?}");
    assert!(one.end_ms.is_none_or(|end_ms| end_ms > one.at_ms), "{one:?}");
    assert!(one.cluster.as_deref() != Some(""), "{one:?}");
    assert!((1..=500).contains(&one.text.chars().count()) && !one.text.contains(['\n', '\r', '\t']), "{one:?}");
    assert!(one.reach().start_ms < one.at_ms && one.reach().end_ms > one.end_ms.unwrap_or(one.at_ms));
}

/// The texts of a file without quotation marks, by splitting it; `None` for any other file.
fn slowly_read(bytes: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains(['"', '\r', '\'']))?;
    let mut rows = text.trim_start_matches('\u{feff}').split('\n').map(|line| line.split(',').map(str::trim));
    let mut rows = rows.by_ref().filter(|row| row.clone().any(|field| !field.is_empty()));
    let place = rows.next()?.position(|name| name == "text")?;
    Some(
        rows.map(|mut row| row.nth(place).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect(),
    )
}

fn comes_back(annotations: &[Annotation]) {
    let mut text = "\u{feff}kind,text,end,cluster,time\r\n".to_owned();
    for one in annotations {
        let fields = [
            one.kind.name().to_owned(),
            guarded(&one.text),
            one.end_ms.map(format_instant).unwrap_or_default(),
            guarded(one.cluster.as_deref().unwrap_or_default()),
            format_instant(one.at_ms),
        ];
        let quoted = fields.map(|field| format!("\"{}\"", field.replace('"', "\"\"")));
        text += &format!("{}\r\n", quoted.join(","));
    }
    let again = read_in("Asia/Tokyo", text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let without_lines =
        |all: &[Annotation]| all.iter().map(|one| Annotation { line: 0, ..one.clone() }).collect::<Vec<_>>();
    assert_eq!(without_lines(&again), without_lines(annotations), "{text:?}");
}

/// With the apostrophe of a field that a spreadsheet would run as a formula.
fn guarded(field: &str) -> String {
    let is_formula = field
        .trim_start_matches([' ', '\u{feff}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula || field.starts_with('\'') { format!("'{field}") } else { field.to_owned() }
}
