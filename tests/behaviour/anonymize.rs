//! `anonymize`: a copy of a history with pseudonyms, which is scored like the history itself.

use crate::support::{
    Folder, HOUR, Metrics, Prometheus, Run, START, assert_empty, assert_same, etcd_heatmap, prometheus_of,
};

const KEY: &str = "a key of 24 characters.\n";
const MEMBERS: [&str; 2] = ["etcd-0.example:2379", "etcd-1.example:2379"];
const CLUSTERS: [&str; 2] = ["prod-eu", "stäging, old"];

/// The pseudonyms of these names, from Python:
/// `kind + "-" + hmac.new(key, json.dumps([kind, *names], ensure_ascii=False, separators=(",", ":")).encode(),
/// "sha256").hexdigest()[:12]` with the key without its line break.
const PSEUDONYMS: [(&str, [&str; 2]); 2] = [
    ("cluster-b4d724f42491", ["member-408cfba21fdc", "member-7aebcaa0c79f"]),
    ("cluster-07c573e439ad", ["member-0a590c62edbf", "member-f9718381bee3"]),
];

fn prometheus() -> Prometheus {
    let mut metrics = Metrics::every(60);
    for cluster in CLUSTERS {
        for (member, hours) in MEMBERS.into_iter().zip([30, 12]) {
            let labels = format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"{member}\"");
            metrics.member(&labels, START - 26 * HOUR..START + hours * HOUR);
        }
    }
    prometheus_of(&metrics.text())
}

/// A pull of both clusters, by a selector that names them.
fn audit(url: &str, folder: &Folder) {
    let range = ["--start", "2026-10-01T06:00:00Z", "--end", "2026-10-02T06:00:00Z", "--step", "5m"];
    let selector = ["--selector", "cluster=~\"prod-eu|stäging, old\",job=\"etcd\""];
    let pull = ["pull", "--url", url, "--out", &folder.at("audit"), "--header", "X-Scope-OrgID: team-prod-eu"];
    etcd_heatmap(&[&pull[..], &range, &selector].concat()).succeeds();
}

fn anonymize(folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["anonymize", &folder.at("audit"), "--key-file", &folder.at("key.txt")], flags].concat())
}

/// The rows of a CSV file, sorted.
fn rows(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

/// Whether a content contains one of the names, or a part of it that tells it.
fn tells(content: &[u8]) -> Option<&'static str> {
    let names = ["prod-eu", "st\u{e4}ging", "st\\u00e4ging", "example:2379", "127.0.0.1", "team-prod"];
    names.into_iter().find(|name| content.windows(name.len()).any(|bytes| bytes == name.as_bytes()))
}

#[test]
fn a_copy_has_the_same_scores_under_pseudonyms_and_no_name() {
    let (prometheus, folder) = (prometheus(), Folder::new("anonymize"));
    audit(&prometheus.url(), &folder);
    folder.write("key.txt", KEY);
    let run = anonymize(&folder, &["--out", &folder.at("anonymous")]).succeeds();
    assert!(run.stderr.contains("renamed 4 members, 2 days"), "{}", run.stderr);
    let copied = folder.tree("anonymous");
    assert_eq!(copied.keys().collect::<Vec<_>>(), folder.tree("audit").keys().collect::<Vec<_>>());

    for name in ["audit", "anonymous"] {
        etcd_heatmap(&["score", "--quiet", &folder.at(name)]).succeeds();
    }
    for (name, content) in folder.tree("anonymous") {
        assert_eq!(tells(&content), None, "{name}");
    }
    // What the search looks for is in what was not anonymized.
    assert!(tells(folder.text("audit/manifest.json").as_bytes()).is_some());
    let mut cells = folder.text("audit/heatmap.csv");
    for (cluster, (pseudonym, members)) in CLUSTERS.into_iter().zip(PSEUDONYMS) {
        let named = |text: &str, member: usize| text.replace(MEMBERS[member], members[member]);
        let quoted = if cluster.contains(',') { format!("\"{cluster}\"") } else { cluster.to_owned() };
        let of_cluster = |line: &str| match line.contains(&quoted) {
            true => named(&named(line, 0), 1).replace(&quoted, pseudonym),
            false => line.to_owned(),
        };
        cells = cells.lines().map(of_cluster).collect::<Vec<_>>().join("\n");
    }
    assert_eq!(rows(&cells), rows(&folder.text("anonymous/heatmap.csv")));

    // The same key gives the same bytes, and days that are there are written again.
    anonymize(&folder, &["--out", &folder.at("again")]).succeeds();
    anonymize(&folder, &["--out", &folder.at("again")]).succeeds();
    assert_same(&folder.tree("again"), &copied);
}

#[test]
fn the_holder_of_the_key_can_list_the_names() {
    let (prometheus, folder) = (prometheus(), Folder::new("list"));
    audit(&prometheus.url(), &folder);
    folder.write("key.txt", KEY);
    let before = folder.tree("audit");
    let run = anonymize(&folder, &["--list"]).succeeds();
    let mut expected = vec!["cluster,member,cluster_pseudonym,member_pseudonym".to_owned()];
    for (cluster, (pseudonym, members)) in ["prod-eu", "\"stäging, old\""].into_iter().zip(PSEUDONYMS) {
        let line = |(member, named): (&str, &str)| format!("{cluster},{member},{pseudonym},{named}");
        expected.extend(MEMBERS.into_iter().zip(members).map(line));
    }
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), expected);
    assert_same(&before, &folder.tree("audit"));
}

#[test]
fn an_unfit_key_or_folder_is_named_and_nothing_is_written() {
    let (prometheus, folder) = (prometheus(), Folder::new("unfit"));
    audit(&prometheus.url(), &folder);
    let out = folder.at("anonymous");
    anonymize(&folder, &["--out", &out]).fails_saying(&["cannot read", "key.txt"]);
    folder.write("key.txt", "short\n");
    anonymize(&folder, &["--out", &out]).fails_saying(&["--key-file", "key.txt", "has 5 bytes", "at least 16"]);
    folder.write("key.txt", KEY);
    anonymize(&folder, &["--out", &folder.at("audit")]).fails_saying(&["--out", "is the folder to anonymize"]);
    anonymize(&folder, &["--out", &folder.at("")]).fails_saying(&["key.txt is in --out", "keep the key elsewhere"]);
    anonymize(&folder, &[]).fails_saying(&["--out"]);
    assert_empty(&folder, "anonymous");

    anonymize(&folder, &["--out", &out]).succeeds();
    etcd_heatmap(&["anonymize", &out, "--key-file", &folder.at("key.txt"), "--list"])
        .fails_saying(&["anonymous is anonymized already"]);
    // Another key gives another history, which must not mix with the first one.
    folder.write("key.txt", "another key of 29 characters\n");
    let copied = folder.tree("anonymous");
    anonymize(&folder, &["--out", &out]).fails_saying(&["is of another history or key", "source-"]);
    let pull = ["pull", "--url", &prometheus.url(), "--out", &out, "--start", "2026-10-01", "--end", "2026-10-02"];
    etcd_heatmap(&pull).fails_saying(&["source-"]);
    let explain = ["explain", &out, "--cluster", PSEUDONYMS[0].0, "--at", "2026-10-01T12", "--instant"];
    etcd_heatmap(&explain).succeeds();
    etcd_heatmap(&[&explain[..], &["--url", &prometheus.url()]].concat()).fails_saying(&[
        "no raw counts",
        "pseudonyms",
        "explain the folder that was anonymized",
    ]);
    assert_same(&copied, &folder.tree("anonymous"));
}

#[test]
fn a_damaged_day_is_named() {
    let (prometheus, folder) = (prometheus(), Folder::new("damaged"));
    audit(&prometheus.url(), &folder);
    folder.write("key.txt", KEY);
    folder.write("audit/history/date=2026-10-02/readings.parquet", "not Parquet");
    anonymize(&folder, &["--out", &folder.at("anonymous")]).fails_saying(&["date=2026-10-02"]);
    assert_empty(&folder, "anonymous");
}
