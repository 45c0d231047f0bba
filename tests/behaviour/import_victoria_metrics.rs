//! Scores into a real VictoriaMetrics.

use crate::support::{Folder, Run, VictoriaMetrics, etcd_heatmap, oracle};

const EMIT: [&str; 6] = ["--emit", "worst,points", "--label", "job=node", "--retention", "1y"];

fn import(folder: &Folder, url: &str, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["import", &folder.at("audit"), "--victoria-metrics", url], flags].concat())
}

fn scored(flags: &[&str]) -> Folder {
    let folder = Folder::new("into-victoria");
    let backfill = ["backfill", "--sample", "--quiet", "--out", &folder.at("audit")];
    etcd_heatmap(&[&backfill[..], flags].concat()).succeeds();
    folder
}

#[track_caller]
fn holds_exactly(server: &VictoriaMetrics, folder: &Folder, flags: &[&str]) {
    oracle("exported.py", &[&[&server.url(), &*folder.at("audit")], flags].concat());
}

#[test]
fn every_sample_arrives_once_and_a_second_import_adds_nothing() {
    let (server, folder) = (VictoriaMetrics::of("", &[]), scored(&EMIT));
    let run = import(&folder, &server.url(), &["--dry-run"]).succeeds();
    assert!(run.stdout.contains("nothing was sent"), "{run:?}");
    let run = import(&folder, &server.url(), &[]).succeeds();
    assert!(run.stdout.contains("imported 240,368 samples"), "{run:?}");
    holds_exactly(&server, &folder, &EMIT[..4]);
    let run = import(&folder, &server.url(), &[]).succeeds();
    assert!(run.stdout.contains("nothing was imported"), "{run:?}");
    holds_exactly(&server, &folder, &EMIT[..4]);
}

#[test]
fn scores_that_the_server_rounds_are_accepted_as_equal() {
    // Nineteenths: 6.842105263157895 and the like.
    let (server, folder) = (VictoriaMetrics::of("", &[]), scored(&["--without", "open_fds"]));
    let name = folder.tree("audit/openmetrics").into_iter().next().expect("there is a file").0;
    let long = |text: &str| text.split(' ').nth(1).is_some_and(|value| value.len() > 13);
    assert!(folder.text(&format!("audit/openmetrics/{name}")).lines().any(long), "a score of many digits");
    let run = import(&folder, &server.url(), &[]).succeeds();
    assert!(run.stdout.contains(" it now has all ") && run.stdout.contains("rounded to 12"), "{run:?}");
    holds_exactly(&server, &folder, &[]);
    for flags in [&["--dry-run"][..], &[]] {
        let run = import(&folder, &server.url(), flags).succeeds();
        assert!(run.stdout.contains("nothing was imported") && run.stdout.contains("rounded to 12"), "{run:?}");
    }
    // Other scores are refused, as ever.
    let other = scored(&["--without", "open_fds", "--profile", "etcd-faq"]);
    import(&other, &server.url(), &[]).fails_saying(&["already has", "--label"]);
}

#[test]
fn a_partial_import_is_completed_and_a_different_value_is_refused() {
    let folder = scored(&[]);
    // The first lines of the first file are there, as after an import that was cut off.
    let first = folder.tree("audit/openmetrics").into_iter().next().expect("there is a file").0;
    let text = folder.text(&format!("audit/openmetrics/{first}"));
    let half: String = text.lines().take(500).map(|line| format!("{line}\n")).collect();
    let server = VictoriaMetrics::of(&half, &[]);
    let run = import(&folder, &server.url(), &[]).succeeds();
    assert!(run.stdout.contains("(498 existed before)"), "{run:?}");
    holds_exactly(&server, &folder, &[]);

    let line = text.lines().nth(100).expect("it has more");
    let (series, rest) = line.rsplit_once("} ").expect("labels and a value");
    let (_, second) = rest.split_once(' ').expect("a value and a time");
    let server = VictoriaMetrics::of(&format!("{series}}} 0.125 {second}\n"), &[]);
    let run = import(&folder, &server.url(), &[]);
    run.fails_saying(&[&first, "0.125", "--label"]);
}

#[test]
fn samples_beyond_the_retention_are_reported_as_missing() {
    let server = VictoriaMetrics::of("", &["-retentionPeriod=1d"]);
    let run = import(&scored(&[]), &server.url(), &[]);
    run.fails_saying(&["the server lacks", "-retentionPeriod"]);
}

#[test]
fn a_changed_file_and_an_unreachable_server_are_reported() {
    let folder = scored(&[]);
    import(&folder, "http://127.0.0.1:9", &["--retries", "0"]).fails_saying(&["cannot reach"]);
    let first = folder.tree("audit/openmetrics").into_iter().next().expect("there is a file").0;
    folder.write(&format!("audit/openmetrics/{first}"), "# EOF\n");
    let server = VictoriaMetrics::of("", &[]);
    import(&folder, &server.url(), &[]).fails_saying(&[&first, "has changed since it was written"]);
}
