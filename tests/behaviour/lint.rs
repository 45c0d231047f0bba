//! `lint`: what promtool takes without a word. What promtool does with each text is asked of promtool itself.

use std::io::Write;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    Asked, Blocks, Counts, Folder, HOUR, METRICS, Metrics, Run, START, blocks_of, etcd_heatmap, etcd_heatmap_command,
    prometheus_of,
};

/// What promtool does with a text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Promtool {
    /// It ends with an error.
    Refuses,
    /// It exits with 0, and so many samples are not there.
    Loses(u64),
    /// It exits with 0 and as many samples as there were lines, of which somebody meant something else.
    Takes,
}
use Promtool::{Loses, Refuses, Takes};

const HEAD: &str = "# HELP a A.\n# TYPE a gauge\n";

fn lint(text: &[u8]) -> Run {
    let folder = Folder::new("lint");
    let file = folder.write("file.om", text);
    let run = etcd_heatmap(&["lint", &file]);
    Run { stdout: run.stdout.replace(&folder.at("file.om"), "file.om"), ..run }
}

/// promtool does this with a text, and `lint` names these places, each with words of the sentence.
#[track_caller]
fn is_told(name: &str, text: &[u8], promtool: Promtool, told: &[(&str, &str)]) {
    let Blocks { code, counts } = blocks_of(text);
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#').count() as u64;
    let does = match code {
        Some(0) if counts.samples == lines => Takes,
        Some(0) => Loses(lines - counts.samples),
        _ => Refuses,
    };
    assert_eq!(does, promtool, "{name}");
    let run = lint(text);
    assert_eq!(run.code, Some(1), "{name}: {run:?}");
    run.fails_saying(&["fault"]);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), told.len(), "{name}: {lines:#?}");
    for (line, (place, words)) in lines.iter().zip(told) {
        assert!(line.starts_with(&format!("file.om:{place}: ")) && line.contains(words), "{name}: {line}");
    }
}

/// A gauge with these lines below its metadata.
fn gauge(lines: &[String]) -> String {
    format!("{HEAD}{}\n# EOF\n", lines.join("\n"))
}

fn at(series: &str, minute: i64) -> String {
    format!("{series} 1 {}", START + 60 * minute)
}

#[test]
fn samples_that_promtool_drops_are_reported() {
    let three = [0, 2, 1].map(|minute| at("a{x=\"p\"}", minute));
    is_told("order", gauge(&three).as_bytes(), Loses(1), &[("5:12", "sort each series by time")]);
    let twice = [0, 1, 1].map(|minute| at("a{x=\"ä😀\"}", minute));
    is_told(
        "twice",
        gauge(&twice).as_bytes(),
        Loses(1),
        &[("5:13", "second sample of the series at 2026-10-01T00:01:00Z")],
    );
    let spelt = [at("a{x=\"1\",y=\"2\"}", 0), at("a{y=\"2\",x=\"1\"}", 0)];
    is_told("order of labels", gauge(&spelt).as_bytes(), Loses(1), &[("4:18", "second sample of the series")]);
    let empty = [at("a{x=\"\"}", 0), at("a", 0)];
    is_told("no value", gauge(&empty).as_bytes(), Loses(1), &[("4:5", "second sample of the series")]);
    let close = gauge(&[format!("a 1 {START}.0001"), format!("a 1 {START}.0002")]);
    is_told("one millisecond", close.as_bytes(), Loses(1), &[("4:5", "second sample of the series")]);
    let apart = [at("a{x=\"p\"}", 0), at("a{x=\"p\"}", 1), at("a{x=\"q\"}", 0), at("a{x=\"p\"}", 0)];
    let told = [("6:1", "began on line 3"), ("6:12", "sort each series by time")];
    is_told("interleaved and twice", gauge(&apart).as_bytes(), Loses(1), &told);
    let early = gauge(&["a 1 -120".into(), "a 1 -60".into(), at("a", 0)]);
    is_told("before 1970", early.as_bytes(), Loses(2), &[("3:5", "before 1970"), ("4:5", "before 1970")]);
}

#[test]
fn input_that_promtool_misreads_is_reported() {
    let milliseconds = gauge(&[0, 1, 2].map(|minute| format!("{}000", at("a{x=\"p\"}", minute))));
    is_told("milliseconds", milliseconds.as_bytes(), Takes, &[("3:12", "3 samples from here on")]);
    let apart = [at("a{x=\"p\"}", 0), at("a{x=\"q\"}", 0), at("a{x=\"p\"}", 1), at("a{x=\"q\"}", 1)];
    let told = [("5:1", "began on line 3"), ("6:1", "began on line 4")];
    is_told("interleaved", gauge(&apart).as_bytes(), Takes, &told);
    let braces = gauge(&[at("a{}", 0), at("a", 1), at("a{}", 2)]);
    is_told("braces", braces.as_bytes(), Takes, &[("3:2", "here and once more below")]);
    is_told("escape", gauge(&[at(r#"a{x="b\t"}"#, 0)]).as_bytes(), Takes, &[("3:7", "escapes")]);
    is_told("nothing", format!("{HEAD}# EOF\n").as_bytes(), Takes, &[("3:1", "no sample")]);
    let bare = format!("{}\n# EOF\n", at("a", 0));
    is_told("no metadata", bare.as_bytes(), Takes, &[("1:1", "no # HELP and no # TYPE of a")]);
    let other = gauge(&[at("a", 0), at("b", 0)]);
    is_told("another family", other.as_bytes(), Takes, &[("4:1", "no # HELP and no # TYPE of b")]);
    let again = gauge(&[at("a", 0), "# HELP b B.\n# TYPE b gauge".into(), at("b", 0), at("a", 1)]);
    is_told("family again", again.as_bytes(), Takes, &[("7:1", "consecutively")]);
    let late = format!("# HELP a A.\n{}\n# TYPE a gauge\n# EOF\n", at("a", 0));
    is_told("type after", late.as_bytes(), Takes, &[("2:1", "no # TYPE of a"), ("3:1", "# TYPE of a comes after")]);
    let second = format!("{HEAD}# TYPE a gauge\n{}\n# EOF\n", at("a", 0));
    is_told("type twice", second.as_bytes(), Takes, &[("3:1", "duplicate # TYPE")]);
    let counter = format!("# HELP a A.\n# TYPE a counter\n{}\n# EOF\n", at("a", 0));
    is_told("suffix", counter.as_bytes(), Takes, &[("3:1", "use a_total, a_created")]);
}

#[test]
fn input_that_promtool_refuses_is_reported() {
    let good = gauge(&[at("a", 0), at("a", 1)]);
    let without = good.trim_end_matches("# EOF\n");
    is_told("no end", without.as_bytes(), Refuses, &[("5:1", "# EOF")]);
    // Before a line feed, in a timestamp, after a value, in a name, and in the last line.
    let (cut, last) = (&good[..without.len()], good.trim_end());
    for (length, place) in [(1, "4:15"), (6, "4:10"), (12, "4:4"), (14, "4:2")] {
        is_told("cut off", &cut.as_bytes()[..cut.len() - length], Refuses, &[(place, "it was cut off")]);
    }
    is_told("cut at the end", &last.as_bytes()[..last.len() - 1], Refuses, &[("5:5", "it was cut off")]);
    is_told("empty", b"", Refuses, &[("1:1", "# EOF")]);
    is_told("two files", good.repeat(2).as_bytes(), Refuses, &[("6:1", "lines follow '# EOF' of line 5")]);
    is_told("line after", format!("{good}\n").as_bytes(), Refuses, &[("6:1", "lines follow '# EOF' of line 5")]);
    is_told("blank", gauge(&[at("a", 0), String::new(), at("a", 1)]).as_bytes(), Refuses, &[("4:1", "blank")]);
    let returns = good.replace('\n', "\r\n");
    let marked = format!("\u{feff}{}", gauge(&[at("a", 0)]));
    is_told("byte order mark", marked.as_bytes(), Refuses, &[("1:1", "save it as UTF-8 without BOM")]);
    is_told("CR LF", returns.as_bytes(), Refuses, &[("1:12", "here and 4 times below")]);
    is_told("no time", gauge(&["a 1".into()]).as_bytes(), Refuses, &[("3:4", "no timestamp")]);
    is_told("comment", gauge(&["# note".into(), at("a", 0)]).as_bytes(), Refuses, &[("3:1", "remove this one")]);
    is_told("label twice", gauge(&[at(r#"a{x="1",x="2"}"#, 0)]).as_bytes(), Refuses, &[("3:9", "duplicate label x")]);
    is_told("comma", gauge(&[at(r#"a{x="1",}"#, 0)]).as_bytes(), Refuses, &[("3:9", "name of a label")]);
    is_told("hexadecimal", gauge(&[format!("a 0x10 {START}")]).as_bytes(), Refuses, &[("3:3", "a number")]);
    is_told("two spaces", gauge(&[format!("a  1 {START}")]).as_bytes(), Refuses, &[("3:3", "a number")]);
    is_told("space at the end", gauge(&[at("a", 0) + " "]).as_bytes(), Refuses, &[("3:16", "end of the line")]);
    let mut latin = gauge(&[at(r#"a{x="?"}"#, 0)]).into_bytes();
    let place = latin.iter().position(|&byte| byte == b'?').expect("it is there");
    latin[place] = 0xe4;
    is_told("not UTF-8", &latin, Refuses, &[("3:6", "UTF-8")]);
    let unit = format!("{HEAD}# UNIT a seconds\n{}\n# EOF\n", at("a", 0));
    is_told("unit", unit.as_bytes(), Refuses, &[("3:10", "rename the metric to a_seconds")]);
    // Found by fuzzing: what cannot be shown is not repeated.
    let unit = format!("{HEAD}# UNIT a sec\0nds\n{}\n# EOF\n", at("a", 0));
    is_told("odd unit", unit.as_bytes(), Refuses, &[("3:13", "of the unit here")]);
}

#[test]
fn samples_in_the_head_are_reported_once_per_file() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    // A margin of five minutes: the test takes its time.
    let text = gauge(&[4 * HOUR, 3 * HOUR + 300, 3 * HOUR - 300, HOUR, -HOUR].map(|ago| format!("a 1 {}", now - ago)));
    is_told("head", text.as_bytes(), Takes, &[("5:5", "3 samples at or after")]);
    let past = gauge(&[4 * HOUR, 3 * HOUR + 300].map(|ago| format!("a 1 {}", now - ago)));
    assert!(lint(past.as_bytes()).succeeds().stdout.starts_with("file.om: 1 series, 2 samples from "));
}

#[test]
fn valid_files_of_every_metric_type_have_no_faults() {
    let mut text = String::from("# TYPE up unknown\n# HELP up A \\\"word\\\" or\\n two.\n");
    text += &[at("up", 0), at("up", 1)].join("\n");
    text += "\n# HELP b_seconds B.\n# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n";
    // The samples of one instant stand together: the series take turns.
    for minute in 0..2 {
        let names =
            [r#"b_seconds_bucket{le="1"}"#, r#"b_seconds_bucket{le="+Inf"}"#, "b_seconds_sum", "b_seconds_count"];
        names.iter().for_each(|name| text += &(at(name, minute) + "\n"));
    }
    text += "# HELP c C.\n# TYPE c counter\n";
    text += &format!("c_total NaN {START}.5 # {{trace_id=\"x\"}} 0.5 {START}\nc_total +Inf 1790812900\n# EOF");
    assert_eq!(blocks_of(text.as_bytes()).counts.samples, 12);
    let told = lint(text.as_bytes()).succeeds().stdout;
    assert_eq!(told, "file.om: 6 series, 12 samples from 2026-10-01T00:00:00Z to 2026-10-01T00:01:40Z\n");
}

#[test]
fn a_fraction_of_a_second_is_the_millisecond_that_promtool_makes_of_it() {
    for (seconds, ms, shown) in [
        // The nearest double lies below, and promtool cuts off.
        ("1.001", 1000, "1970-01-01T00:00:01Z"),
        ("1.1", 1100, "1970-01-01T00:00:01.100Z"),
        ("1790812800.999", 1_790_812_800_999, "2026-10-01T00:00:00.999Z"),
        ("1.7908128e9", 1_790_812_800_000, "2026-10-01T00:00:00Z"),
    ] {
        let text = gauge(&[format!("a 1 {seconds}")]);
        assert_eq!(blocks_of(text.as_bytes()).counts.first_ms, ms, "{seconds}");
        assert_eq!(
            lint(text.as_bytes()).succeeds().stdout,
            format!("file.om: 1 series, 1 sample from {shown} to {shown}\n")
        );
    }
}

#[test]
fn an_endless_line_does_not_exhaust_the_memory() {
    let endless = format!("# HELP a {}\n# TYPE a gauge\n{}\n# EOF\n", "x".repeat(3 << 20), at("a", 0));
    is_told("endless", endless.as_bytes(), Takes, &[("1:1", "longer than 1 MiB")]);
}

#[test]
fn many_faults_many_files_and_standard_input() {
    let many = gauge(&vec![at("a", 0); 40]);
    let run = lint(many.as_bytes());
    assert_eq!(run.stdout.lines().count(), 21, "{run:?}");
    assert!(run.stdout.ends_with("file.om: and 19 more\n"), "{run:?}");
    run.fails_saying(&["39 faults in 1 of 1 file"]);

    let folder = Folder::new("lint");
    let (good, bad) = (folder.write("good.om", gauge(&[at("a", 0)])), folder.write("bad.om", gauge(&["a".into()])));
    let run = etcd_heatmap(&["lint", &good, &bad, &good]);
    run.fails_saying(&["1 fault in 1 of 3 files"]);
    let starts: Vec<_> = run.stdout.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(starts, [format!("{good}:"), format!("{bad}:3:2:"), format!("{good}:")]);
    assert_eq!(etcd_heatmap(&["lint", "--quiet", &good]).succeeds().stdout, "");
    assert_eq!(etcd_heatmap(&["lint", "--quiet", &bad]).stdout.lines().count(), 1, "faults are what was asked for");
    etcd_heatmap(&["lint", &folder.at("none.om")]).fails_saying(&["none.om", "cannot read"]);
    assert_eq!(etcd_heatmap(&["lint"]).code, Some(2));

    let mut command = etcd_heatmap_command(&["lint", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(many.as_bytes()).expect("it reads all");
    drop(pipe);
    let run = Run::from(child.wait_with_output().expect("it ends"));
    assert!(run.stdout.starts_with("-:4:5: "), "{run:?}");
}

#[test]
fn exported_files_have_no_faults() {
    let folder = Folder::new("sample");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    are_clean(&folder);

    let mut metrics = Metrics::default();
    for (place, cluster) in [r#"a \"word\""#, r"back\\slash", r"two\nlines", "süd 😀", "a,b}{c=", ""].iter().enumerate()
    {
        let labels = format!(r#"cluster="{cluster}",job="\\",instance="é\n{place}""#);
        for metric in METRICS {
            metrics.recorded(metric, &labels, START..START + 20 * HOUR, |second| 0.0001 * (second % 1000) as f64);
        }
    }
    let (folder, prometheus) = (Folder::new("odd"), prometheus_of(&metrics.text()));
    Asked { step: 300, ..Asked::all(&prometheus, START, START + 20 * HOUR) }.run("backfill", &folder).succeeds();
    are_clean(&folder);
}

/// Every emitted file is, and what is said of it is what can be counted, and what promtool makes blocks of.
#[track_caller]
fn are_clean(folder: &Folder) {
    let files = folder.tree("audit/openmetrics");
    assert!(files.len() > 1, "there must be something to look at");
    for (name, bytes) in &files {
        let text = std::str::from_utf8(bytes).expect("it is UTF-8");
        let counts = Counts::of(text);
        assert_eq!(blocks_of(bytes), Blocks { code: Some(0), counts }, "{name}");
        let said = lint(bytes).succeeds().stdout.replace(',', "");
        assert!(said.starts_with(&format!("file.om: {} series {} samples ", counts.series, counts.samples)), "{said}");
    }
}
