//! Any bytes as OpenMetrics text. Faults must name an existing position. Clean text must keep its meaning when it is
//! written again, and must not be clean when a line is missing or duplicate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use under_test::openmetrics::{Event, Faults, Reader, Summary, lint, unescape};

fuzz_target!(|bytes: &[u8]| {
    match read(bytes) {
        Err(faults) => name_places(&faults, bytes),
        Ok(summary) => {
            let (text, samples) = written_anew(bytes);
            assert_eq!(samples, summary.samples);
            assert_eq!(read(text.as_bytes()), Ok(summary), "{text}");
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let place = bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>() % lines.len();
            let doubled = [&lines[..=place], &lines[place..]].concat().concat();
            assert!(read(doubled.as_bytes()).is_err(), "line {place} twice:\n{doubled}");
            let endless = lines[..lines.len() - 1].concat();
            assert!(read(endless.as_bytes()).is_err(), "without an end:\n{endless}");
        }
    }
});

fn read(bytes: &[u8]) -> Result<Summary, Faults> {
    lint(bytes, None).expect("memory can be read")
}

fn name_places(faults: &Faults, bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    assert!(faults.count() >= faults.told().len() as u64 && !faults.told().is_empty());
    assert!(faults.told().is_sorted_by_key(|fault| fault.line));
    for fault in faults.told() {
        let said = fault.to_string();
        assert!(!said.chars().any(char::is_control), "a fault must be one line: {said:?}");
        // The end of the file is on the line after the last one.
        let line = lines.get(fault.line as usize - 1).copied().unwrap_or_default();
        assert!((1..=lines.len() as u64 + 1).contains(&fault.line), "the fault names a missing line: {said}");
        let characters = String::from_utf8_lossy(line).chars().count() as u64;
        assert!((1..=characters + 1).contains(&fault.column), "the fault names a missing column: {said}");
    }
}

/// Writes the same metrics again, with their labels in reverse order and newly escaped, without exemplars.
fn written_anew(bytes: &[u8]) -> (String, u64) {
    let (mut text, mut samples, mut series) = (String::new(), 0, String::new());
    let mut reader = Reader::new(bytes);
    while let Some(line) = reader.next_line().expect("memory can be read") {
        match line.event.expect("it was clean") {
            Event::Sample(sample) => {
                samples += 1;
                if !sample.goes_on {
                    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                    let labels =
                        sample.labels().map(|(name, value)| format!("{name}=\"{}\"", escape(&unescape(value))));
                    let labels: Vec<_> = labels.collect();
                    series = match labels.into_iter().rev().collect::<Vec<_>>().join(",") {
                        none if none.is_empty() => sample.name.to_owned(),
                        some => format!("{}{{{some}}}", sample.name),
                    };
                }
                let timestamp = line.text[sample.timestamp_at..].split(' ').next().expect("it has one");
                // `Debug` writes -0 and exponents, which `parse` accepts.
                text += &format!("{series} {:?} {timestamp}\n", sample.value);
            }
            Event::Help(_) | Event::Type(..) | Event::Unit(..) | Event::Eof => text += &format!("{}\n", line.text),
        }
    }
    (text, samples)
}
