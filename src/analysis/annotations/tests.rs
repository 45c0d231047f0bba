use std::path::Path;

use super::*;
use crate::text::csv::csv_field;
use crate::time::format_instant;

fn read_in(zone: &str, bytes: &[u8]) -> Result<Vec<Annotation>, String> {
    read(Path::new("deploys.csv"), bytes, zone.parse().unwrap(), MOST_BYTES).map_err(|error| error.to_string())
}

fn texts(text: &str) -> Result<Vec<Annotation>, String> {
    read_in("UTC", text.as_bytes())
}

/// `time/end/cluster/kind/text`, with `-` for what is missing.
fn told(annotation: &Annotation) -> String {
    let end = annotation.end_ms.map_or_else(|| "-".to_owned(), format_instant);
    let cluster = annotation.cluster.as_deref().unwrap_or("-");
    format!("{}/{end}/{cluster}/{}/{}", format_instant(annotation.at_ms), annotation.kind, annotation.text)
}

#[test]
fn files_of_editors_and_spreadsheets_are_read() {
    let at = "2026-10-01T12:00:00Z";
    for (file, expected) in [
        (format!("time,cluster,text\n{at},c01,moved\n"), format!("{at}/-/c01/other/moved")),
        (format!("\u{feff}time,cluster,text\r\n{at},c01,moved\r\n"), format!("{at}/-/c01/other/moved")),
        (format!("text,kind,end,cluster,time\nup,deploy,,,{at}"), format!("{at}/-/-/deploy/up")),
        (
            format!(" time , cluster , text , end \n{at}, c01 , moved , 2026-10-01T13:00:00Z\n"),
            format!("{at}/2026-10-01T13:00:00Z/c01/other/moved"),
        ),
        (
            format!("time,cluster,text\n{at},,\"moved, then\n \"\"patched\"\"\"\n"),
            format!("{at}/-/-/other/moved, then \"patched\""),
        ),
        (format!("time,cluster,text,end\n{at},c,déplacé 🔥,{at}\n"), format!("{at}/-/c/other/déplacé 🔥")),
        (format!("\n,,\ntime,cluster,text\n\n{at},c,a\n,,\n"), format!("{at}/-/c/other/a")),
        (format!("time,cluster,text\n{at},'=c,'=1+1\n"), format!("{at}/-/=c/other/=1+1")),
        (format!("time,cluster,text\n{at},c,'twas moved\n"), format!("{at}/-/c/other/'twas moved")),
        ("time,cluster,text\n1790856000,c,a\n".to_owned(), format!("{at}/-/c/other/a")),
        ("time,cluster,text\n2026-10-01,c,a\n".to_owned(), "2026-10-01T00:00:00Z/-/c/other/a".to_owned()),
        ("time,cluster,text\n2026-10-01 12:00,c,a\n".to_owned(), format!("{at}/-/c/other/a")),
        ("time,cluster,text\n2026-10-01T14:00+02:00,c,a\n".to_owned(), String::new()),
        ("time,cluster,text\n2026-10-01T14:00:00+02:00,c,a\n".to_owned(), format!("{at}/-/c/other/a")),
    ] {
        let read = texts(&file);
        if expected.is_empty() {
            assert!(read.is_err(), "{file:?}: {read:?}");
        } else {
            assert_eq!(read.unwrap().iter().map(told).collect::<Vec<_>>(), [expected], "{file:?}");
        }
    }
    assert_eq!(texts("time,cluster,text\n"), Ok(Vec::new()));
}

#[test]
fn a_fault_is_one_sentence_with_file_and_line() {
    let long = format!("time,cluster,text\n2026-10-01,c,{}\n", "x".repeat(501));
    let bad = |row: &str| format!("time,cluster,text,end,kind\n{row}\n");
    for (file, expected) in [
        ("", "line 1: the file is empty"),
        ("\n\n", "line 1: the file is empty"),
        ("time;cluster;text\n", "line 1: unknown column 'time;cluster;text'"),
        ("when,cluster,text\n", "line 1: unknown column 'when': use time, cluster, text, end, kind"),
        ("time,cluser,text\n", "line 1: unknown column 'cluser' (did you mean 'cluster'?)"),
        ("time,cluster,text,time\n", "line 1: the column time is there twice"),
        ("time,text\n", "line 1: the column cluster is missing"),
        ("time,cluster,text\n2026-10-01,c,a,b\n", "line 2: there are 4 fields for 3 columns"),
        ("time,cluster,text\n2026-10-01,c\n", "line 2: there are 2 fields for 3 columns"),
        ("time,cluster,text\n\n2026-10-01,c,\"a\n\nb\n", "line 3: a quoted field is never closed"),
        ("time,cluster,text\n2026-10-01,c,\"a\nb\" c\n", "line 3: text after a closing quotation mark"),
        ("time,cluster,text\n2026-10-01,c,the \"leader\"\n", "line 2: a quotation mark within a field"),
        (&bad("soon,c,a,,"), "line 2: time 'soon' is not a time: write 2026-10-01T12:00:00Z, "),
        (&bad(",c,a,,"), "line 2: time '' is not a time"),
        (&bad("now-1d,c,a,,"), "line 2: time 'now-1d' would mean another time in every run"),
        (&bad("1790856000000,c,a,,"), "line 2: time: '1790856000000' looks like milliseconds"),
        (&bad("-1,c,a,,"), "line 2: time '-1' is not in the years 1970 to 9999"),
        (&bad("2026-10-02,c,a,noon,"), "line 2: end 'noon' is not a time"),
        (&bad("2026-10-02,c,a,2026-10-01,"), "line 2: the end '2026-10-01' is before the time '2026-10-02'"),
        (&bad("2026-10-02,c,a,,deplyo"), "line 2: unknown kind 'deplyo' (did you mean 'deploy'?): use one of "),
        (&bad("2026-10-02,c, ,,"), "line 2: the text is empty"),
        (&long, "line 2: the text has 501 characters: shorten it to 500"),
        (&bad("a\u{1b}[2Jb,c,a,,"), "line 2: time 'a [2Jb' is not a time"),
    ] {
        let error = texts(file).unwrap_err();
        let place = error.strip_prefix("deploys.csv, ").unwrap_or_default();
        assert!(place.starts_with(expected) && !error.contains(char::is_control), "{file:?}: {error}");
    }
    let latin = read_in("UTC", b"time,cluster,text\n2026-10-01,c,a\n2026-10-02,c,d\xe9plac\xe9\n").unwrap_err();
    assert_eq!(latin, "deploys.csv, line 3: this is not UTF-8: save the file as CSV in UTF-8");
}

#[test]
fn times_without_an_offset_are_local() {
    let file = b"time,cluster,text\n2026-10-25 02:30,c,a\n2026-10-25T02:30:00Z,c,b\n2026-10-25,c,c\n";
    let read = read_in("Europe/Berlin", file).unwrap();
    let times: Vec<String> = read.iter().map(|one| format_instant(one.at_ms)).collect();
    assert_eq!(times, ["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z", "2026-10-24T22:00:00Z"]);
    let skipped = read_in("Europe/Berlin", b"time,cluster,text\n2026-03-29 02:30,c,a\n").unwrap_err();
    assert!(skipped.starts_with("deploys.csv, line 2: time: 2026-03-29 02:30 does not exist"), "{skipped}");
}

#[test]
fn a_guard_against_formulas_is_taken_off_again() {
    for text in ["=1", "+1", "-1", "@a", "'a", "''a", "'=a", "＝1", "a", "a, \"b\"", "é'"] {
        let file = format!("time,cluster,text\n2026-10-01,{},{}\n", csv_field(text), csv_field(text));
        let read = texts(&file).unwrap();
        assert_eq!((read[0].cluster.as_deref(), &*read[0].text), (Some(text), text));
    }
}

#[test]
fn an_instant_counts_for_ten_minutes_around_and_a_range_five_minutes_longer() {
    let minutes = |from: i64, to: i64| TimeRange { start_ms: from * 60_000, end_ms: to * 60_000 };
    let note = |line, at: i64, end: Option<i64>, cluster: Option<&str>| Annotation {
        line,
        at_ms: at * 60_000,
        end_ms: end.map(|end| end * 60_000),
        cluster: cluster.map(str::to_owned),
        kind: AnnotationKind::Other,
        text: "a".to_owned(),
    };
    let all = Annotations::new(vec![
        note(4, 300, None, Some("x")),
        note(2, 100, None, Some("c")),
        note(3, 200, Some(230), None),
        note(5, 290, None, Some("x")),
    ]);
    let lines = |cluster, from, to| all.near(cluster, minutes(from, to)).map(|one| one.line).collect::<Vec<_>>();
    assert_eq!((lines("c", 80, 90), lines("c", 80, 91)), (vec![], vec![2]));
    assert_eq!((lines("c", 109, 120), lines("c", 110, 120)), (vec![2], vec![]));
    assert_eq!((lines("d", 80, 120), lines("d", 234, 240), lines("d", 235, 240)), (vec![], vec![3], vec![]));
    assert_eq!((lines("c", 190, 195), lines("c", 0, 500)), (vec![], vec![2, 3]));
    assert_eq!(all.unknown_clusters(&["c"]), [("x", 4)]);
}

/// Expected: every annotation looked at, one by one.
#[test]
fn annotations_near_a_range_are_found_however_long_they_and_the_range_are() {
    let mut state = 7_u64;
    let mut chance = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as i64
    };
    let minute = 60_000;
    let notes: Vec<Annotation> = (0..400)
        .map(|line| {
            let at_ms = chance(10_000) * minute;
            let end_ms =
                (chance(3) == 0).then(|| at_ms + (1 + chance(if line % 100 == 0 { 5_000 } else { 90 })) * minute);
            let cluster = (chance(4) > 0).then(|| format!("c{}", chance(2)));
            Annotation { line, at_ms, end_ms, cluster, kind: AnnotationKind::Other, text: String::new() }
        })
        .collect();
    let all = Annotations::new(notes);
    for _ in 0..300 {
        let start_ms = chance(11_000) * minute;
        let range = TimeRange { start_ms, end_ms: start_ms + (1 + chance(400)) * minute };
        let found: Vec<&Annotation> = all.near("c1", range).collect();
        let overlaps = |one: &&Annotation| one.is_of("c1") && one.reach().intersect(range).is_some();
        assert_eq!(found, all.iter().filter(overlaps).collect::<Vec<_>>(), "{range:?}");
    }
}
