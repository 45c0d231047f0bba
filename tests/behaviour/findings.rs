//! Findings, compared with the incidents of the simulator, with SciPy, and with hand-made trouble.

use crate::support::{
    Asked, DAY, Folder, HOUR, Metrics, START, Simulated, etcd_heatmap, example, oracle, prometheus_of,
    sample_is_scored_exactly, simulated,
};

/// The rows of one kind that `etcd-heatmap findings --csv` prints.
fn found(folder: &Folder, kind: &str) -> Vec<String> {
    let text = etcd_heatmap(&["findings", &folder.at("audit"), "--csv", "--kind", kind]).succeeds().stdout;
    text.lines().skip(1).map(str::to_owned).collect()
}

fn labels(member: &str) -> String {
    format!(r#"cluster="c",job="etcd",instance="{member}""#)
}

#[test]
fn incidents_and_causes_of_leader_changes_match_the_simulator() {
    let folder = Folder::new("findings-truth");
    Asked::all(&simulated().prometheus, START, Simulated::END).run("backfill", &folder).succeeds();
    // The same arguments as the shared history, so that labels match its samples.
    let labels = ["--out", "/dev/null", "--truth", &folder.at("truth.csv"), "--elections", &folder.at("elections.csv")];
    example("simulate", &[&Simulated::ARGUMENTS[..], &labels].concat()).succeeds();
    let csv = folder.write("findings.csv", etcd_heatmap(&["findings", &folder.at("audit"), "--csv"]).succeeds().stdout);
    let judged = Folder::new("findings-judged");
    for name in ["truth.csv", "elections.csv"] {
        judged.write(name, folder.text(name));
    }
    // The simulator does not label hangs of a disk for seconds, which percentiles show for five minutes.
    let (audit, shortest) = (folder.at("audit"), ["--min-duration", "15m"]);
    judged.write(
        "findings.csv",
        etcd_heatmap(&[&["findings", &audit, "--csv"][..], &shortest].concat()).succeeds().stdout,
    );
    let score = ["score", &audit, "--formats", "problems", "--out", &judged.at("scored")];
    etcd_heatmap(&[&score[..], &shortest].concat()).succeeds();
    judged.write("problems.csv", judged.text("scored/problems.csv"));
    oracle("judge.py", &[&judged.at("")]);
    let least = ["--least", "incident=7", "--least", "leader_change=3", "--least", "defragmentation=3"];
    oracle("findings.py", &[&[&folder.at("audit"), csv.as_str()][..], &least].concat());
}

#[test]
fn findings_do_not_depend_on_the_number_of_threads() {
    let folder = Folder::new("findings-threads");
    Asked::all(&simulated().prometheus, START, Simulated::END).run("backfill", &folder).succeeds();
    let [one, many] = ["1", "4"].map(|threads| {
        let mut command = crate::support::etcd_heatmap_command(&["findings", &folder.at("audit"), "--evidence"]);
        command.env("RAYON_NUM_THREADS", threads);
        crate::support::Run::of(command).succeeds().stdout
    });
    assert_eq!(one, many);
    assert!(one.starts_with("incidents, ") && one.contains("\n  1. "), "{one}");
}

/// Ten days of a cluster whose disk is slow from two to four every day, and whose databases grow.
fn slow_nights() -> (Folder, i64) {
    let (start, end) = (START - HOUR, START + 10 * DAY);
    let mut metrics = Metrics::every(300);
    for member in ["m1", "m2"] {
        let mut healthy = Metrics::every(300);
        healthy.member(&labels(member), start..end);
        metrics.append(&healthy.without(&["etcd_disk_wal_fsync", "etcd_mvcc_db_total_size"]));
        let slow = |t: i64| member == "m1" && (2 * HOUR..4 * HOUR).contains(&((t - START).rem_euclid(DAY)));
        metrics.wal_fsync(&labels(member), start..end, slow);
        // From 1.2 GB, noisy growth of 50 MB a day; a defragmentation frees 300 MB on the second day.
        let days = |t: i64| (t - START) as f64 / DAY as f64;
        let size = move |t: i64| {
            let shrunk = if t >= START + DAY + 5 * HOUR { 3e8 } else { 0.0 };
            (1.2e9 + 5e7 * days(t) + 4e6 * (days(t) * 7.3).sin() - shrunk).round()
        };
        metrics.series("etcd_mvcc_db_total_size_in_bytes", &labels(member), start..end, size);
        metrics.series("etcd_server_quota_backend_bytes", &labels(member), start..end, |_| 4e9);
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("slow-nights"));
    Asked { step: 300, ..Asked::all(&prometheus, START, end) }.run("backfill", &folder).succeeds();
    (folder, end)
}

#[test]
fn slow_nights_are_a_recurrence_and_the_growth_interval_matches_scipy() {
    let (folder, _) = slow_nights();
    let csv = folder.write("findings.csv", etcd_heatmap(&["findings", &folder.at("audit"), "--csv"]).succeeds().stdout);
    let least = ["incident=10", "recurrence=1", "growth=1", "defragmentation=1", "maintenance_window=1"];
    let least: Vec<&str> = least.into_iter().flat_map(|count| ["--least", count]).collect();
    oracle("findings.py", &[&[&folder.at("audit"), csv.as_str()][..], &least].concat());

    let [night] = found(&folder, "recurrence").try_into().expect("the nights, and nothing else");
    assert!(night.contains(",c,m1,2026-10-01 00:00:00,"), "{night}");
    assert!(
        night.contains(
            "slow disk daily 02:00 to 04:00 UTC since 2026-10-01, in 20 of 20 such hours and in 0 of 220 other hours"
        ),
        "{night}"
    );
    assert_eq!(found(&folder, "growth").len(), 1);
    let evidence = folder.text("audit/evidence.csv");
    assert!(
        evidence.contains(",quota_is_from,the history"),
        "a pull reads the quota, although no threshold of the seed's is a share of it: {evidence}"
    );
    assert_eq!(found(&folder, "leader_change"), Vec::<String>::new());
    let local = ["findings", &folder.at("audit"), "--kind", "recurrence", "--time-zone", "Asia/Tokyo"];
    let text = etcd_heatmap(&local).succeeds().stdout;
    assert!(text.contains("daily 11:00 to 13:00 Asia/Tokyo"), "{text}");
}

/// Nine days of two clusters with their sizes in use. The databases of `grows` grow toward their quota, at 70 % in use; those of
/// `idle` are mostly free pages. Each member is defragmented on the second day in 45 s, which frees little at m2.
#[test]
fn sizes_in_use_and_counted_defragmentations_agree_with_an_independent_computation() {
    let (start, end) = (START - HOUR, START + 9 * DAY);
    let (mut metrics, mut counters) = (Metrics::every(120), Metrics::every(60));
    for (cluster, share) in [("grows", 0.7), ("idle", 0.3)] {
        for (member, freed) in [("m1", 3e8), ("m2", 2e7), ("m3", 3e8)] {
            let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
            let mut healthy = Metrics::every(120);
            healthy.member(&labels, start..end);
            metrics.append(&healthy.without(&["etcd_mvcc_db_total_size"]));
            let at = START + DAY + if member == "m3" { 3 * HOUR } else { HOUR };
            let grown = move |t: i64| if cluster == "grows" { 5e7 * (t - START) as f64 / DAY as f64 } else { 0.0 };
            let size = move |t: i64| (1.2e9 + grown(t) - if t >= at { freed } else { 0.0 }).round();
            metrics.series("etcd_mvcc_db_total_size_in_bytes", &labels, start..end, size);
            let in_use = move |t: i64| (size(t) * share).round();
            metrics.series("etcd_mvcc_db_total_size_in_use_in_bytes", &labels, start..end, in_use);
            metrics.series("etcd_server_quota_backend_bytes", &labels, start..end, |_| 4e9);
            let took = |t: i64| if t >= at { 45.0 } else { 0.0 };
            counters.series("etcd_disk_backend_defrag_duration_seconds_sum", &labels, start..end, took);
        }
    }
    metrics.append(&counters);
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("databases"));
    let asked = Asked { step: 60, evidence: Some("all"), ..Asked::all(&prometheus, START, end) };
    asked.run("backfill", &folder).succeeds();
    let csv = folder.write("findings.csv", etcd_heatmap(&["findings", &folder.at("audit"), "--csv"]).succeeds().stdout);
    // m1 and m2 are one round, and m3 two hours later another one.
    let least = ["growth=1", "defragmentation=4", "fragmentation=1"];
    let least: Vec<&str> = least.into_iter().flat_map(|count| ["--least", count]).collect();
    oracle("findings.py", &[&[&folder.at("audit"), csv.as_str()][..], &least].concat());
    let rounds = found(&folder, "defragmentation");
    // The rate over five minutes extrapolates the 45 s by up to a scrape interval.
    assert!(rounds.iter().all(|row| row.contains(" in about 45 s") || row.contains(" in about 56 s")), "{rounds:?}");
    assert!(rounds[0].contains("at 1 of them it freed less than 5 %"), "{rounds:?}");
}

/// kops runs a second cluster for events on the hosts of the first: the same job, the same hosts, another port.
#[test]
fn two_clusters_on_the_same_hosts_under_one_name_are_told_apart_by_their_ports() {
    let mut metrics = Metrics::default();
    let seconds = START - HOUR..START + DAY;
    for (port, leader) in [("4001", "10.0.0.2"), ("4002", "10.0.0.3")] {
        for host in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
            let labels = labels(&format!("{host}:{port}"));
            // One slow hour, so that there is a problem as well.
            let slow = move |t: i64| host == "10.0.0.1" && (5 * HOUR..6 * HOUR).contains(&(t - START));
            metrics.member_with_slow_disk(&labels, seconds.clone(), slow);
            let leads = move |_| f64::from(u8::from(host == leader));
            metrics.series("etcd_server_is_leader", &labels, seconds.clone(), leads);
        }
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("findings-kops"));
    Asked { evidence: Some("auto"), ..Asked::all(&prometheus, START, START + DAY) }.run("backfill", &folder).succeeds();
    let [one] = found(&folder, "two_leaders").try_into().expect("one pair of leaders");
    let expected = "10.0.0.2:4001 and 10.0.0.3:4002 of c led at the same time for 1 d: two clusters under one name; the ports \
                    4001 and 4002 of the same hosts tell them apart";
    assert!(one.contains(expected), "{one}");
    // Six members of one cluster would be an even number.
    assert_eq!(found(&folder, "cluster_size"), Vec::<String>::new());
    // The advice works: each of the two has one leader, and three members.
    for port in ["4001", "4002"] {
        let (out, apart) = (Folder::new("findings-kops-apart"), format!(r#"instance=~".*:{port}""#));
        let asked = Asked { evidence: Some("auto"), ..Asked::all(&prometheus, START, START + DAY) };
        Asked { selector: Some(&apart), ..asked }.run("backfill", &out).succeeds();
        assert_eq!(found(&out, "two_leaders"), Vec::<String>::new());
    }
    let report = folder.text("audit/report.md");
    assert!(report.contains("two clusters under one name"), "{report}");
    oracle("markdown.py", &[&folder.at("audit")]);
    crate::support::needed("chromium", "chromium");
    oracle("report_page.py", &[&folder.at("audit"), "clusters"]);
}

#[test]
fn findings_csv_escapes_formulas_and_kind_filters_findings() {
    let mut metrics = Metrics::default();
    for cluster in ["=cmd()", "@c"] {
        let labels = format!(r#"cluster="{cluster}",job="etcd",instance="-m""#);
        metrics.member(&labels, START - HOUR..START + DAY);
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("findings-formula"));
    Asked::all(&prometheus, START, START + DAY).run("backfill", &folder).succeeds();
    let rows = found(&folder, "maintenance_window");
    assert_eq!(rows.len(), 2, "{rows:?}");
    for (row, cluster) in rows.iter().zip(["'=cmd()", "'@c"]) {
        assert!(row.contains(&format!(",,,maintenance_window,{cluster},")), "{row}");
        assert!(row.contains(&format!(",{cluster} is quietest")) || row.contains(&format!("\"{cluster} is quietest")));
    }
    let one = etcd_heatmap(&["findings", &folder.at("audit"), "--csv", "--cluster", "@c"]).succeeds().stdout;
    assert_eq!(one.lines().count(), 2, "{one}");
    etcd_heatmap(&["findings", &folder.at("audit"), "--cluster", "c9"]).fails_saying(&["'c9'", "=cmd()"]);
    etcd_heatmap(&["findings", &folder.at("audit"), "--kind", "incidents"]).fails_saying(&["did you mean 'incident'"]);
}

#[test]
fn findings_of_an_unscored_folder_use_the_settings() {
    let folder = Folder::new("findings-pulled");
    Asked::all(&simulated().prometheus, START, START + DAY).run("pull", &folder).succeeds();
    let disk = |flags: &[&str]| {
        let audit = folder.at("audit");
        let run = [&["findings", &audit, "--csv", "--kind", "incident"][..], flags].concat();
        etcd_heatmap(&run).succeeds().stdout.lines().filter(|row| row.contains(",wal_fsync,")).count()
    };
    assert_eq!(disk(&[]), 1);
    assert_eq!(disk(&["--band", "wal_fsync=1:0"]), 0, "the disk was never that slow");
}

#[test]
fn the_verdict_and_the_problems_agree_with_the_scores() {
    let sample = sample_is_scored_exactly(&[]);
    let troubled = Folder::new("findings-problems");
    Asked::all(&simulated().prometheus, START, Simulated::END).run("backfill", &troubled).succeeds();
    for folder in [&sample, &troubled] {
        let audit = folder.at("audit");
        let said = Folder::new("findings-said");
        let text = |name: &str, flags: &[&str]| {
            said.write(name, etcd_heatmap(&[&["findings", &audit], flags].concat()).succeeds().stdout)
        };
        oracle("problems_text.py", &[&audit, &text("short.txt", &[]), &text("all.txt", &["--all"])]);
    }
}

#[test]
fn flags_choose_problems_of_a_cluster_findings_of_a_kind_and_evidence() {
    let folder = sample_is_scored_exactly(&[]);
    let audit = folder.at("audit");
    let said = |flags: &[&str]| etcd_heatmap(&[&["findings", &audit], flags].concat()).succeeds().stdout;
    let shortest = ["--cluster", "c02", "--min-duration", "15m"];
    let c02 = said(&shortest);
    assert!(c02.starts_with("the cluster needs no attention\nno problems, 0 hours below 7"), "{c02}");
    assert!(c02.contains("not shown: 1 row of short dips") && !c02.contains("c01"), "{c02}");
    let dips = said(&[&shortest[..], &["--all"]].concat());
    assert!(dips.contains(". c02: slow disk on ") && !dips.contains("not shown"), "{dips}");
    let short = said(&["--cluster", "c02"]);
    assert!(short.contains("1 problem in 1 cluster") && short.contains("3 times from 2026-10-02"), "{short}");
    let [evidence, incidents] = [&["--evidence"][..], &["--kind", "incident"]].map(said);
    let headings = |text: &str| text.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).count();
    assert!(headings(&evidence) > 3 && evidence.contains("\n  rule: "), "{evidence}");
    assert!(headings(&incidents) == 1 && evidence.starts_with(incidents.trim_end()), "{incidents}");
    assert!(incidents.contains("problem=c01/slow_disk/1"), "{incidents}");
    for wrong in [["--all", "--csv"], ["--evidence", "--csv"], ["--all", "--evidence"]] {
        let run = etcd_heatmap(&[&["findings", &audit][..], &wrong].concat());
        assert!(run.code == Some(2) && run.stderr.contains("cannot be used with"), "{wrong:?}: {}", run.stderr);
    }
}

/// Three members that are upgraded one after the other, as an operator does it: each restarts with the new version, and one that
/// leads loses the leadership.
#[test]
fn a_leader_that_comes_back_with_another_version_lost_the_leadership_by_an_upgrade() {
    let (start, end) = (START - HOUR, START + 3 * HOUR);
    let upgraded = |member: i64| START + HOUR + member * 600 + 5;
    // The first two lead until they are upgraded, and a restart without another version follows.
    let again = START + 2 * HOUR + 5;
    let leader = |t: i64| match t {
        t if t < upgraded(0) => 0,
        t if t < upgraded(1) => 1,
        t if t < again => 2,
        _ => 0,
    };
    let mut metrics = Metrics::every(15);
    for member in 0..3 {
        let of = labels(&format!("m{member}"));
        let mut healthy = Metrics::every(15);
        healthy.member(&of, start..end);
        metrics.append(&healthy.without(&["etcd_server_leader_changes_seen_total"]));
        let changes = move |t: i64| (start..=t).step_by(15).filter(|t| leader(*t) != leader(*t - 15)).count() as f64;
        metrics.series("etcd_server_leader_changes_seen_total", &of, start..end, changes);
        metrics.series("etcd_server_is_leader", &of, start..end, |t| f64::from(u8::from(leader(t) == member)));
        let version = |version: &str| format!("{of},server_version=\"{version}\"");
        metrics.series("etcd_server_version", &version("3.5.9"), start..upgraded(member), |_| 1.0);
        metrics.series("etcd_server_version", &version("3.5.12-rc.1"), upgraded(member)..end, |_| 1.0);
        metrics.series("process_start_time_seconds", &of, start..end, |t| match t {
            t if member == 2 && t >= again => again as f64 - 2.0,
            t if t >= upgraded(member) => upgraded(member) as f64 - 2.0,
            _ => (start - DAY) as f64,
        });
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("upgraded"));
    Asked { step: 15, ..Asked::all(&prometheus, START, end) }.is_answered_exactly(&folder);
    let changes: Vec<String> = found(&folder, "leader_change");
    let cause = |row: &String| row.split(',').find(|field| ["upgrade", "restart"].contains(field)).map(str::to_owned);
    let causes: Vec<_> = changes.iter().filter_map(cause).collect();
    assert_eq!(causes, ["upgrade", "upgrade", "restart"], "{changes:?}");
    for (row, member) in changes.iter().zip(["m0", "m1"]) {
        assert!(row.contains(&format!("{member}, which led, restarted at ")), "{row}");
        assert!(row.contains(" with etcd 3.5.12 instead of 3.5.9"), "{row}");
    }
    // Of the four restarts, three brought the version.
    let restarts = found(&folder, "incident").into_iter().filter(|row| row.contains(" restarted at "));
    let (with, without): (Vec<_>, Vec<_>) = restarts.partition(|row| row.contains("with etcd 3.5.12 instead of 3.5.9"));
    assert_eq!((with.len(), without.len()), (3, 1), "{with:?} {without:?}");
    let evidence = folder.text("audit/evidence.csv");
    assert_eq!(evidence.matches(",version_before,3.5.9,").count(), 3, "{evidence}");
}

#[test]
fn members_of_different_versions_are_told_unless_an_upgrade_is_over_within_a_day() {
    // The third member of each cluster is upgraded first, and the others so many hours later.
    let clusters = [("day", 24), ("short", 23), ("open", 1000)];
    let (start, end) = (START - HOUR, START + 2 * DAY);
    let mut metrics = Metrics::every(300);
    for (cluster, hours) in clusters {
        for member in 0..3 {
            let of = format!(r#"cluster="{cluster}",job="etcd",instance="m{member}""#);
            metrics.member(&of, start..end);
            let upgraded = START + HOUR + if member == 2 { 0 } else { hours * HOUR };
            let version = |version: &str| format!("{of},server_version=\"{version}\"");
            metrics.series("etcd_server_version", &version("3.5.9"), start..upgraded.min(end), |_| 1.0);
            metrics.series("etcd_server_version", &version("3.6.1"), upgraded.min(end)..end, |_| 1.0);
        }
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("versions"));
    Asked { step: 300, ..Asked::all(&prometheus, START, end) }.is_answered_exactly(&folder);
    let told = found(&folder, "mixed_versions");
    let says = |cluster: &str| told.iter().filter(|row| row.contains(&format!(",{cluster},"))).collect::<Vec<_>>();
    let [day] = says("day")[..] else { panic!("{told:?}") };
    assert!(day.contains("day ran etcd 3.5.9 on m0, m1 and 3.6.1 on m2 for 1 d from 2026-10-01 at 01:00"), "{day}");
    let [open] = says("open")[..] else { panic!("{told:?}") };
    assert!(open.contains("open ran etcd 3.5.9 on m0, m1 and 3.6.1 on m2 since 2026-10-01 at 01:00"), "{open}");
    assert!(says("short").is_empty(), "{told:?}");
    let report = folder.text("audit/report.md");
    assert!(report.contains("open ran etcd 3.5.9"), "{report}");
}

/// A member whose disk is slow three times for an hour: while clients send five times as much as usual, while its database is
/// defragmented, and for no reason that shows.
#[test]
fn a_slow_disk_is_told_with_the_load_and_the_defragmentation_of_its_time() {
    let (start, end) = (START - HOUR, START + DAY);
    let of = labels("m1");
    let hour = |t: i64| (t - START).div_euclid(HOUR);
    let mut healthy = Metrics::every(60);
    healthy.member(&of, start..end);
    let mut metrics = Metrics::every(60);
    let own = ["etcd_disk_wal_fsync", "etcd_network_client_grpc_received", "etcd_mvcc_db_total_size"];
    metrics.append(&healthy.without(&own));
    metrics.wal_fsync(&of, start..end, |t| [4, 10, 16].contains(&hour(t)));
    let sent = |t: i64| (start..t).step_by(60).map(|t| if hour(t) == 4 { 300_000.0 } else { 60_000.0 }).sum();
    metrics.series("etcd_network_client_grpc_received_bytes_total", &of, start..end, sent);
    let size = |t: i64| if t < START + 10 * HOUR + 1800 { 1e9 } else { 4e8 };
    metrics.series("etcd_mvcc_db_total_size_in_bytes", &of, start..end, size);
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("spells"));
    Asked::all(&prometheus, START, end).run("backfill", &folder).succeeds();
    let slow: Vec<String> = found(&folder, "incident").into_iter().filter(|row| row.contains("WAL fsync")).collect();
    let at = |hour: &str| slow.iter().find(|row| row.contains(&format!("2026-10-01 {hour}:"))).expect("an incident");
    let (busy, defragmented) =
        ("clients sent more than 3 times as much as usual for ", "the database of m1 was defragmented");
    assert!(at("04").contains(busy) && !at("04").contains(defragmented), "{slow:?}");
    assert!(at("10").contains(defragmented) && !at("10").contains(busy), "{slow:?}");
    assert!(!at("16").contains(busy) && !at("16").contains(defragmented), "{slow:?}");
    assert_eq!(slow.len(), 3, "{slow:?}");
}
