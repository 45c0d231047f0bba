//! Findings about what a source lacks name the source and not its members, and nothing of it marks other sources.

use super::{
    DAY, Folder, HOUR, Metrics, Mortal, Prometheus, RANGE, START, clusters, etcd_heatmap, fs, manifest, prometheus_of,
    run, server, settings,
};
use crate::support::{Fault, Faults, oracle_run};

/// Two clusters, one of which loses its third member for good at 10:00. Samples end before `until`.
fn with_a_loss(until: i64) -> Prometheus {
    let mut metrics = Metrics::every(60);
    let seconds = START - 26 * HOUR..until;
    for (cluster, members) in [("prod", 2), ("us", 1)] {
        for member in 1..=members {
            metrics.member(&format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"m{member}\""), seconds.clone());
        }
    }
    let lost = START - 26 * HOUR..START + 10 * HOUR;
    metrics.member("cluster=\"prod\",job=\"etcd\",instance=\"m3\"", lost);
    prometheus_of(&metrics.text())
}

/// Columns of a CSV file, as `name=value` in the order of `names`.
fn columns(folder: &Folder, file: &str, names: &[&str]) -> Vec<String> {
    let sql = format!(
        "select concat_ws(' ', {}) from read_csv('{}', all_varchar = true) order by all",
        names.iter().map(|name| format!("coalesce({name}, '')")).collect::<Vec<_>>().join(", "),
        folder.at(file)
    );
    let run = oracle_run("query.py", &[&sql]).succeeds();
    run.stdout.lines().map(str::to_owned).collect()
}

/// The rows of the joined history with a condition.
fn rows(folder: &Folder, condition: &str) -> String {
    let files = folder.at("audit/history/*/readings.parquet");
    let sql = format!("select count(*) from read_parquet('{files}', union_by_name = true) where {condition}");
    oracle_run("query.py", &[&sql]).succeeds().stdout.trim().to_owned()
}

fn explain(folder: &Folder, cluster: &str, at: &str) -> String {
    etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", cluster, "--at", at]).succeeds().stdout
}

#[test]
fn a_source_that_gave_nothing_is_named_and_its_members_are_not_blamed() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(with_a_loss(START + 2 * DAY)));
    let folder = Folder::new("gave-nothing");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("backfill", &config, &folder, &["--start", "2026-10-01", "--end", "2026-10-01T18:00:00Z"]).succeeds();
    us.die();
    run("backfill", &config, &folder, &RANGE).fails_saying(&["1 of 2 sources failed: us-1:"]);

    // The evidence: the history has nothing of these clusters from 18:00 on, and had something until then.
    assert_eq!(rows(&folder, "cluster like 'us-1/%' and ts >= '2026-10-01 18:00:00'"), "0");
    assert_ne!(rows(&folder, "cluster like 'us-1/%' and ts = '2026-10-01 17:55:00'"), "0");
    let problems = columns(
        &folder,
        "audit/problems.csv",
        &["cluster", "cause", "members", "first_utc", "last_utc", "hours_low", "hours_unknown"],
    );
    let of_us: Vec<&String> = problems.iter().filter(|row| row.starts_with("us-1/")).collect();
    let lacks = "source_without_data  2026-10-01 18:00:00 2026-10-03 00:00:00 30 30";
    assert_eq!(of_us.len(), 3, "{problems:?}");
    assert!(of_us[0].starts_with("us-1/prod member_without_data m3 2026-10-01 10:0"), "it went before: {of_us:?}");
    assert_eq!(of_us[1..], [&format!("us-1/prod {lacks}"), &format!("us-1/us {lacks}")]);

    let says = "source us-1 has no data for 2026-10-01 at 18:00 to 2026-10-03 at 00:00";
    let found = columns(&folder, "audit/findings.csv", &["cluster", "rule", "start_utc", "end_utc", "finding"]);
    let lacking: Vec<&str> =
        found.iter().filter(|row| row.contains(" source_without_data ")).map(|row| row.trim_end()).collect();
    assert_eq!(lacking.len(), 2, "{found:?}");
    let numbers: Vec<&str> = lacking.iter().filter_map(|row| row.split(' ').next_back()).collect();
    let evidence = columns(&folder, "audit/evidence.csv", &["finding", "name", "value"]);
    for (number, members) in numbers.into_iter().zip(["2", "1"]) {
        for fact in ["source us-1".to_owned(), format!("members_expected {members}"), "without_a_score 1800".to_owned()]
        {
            assert!(evidence.contains(&format!("{number} {fact}")), "{number} {fact}: {evidence:?}");
        }
    }

    let printed = etcd_heatmap(&["findings", "--all", &folder.at("audit")]).succeeds().stdout;
    assert!(printed.contains(&format!("\n{says}, so its clusters are unknown then\n")), "{printed}");
    assert!(printed.contains("us-1/us: source without data: us-1\n"), "{printed}");
    assert!(printed.contains("Run the same pull again"), "{printed}");
    // Unknown for 30 of 48 hours: they do not look healthy.
    assert!(printed.starts_with("2 of 4 clusters need attention: "), "{printed}");
    for page in ["audit/report.md", "audit/report.html"] {
        assert!(folder.text(page).contains("ource us-1 has no data for 2026-10-01 at 18:00 to"), "{page}");
    }
    let healthy = etcd_heatmap(&["findings", "--cluster", "eu-1/eu", &folder.at("audit")]).succeeds().stdout;
    assert!(!healthy.contains("us-1"), "{healthy}");

    assert!(explain(&folder, "us-1/prod", "2026-10-02T07").contains(&format!("\n{says}\n")));
    let [before, other] = [("us-1/prod", "2026-10-01T07"), ("eu-1/prod", "2026-10-02T07")]
        .map(|(cluster, at)| explain(&folder, cluster, at));
    assert!(!before.contains("has no data") && !other.contains("has no data"), "{before}{other}");

    // A copy without names has the same problems.
    fs::write(folder.path().join("key"), "a key of 24 characters.\n").expect("a folder of our own");
    let copy =
        ["anonymize", "--quiet", &folder.at("audit"), "--key-file", &folder.at("key"), "--out", &folder.at("copy")];
    etcd_heatmap(&copy).succeeds();
    etcd_heatmap(&["score", "--quiet", &folder.at("copy")]).succeeds();
    let facts = ["cause", "first_utc", "last_utc", "hours_low"];
    assert_eq!(columns(&folder, "copy/problems.csv", &facts), columns(&folder, "audit/problems.csv", &facts));
    let hidden = etcd_heatmap(&["findings", &folder.at("copy")]).succeeds().stdout;
    assert!(hidden.contains("source source-") && !hidden.contains("us-1"), "{hidden}");
}

#[test]
fn a_source_whose_server_has_no_samples_any_more_is_named() {
    let (eu, us) = (server("eu", 4 * HOUR), with_a_loss(START + DAY - 10 * 60));
    let folder = Folder::new("ends");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("backfill", &config, &folder, &RANGE).succeeds();
    let problems = columns(&folder, "audit/problems.csv", &["cluster", "cause", "members"]);
    let of_us: Vec<&String> = problems.iter().filter(|row| row.starts_with("us-1/")).collect();
    assert_eq!(of_us.len(), 3, "{problems:?}");
    assert!(of_us[0].starts_with("us-1/prod member_without_data m3"), "{of_us:?}");
    assert!(of_us[1..].iter().all(|row| row.contains(" source_without_data ")), "{of_us:?}");
    let found = columns(&folder, "audit/findings.csv", &["cluster", "rule", "description"]);
    for cluster in ["us-1/prod", "us-1/us"] {
        let all_gone = found.iter().find(|row| row.starts_with(&format!("{cluster} all_gone ")));
        assert!(all_gone.is_some_and(|row| row.ends_with("source us-1 has no data of any cluster since")), "{found:?}");
    }
    // Its last sample is of 23:49, and the last step that sees one of 23:50.
    let printed = etcd_heatmap(&["findings", &folder.at("audit")]).succeeds().stdout;
    let says =
        "source us-1 has no data for 2026-10-01 at 23:55 to 2026-10-03 at 00:00, so its clusters are unknown then";
    assert!(printed.contains(says), "{printed}");
    assert!(printed.starts_with("2 of 4 clusters need attention"), "{printed}");
    let explained = |at| etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", "us-1/prod", "--at", at]);
    let says = "source us-1 has no data after 2026-10-01T23:50:00Z, so the cluster is unknown then";
    explained("2026-10-02T07").fails_saying(&[says]);
    explained("2026-10-05T07").fails_saying(&["choose --at within the history"]);
}

#[test]
fn a_source_of_which_nothing_was_ever_pulled_is_named_in_the_verdict() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(with_a_loss(START + 2 * DAY)));
    let folder = Folder::new("nothing-ever");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    us.die();
    run("backfill", &config, &folder, &RANGE).fails_saying(&["1 of 2 sources failed: us-1:"]);
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod"]);
    let printed = etcd_heatmap(&["findings", &folder.at("audit")]).succeeds().stdout;
    let says = "source us-1 has no data for 2026-10-01 to 2026-10-02, so its clusters are unknown then";
    assert!(printed.contains(says), "{printed}");
    assert!(folder.text("audit/report.md").contains(&format!("Unknown: {says}.")));
    // A cluster that must be there is not blamed either.
    let expected = ["findings", "--all", &folder.at("audit"), "--expect-members", "us-1/prod=3"];
    let printed = etcd_heatmap(&expected).succeeds().stdout;
    assert!(printed.contains("us-1/prod: source without data: us-1"), "{printed}");
}

#[test]
fn a_partial_response_marks_only_the_clusters_of_its_source() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let faults = Faults::before(us.server().port());
    let folder = Folder::new("several-partial");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &faults.url())]);
    faults.always(Fault::Warned("receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable"));
    run("backfill", &config, &folder, &[&RANGE[..], &["--allow-partial"]].concat()).succeeds();
    assert_eq!(manifest(&folder, "audit")["days_partial"], serde_json::json!(["2026-10-01", "2026-10-02"]));
    let marks =
        "split_part(cluster, '/', 1), sum(steps_partial), sum(steps_partial - steps_expected), sum(steps_expected) > 0";
    let cells = folder.at("audit/heatmap.parquet");
    let marked =
        oracle_run("query.py", &[&format!("select {marks} from read_parquet('{cells}') group by 1 order by 1")]);
    let marked = marked.succeeds().stdout;
    let lines: Vec<Vec<&str>> = marked.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((lines[0][0], lines[0][1], lines[0][3]), ("eu-1", "0", "True"), "{marked}");
    assert_eq!((lines[1][0], lines[1][2], lines[1][3]), ("us-1", "0", "True"), "{marked}");

    let [eu_cell, us_cell] = ["eu-1/prod", "us-1/prod"].map(|cluster| explain(&folder, cluster, "2026-10-01T07"));
    assert!(
        !eu_cell.contains("lacks data") && us_cell.contains("the source lacks data for 12 steps"),
        "{eu_cell}{us_cell}"
    );

    // An earlier version, which does not know of sources, takes the same times for all clusters.
    let day = folder.at("audit/history/date=2026-10-01/readings.parquet");
    let keys = format!(
        "select key::varchar, value::varchar from parquet_kv_metadata('{day}') where key::varchar like '%partial%'"
    );
    let keys = oracle_run("query.py", &[&keys]).succeeds().stdout;
    let day = format!("[{},{}]", START * 1000, (START + DAY) * 1000);
    assert!(keys.contains(&format!("etcd-heatmap.partial_ms,[{day}]")), "{keys}");
    assert!(keys.contains(&format!("etcd-heatmap.partial_of_ms,{{\\x22us-1\\x22:[{day}]}}")), "{keys}");

    // Once the server answers in full, nothing is marked.
    faults.calm();
    run("backfill", &config, &folder, &RANGE).succeeds();
    assert!(!folder.text("audit/heatmap.csv").contains("steps_partial"));
}
