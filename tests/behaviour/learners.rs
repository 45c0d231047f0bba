//! Learners do not vote: the score of their cluster, `--expect-members` and incidents leave them out.

use crate::support::{
    Asked, Cell, Folder, HOUR, Metrics, Prometheus, START, cells, etcd_heatmap, oracle, prometheus_of,
};

const EARLY: i64 = START - HOUR;
const END: i64 = START + 6 * HOUR;
const PROMOTED: i64 = START + 4 * HOUR;

/// Two members throughout, one that goes for good after two hours, and a learner with a slow disk. It is not scraped in the
/// second hour, and votes from 04:00 on.
fn with_a_learner() -> Prometheus {
    let mut metrics = Metrics::default();
    let nowhere = END..END;
    for (member, seen, away, learns_until) in [
        ("m1", EARLY..END, nowhere.clone(), EARLY),
        ("m2", EARLY..END, nowhere.clone(), EARLY),
        ("m3", EARLY..START + 2 * HOUR, nowhere, EARLY),
        ("m4", EARLY..END, START + HOUR..START + 2 * HOUR, PROMOTED),
    ] {
        let labels = format!(r#"cluster="c",job="etcd",instance="{member}""#);
        let is_slow = member == "m4";
        let mut all = Metrics::default();
        all.member_with_slow_disk(&labels, EARLY..END, |_| is_slow);
        all.series("etcd_server_is_learner", &labels, EARLY..END, |t| f64::from(u8::from(t < learns_until)));
        metrics.append(&all.only(|second| seen.contains(&second) && !away.contains(&second)));
    }
    prometheus_of(&metrics.text())
}

/// The hours of the cluster, or of one of its members.
fn hours(folder: &Folder, member: Option<&str>) -> Vec<Cell> {
    let all = cells(&folder.text("audit/heatmap.csv"));
    all.into_iter().filter(|cell| cell.member.as_deref() == member).collect()
}

#[test]
fn the_score_of_a_cluster_leaves_out_a_slow_learner_also_while_it_is_not_scraped() {
    let (prometheus, folder) = (with_a_learner(), Folder::new("learner"));
    Asked::all(&prometheus, START, END).is_answered_exactly(&folder);
    let cluster = hours(&folder, None);
    let shown = |hour: usize| (cluster[hour].mean, cluster[hour].scored, cluster[hour].expected);
    for hour in [0, 1, 3] {
        assert_eq!(shown(hour), (Some(10.0), 60, 60), "{hour}: {cluster:?}");
    }
    // A slow disk costs three points, from the promotion on.
    assert_eq!(shown(4), (Some(7.0), 60, 60), "{cluster:?}");
    let own = hours(&folder, Some("m4"));
    assert_eq!((own[0].mean, own[0].worst_metric.as_str()), (Some(7.0), "wal_fsync"));
    assert!(own[1].scored < 10 && own[1].expected == 60, "{own:?}");
    for rollup in ["mean", "quorum"] {
        etcd_heatmap(&["score", "--quiet", &folder.at("audit"), "--rollup", rollup]).succeeds();
        oracle("score.py", &[&folder.at("audit"), "--step", "60", "--rollup", rollup]);
        assert_eq!(hours(&folder, None)[0].mean, Some(10.0), "{rollup}");
    }
}

#[test]
fn without_evidence_every_member_counts() {
    let (prometheus, folder) = (with_a_learner(), Folder::new("no-learner"));
    let asked = Asked { evidence: Some("none"), ..Asked::all(&prometheus, START, END) };
    asked.is_answered_exactly(&folder);
    let cluster = hours(&folder, None);
    assert_eq!((cluster[0].mean, cluster[4].mean), (Some(7.0), Some(7.0)));
    assert!(cluster[1].scored < 10, "{cluster:?}");
    // m4 is taken for a member from the start, so three are left when m3 goes.
    let gate = ["score", "--quiet", &folder.at("audit"), "--fail-below", "5", "--min-coverage", "0.5"];
    etcd_heatmap(&[&gate[..], &["--expect-members", "3"]].concat()).succeeds();
}

#[test]
fn expect_members_counts_the_members_that_vote() {
    let (prometheus, folder) = (with_a_learner(), Folder::new("voters"));
    Asked::all(&prometheus, START, END).run("backfill", &folder).succeeds();
    let audit = folder.at("audit");
    let flags = ["--fail-below", "5", "--expect-members", "3"];
    let score = etcd_heatmap(&[&["score", "--quiet", &audit], &flags[..]].concat());
    let diff = etcd_heatmap(&[&["diff", "--quiet", &audit, "--at", "2026-10-01T01:00"], &flags[..]].concat());
    for run in [score, diff] {
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.contains("c: 2 of 3 members from 2026-10-01T02:0"), "{}", run.stderr);
        assert!(run.stderr.contains(" to 2026-10-01T04:00:00Z"), "{}", run.stderr);
    }
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    let members = manifest["members"].as_array().expect("the members");
    let votes: Vec<_> = members.iter().map(|member| member["votes_from"].as_str()).collect();
    assert_eq!(votes, [None, None, None, Some("2026-10-01T04:00:00Z")]);
}

#[test]
fn explain_marks_a_learner() {
    let (prometheus, folder) = (with_a_learner(), Folder::new("explained-learner"));
    Asked::all(&prometheus, START, END).run("backfill", &folder).succeeds();
    let explain = |flags: &[&str]| {
        let text =
            etcd_heatmap(&[&["explain", &folder.at("audit"), "--cluster", "c"], flags].concat()).succeeds().stdout;
        let heads: Vec<String> = text.lines().filter(|line| line.starts_with("member ")).map(str::to_owned).collect();
        (text, heads)
    };
    let is_marked = |line: &String| line.contains("learner: not counted in the cluster's score");
    for flags in [&["--at", "2026-10-01T00"][..], &["--at", "2026-10-01T00:30", "--instant"]] {
        let (text, heads) = explain(flags);
        assert!(text.contains("member m4: ") && heads.len() == 4, "{text}");
        assert_eq!(heads.iter().map(is_marked).collect::<Vec<_>>(), [false, false, false, true], "{text}");
    }
    let (text, heads) = explain(&["--at", "2026-10-01T04"]);
    assert!(!heads.iter().any(is_marked), "{text}");
    // The learner takes the place of m3 with its promotion.
    let (text, _) = explain(&["--at", "2026-10-01T03"]);
    assert!(text.contains("\nnot in the score: m3 of c was replaced by m4\n"), "{text}");
}

#[test]
fn a_slow_learner_is_no_incident() {
    let (prometheus, folder) = (with_a_learner(), Folder::new("calm-learner"));
    Asked::all(&prometheus, START, PROMOTED).run("backfill", &folder).succeeds();
    let found = etcd_heatmap(&["findings", &folder.at("audit"), "--evidence"]).succeeds().stdout;
    assert!(!found.contains("WAL fsync p99 of m4"), "{found}");
    let all = Folder::new("slow-voter");
    Asked::all(&prometheus, START, END).run("backfill", &all).succeeds();
    let found = etcd_heatmap(&["findings", &all.at("audit"), "--evidence"]).succeeds().stdout;
    assert!(found.contains("m4"), "{found}");
}
