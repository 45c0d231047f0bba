//! Several servers, or tenants of one, in a single history: `[[source]]` and `--tenant`.

mod lacking;
mod one_of_several;
mod unchanged;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    DAY, Doorman, Folder, HOUR, Metrics, Prometheus, Run, S3, START, Tree, answer, assert_same, each_connection,
    etcd_heatmap, etcd_heatmap_command, oracle, prometheus_of, read_request,
};

/// Two days for which every server has samples.
const RANGE: [&str; 4] = ["--start", "2026-10-01", "--end", "2026-10-03"];

/// A server with the cluster `prod`, and one with a name of its own. One member of `prod` has a slow disk at hours that differ
/// from server to server. For two hours of the second day, `us` sent nothing: its Prometheus was down.
fn server(own: &str, slow_from: i64) -> Prometheus {
    let mut metrics = Metrics::every(60);
    let seconds = START - 26 * HOUR..START + 2 * DAY;
    let slow = |second: i64| (slow_from..slow_from + 3 * HOUR).contains(&(second - START));
    metrics.member_with_slow_disk("cluster=\"prod\",job=\"etcd\",instance=\"m1\"", seconds.clone(), slow);
    metrics.member("cluster=\"prod\",job=\"etcd\",instance=\"m2\"", seconds.clone());
    metrics.member(&format!("cluster=\"{own}\",job=\"etcd\",instance=\"m1\""), seconds);
    let outage = START + 38 * HOUR..START + 40 * HOUR;
    let metrics = if own == "us" { metrics.only(|second| !outage.contains(&second)) } else { metrics };
    prometheus_of(&metrics.text())
}

/// A server that can be down: it refuses every request then.
struct Mortal {
    doorman: Doorman,
    is_down: Arc<AtomicBool>,
    _server: Prometheus,
}

impl Mortal {
    fn of(server: Prometheus) -> Self {
        let is_down = Arc::new(AtomicBool::new(false));
        let down = Arc::clone(&is_down);
        let refused = || answer("503 Service Unavailable", "", "gone");
        let judge = move |_: &str| down.load(Ordering::SeqCst).then(refused);
        Self { doorman: Doorman::before(server.server().port(), judge), is_down, _server: server }
    }

    fn url(&self) -> String {
        self.doorman.url("")
    }

    fn die(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    fn live(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }
}

/// Writes a settings file with these sources, each with its name and URL.
fn settings(folder: &Folder, sources: &[(&str, &str)]) -> String {
    let tables = sources.iter().map(|(name, url)| format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n\n"));
    let shared = "[sources]\nstep = \"5m\"\nretries = 0\n\n".to_owned();
    folder.write("sources.toml", tables.fold(shared, |text, table| text + &table))
}

fn run(command: &str, settings: &str, folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&[command, "--quiet", "--config", settings, "--out", &folder.at("audit")], flags].concat())
}

fn alone(url: &str, folder: &Folder, name: &str, flags: &[&str]) {
    let out = folder.at(name);
    etcd_heatmap(&[&["backfill", "--quiet", "--url", url, "--out", &out, "--step", "5m"], flags].concat()).succeeds();
}

fn manifest(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.text(&format!("{name}/manifest.json"))).expect("JSON")
}

/// The joined history and everything that was made of it, without the histories of the sources.
fn of_joined(folder: &Folder) -> Tree {
    let mut tree = folder.tree("audit");
    tree.retain(|name, _| !name.starts_with("sources/"));
    tree
}

/// The clusters in the manifest.
fn clusters(folder: &Folder) -> Vec<String> {
    let manifest = manifest(folder, "audit");
    let members = manifest["members"].as_array().expect("a list").iter();
    let mut names: Vec<String> = members.map(|member| member["cluster"].as_str().expect("a name").to_owned()).collect();
    names.dedup();
    names
}

/// The cells of a cluster on a day: steps scored and expected of each hour.
fn cells(folder: &Folder, cluster: &str, date: &str) -> Vec<(u64, u64)> {
    let csv = folder.text("audit/heatmap.csv");
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("a header").trim_start_matches('\u{feff}').split(',').collect();
    let at =
        |name: &str| header.iter().position(|column| *column == name).unwrap_or_else(|| panic!("{name}: {header:?}"));
    let (of, member, day) = (at("cluster"), at("member"), at("date"));
    let (scored, expected) = (at("steps_scored"), at("steps_expected"));
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let ours = rows.filter(|row| row[of] == cluster && row[member].is_empty() && row[day] == date);
    ours.map(|row| (row[scored].parse().expect("a number"), row[expected].parse().expect("a number"))).collect()
}

/// The findings of a folder without their numbers and ranks, and without the names of sources, sorted.
fn findings(folder: &Folder, name: &str) -> Vec<String> {
    let csv = folder.text(&format!("{name}/findings.csv"));
    let finding = |line: &str| {
        let rest = line.splitn(4, ',').last().expect("four columns");
        rest.replace("eu-1/", "").replace("us-1/", "")
    };
    let mut findings: Vec<String> = csv.lines().skip(1).map(finding).collect();
    findings.sort();
    assert!(findings.len() > 1, "there must be something to compare: {csv}");
    findings
}

#[test]
fn two_servers_with_clusters_of_one_name_give_the_readings_and_scores_of_two_single_pulls() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let folder = Folder::new("several");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("backfill", &config, &folder, &RANGE).succeeds();
    alone(&eu.url(), &folder, "eu", &RANGE);
    alone(&us.url(), &folder, "us", &RANGE);
    oracle(
        "several.py",
        &[&folder.at("audit"), &format!("eu-1={}", folder.at("eu")), &format!("us-1={}", folder.at("us"))],
    );
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod", "us-1/prod", "us-1/us"]);

    // So are the findings: an outage of one Prometheus is not taken for one of its members because the other goes on.
    let mut single = [findings(&folder, "eu"), findings(&folder, "us")].concat();
    single.sort();
    assert_eq!(findings(&folder, "audit"), single);

    // The history of each source is the one that a pull of it alone writes.
    for (name, alone) in [("eu-1", "eu"), ("us-1", "us")] {
        let (own, alone) =
            (folder.tree(&format!("audit/sources/{name}/history")), folder.tree(&format!("{alone}/history")));
        assert_same(&alone, &own);
    }
    let manifest = manifest(&folder, "audit");
    assert_eq!(manifest["source"]["kind"], "several");
    assert_eq!(manifest["source"]["sources"]["us-1"]["url"], us.url().as_str());
    assert!(manifest.get("days_lacking").is_none());

    // Another run pulls nothing, and changes nothing.
    let before = folder.tree("audit");
    run("backfill", &config, &folder, &RANGE).succeeds();
    assert_same(&before, &folder.tree("audit"));

    // It is scored, explained, diffed and copied as any history.
    let explained =
        etcd_heatmap(&["explain", &folder.at("audit"), "--cluster", "us-1/prod", "--at", "2026-10-02T07"]).succeeds();
    assert!(explained.stdout.contains("us-1/prod"), "{}", explained.stdout);
    etcd_heatmap(&[
        "explain",
        &folder.at("audit"),
        "--cluster",
        "us-1/prod",
        "--at",
        "2026-10-02T07",
        "--instant",
        "--url",
        &us.url(),
    ])
    .fails_saying(&["explain prod of", "sources/us-1"]);
    fs::write(folder.path().join("key"), "a key of 24 characters.\n").expect("a folder of our own");
    etcd_heatmap(&[
        "anonymize",
        "--quiet",
        &folder.at("audit"),
        "--key-file",
        &folder.at("key"),
        "--out",
        &folder.at("copy"),
    ])
    .succeeds();
    for (name, bytes) in folder.tree("copy") {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!["us-1", "eu-1", "prod", "127.0.0.1"].iter().any(|secret| text.contains(secret)), "{name} has a name");
    }
}

#[test]
fn a_dead_server_is_named_and_the_others_are_pulled_joined_and_scored() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(server("us", 30 * HOUR)));
    let (folder, whole) = (Folder::new("dead"), Folder::new("whole"));
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("backfill", &config, &whole, &RANGE).succeeds();

    us.die();
    let failed = run("backfill", &config, &folder, &RANGE);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    failed.fails_saying(&["1 of 2 sources failed: us-1:", "503", "none of its clusters", "run the same command again"]);
    alone(&eu.url(), &folder, "eu", &RANGE);
    oracle("several.py", &[&folder.at("audit"), &format!("eu-1={}", folder.at("eu"))]);
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod"]);
    let lacking = serde_json::json!({ "us-1": ["2026-10-01", "2026-10-02"] });
    assert_eq!(manifest(&folder, "audit")["days_lacking"], lacking, "scoring keeps what a pull lacked");
    let noted = etcd_heatmap(&["score", &folder.at("audit")]).succeeds();
    assert!(noted.stderr.contains("source us-1 has no data for 2026-10-01 to 2026-10-02"), "{}", noted.stderr);
    assert!(folder.text("audit/report.html").contains("for which source us-1 has no data"));

    // Once it is back, the next run pulls only what is missing.
    us.live();
    let before = folder.tree("audit/sources/eu-1");
    run("backfill", &config, &folder, &RANGE).succeeds();
    assert_same(&before, &folder.tree("audit/sources/eu-1"));
    assert_same(&of_joined(&whole), &of_joined(&folder));

    // If all are dead, nothing is written.
    us.die();
    let none = Folder::new("none");
    let config = settings(&none, &[("us-1", &us.url()), ("us-2", &us.url())]);
    run("backfill", &config, &none, &RANGE).fails_saying(&["2 of 2 sources failed: us-1:", "; us-2:"]);
    assert!(!none.path().join("audit").exists());
}

#[test]
fn a_server_that_dies_between_runs_keeps_its_days_and_is_unknown_on_the_others() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(server("us", 30 * HOUR)));
    let (folder, whole) = (Folder::new("dies"), Folder::new("whole"));
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("backfill", &config, &folder, &["--start", "2026-10-01", "--end", "2026-10-01T18:00:00Z"]).succeeds();
    let first = folder.tree("audit/sources/us-1/history");
    us.die();
    run("backfill", &config, &folder, &RANGE)
        .fails_saying(&["1 of 2 sources failed: us-1:", "the history lacks its readings of 2026-10-01 to 2026-10-02"]);
    assert_same(&first, &folder.tree("audit/sources/us-1/history"));
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod", "us-1/prod", "us-1/us"]);

    // What is known stays scored. From then on, every step is expected and none is scored.
    let steps = |cluster, date| cells(&folder, cluster, date);
    assert_eq!(steps("us-1/prod", "2026-10-01"), [[(12, 12); 18].as_slice(), &[(0, 12); 6]].concat());
    assert_eq!(steps("us-1/prod", "2026-10-02"), [(0, 12); 24]);
    assert_eq!(steps("eu-1/prod", "2026-10-02"), [(12, 12); 24]);
    // It has not left: nobody knows.
    let findings = etcd_heatmap(&["findings", "--quiet", "--all", &folder.at("audit")]);
    assert!(!findings.stdout.to_lowercase().contains("was not replaced"), "{}", findings.stdout);
    let below = etcd_heatmap(&["score", "--quiet", &folder.at("audit"), "--fail-below", "1"]);
    assert_eq!(below.code, Some(3), "{}", below.stderr);
    assert!(below.stderr.contains("scored at 37.5 % of the steps: us-1/prod"), "18 of 48 hours: {}", below.stderr);

    us.live();
    run("backfill", &config, &folder, &RANGE).succeeds();
    run("backfill", &config, &whole, &RANGE).succeeds();
    assert_same(&of_joined(&whole), &of_joined(&folder));
}

#[test]
fn a_source_can_be_added_later_and_is_not_dropped_by_mistake() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let (folder, whole) = (Folder::new("grows"), Folder::new("whole"));
    let both = [("eu-1", eu.url()), ("us-1", us.url())];
    let both: Vec<(&str, &str)> = both.iter().map(|(name, url)| (*name, url.as_str())).collect();
    run("backfill", &settings(&folder, &both[..1]), &folder, &RANGE).succeeds();
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod"]);
    run("backfill", &settings(&folder, &both), &folder, &RANGE).succeeds();
    run("backfill", &settings(&whole, &both), &whole, &RANGE).succeeds();
    assert_same(&of_joined(&whole), &of_joined(&folder));

    let before = folder.tree("audit");
    run("pull", &settings(&folder, &both[..1]), &folder, &RANGE)
        .fails_saying(&["sources eu-1, us-1 instead of eu-1", "--overwrite"]);
    let single = ["pull", "--quiet", "--url", &us.url(), "--step", "5m", "--out", &folder.at("audit")];
    etcd_heatmap(&[&single[..], &RANGE].concat()).fails_saying(&["eu-1 (http", "choose another --out"]);
    // The folder of a source is needed to join it again.
    fs::rename(folder.path().join("audit/sources/us-1"), folder.path().join("kept")).expect("a folder of our own");
    let gone = [both[0], ("us-1", "http://127.0.0.1:9")];
    run("pull", &settings(&folder, &gone), &folder, &RANGE).fails_saying(&[
        "has readings of source us-1",
        "sources/us-1",
        "--overwrite",
    ]);
    fs::rename(folder.path().join("kept"), folder.path().join("audit/sources/us-1")).expect("a folder of our own");
    assert_same(&before, &folder.tree("audit"));
    run("pull", &settings(&folder, &both[..1]), &folder, &[&RANGE[..], &["--overwrite"]].concat()).succeeds();
    assert_eq!(clusters(&folder), ["eu-1/eu", "eu-1/prod"]);
}

#[test]
fn overwriting_replaces_the_joined_history_only_as_a_whole() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(server("us", 30 * HOUR)));
    let folder = Folder::new("overwritten");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    run("pull", &config, &folder, &RANGE).succeeds();
    let before = of_joined(&folder);
    us.die();
    let again = [&RANGE[..], &["--overwrite", "--step", "10m"]].concat();
    run("pull", &config, &folder, &again).fails_saying(&["us-1:", "keeps its old history"]);
    assert_same(&before, &of_joined(&folder));
    us.live();
    run("pull", &config, &folder, &again).succeeds();
    assert_eq!(manifest(&folder, "audit")["asked"]["step_seconds"], 600);
}

/// A gateway such as Mimir's: the header chooses whose data a request reads. Requests without a tenant are refused.
fn gateway(tenants: Vec<(&'static str, u16)>) -> String {
    format!("http://127.0.0.1:{}", each_connection(move |stream| route(stream, &tenants)))
}

fn route(mut client: TcpStream, tenants: &[(&str, u16)]) -> Option<()> {
    let request = read_request(&mut client)?;
    let tenant = request.lines().find_map(|line| line.strip_prefix("x-scope-orgid: "));
    let Some((_, port)) = tenants.iter().find(|(name, _)| Some(*name) == tenant) else {
        return client.write_all(answer("401 Unauthorized", "", "no org id").as_bytes()).ok();
    };
    let mut server = TcpStream::connect(("127.0.0.1", *port)).ok()?;
    server.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).ok()?;
    std::io::copy(&mut server, &mut client).ok().map(|_| ())
}

#[test]
fn each_of_several_tenants_is_a_source_and_a_single_one_keeps_its_names() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let url = gateway(vec![("team-a", eu.server().port()), ("team-b", us.server().port())]);
    let folder = Folder::new("tenants");
    let backfill = |out: &str, flags: &[&str]| {
        let all = ["backfill", "--quiet", "--url", &url, "--out", &folder.at(out), "--step", "5m", "--retries", "0"];
        etcd_heatmap(&[&all[..], &RANGE, flags].concat())
    };
    backfill("none", &[]).fails_saying(&["401"]);
    backfill("audit", &["--tenant", "team-a,team-b"]).succeeds();
    backfill("a", &["--tenant", "team-a"]).succeeds();
    backfill("b", &["--header", "X-Scope-OrgID: team-b"]).succeeds();
    oracle(
        "several.py",
        &[&folder.at("audit"), &format!("team-a={}", folder.at("a")), &format!("team-b={}", folder.at("b"))],
    );
    assert_eq!(clusters(&folder), ["team-a/eu", "team-a/prod", "team-b/prod", "team-b/us"]);
    // One tenant is the same source as its header.
    assert_same(&folder.tree("audit/sources/team-b/history"), &folder.tree("b/history"));
    backfill("b", &["--tenant", "team-b"]).succeeds();

    let both = backfill("c", &["--tenant", "team-a", "--header", "X-Scope-OrgID: team-b"]);
    assert_eq!(both.code, Some(2));
    both.fails_saying(&["--tenant: the header X-Scope-OrgID is set too", "leave out one"]);
    backfill("c", &["--tenant", "team-a|team-b"]).fails_saying(&["--header 'X-Scope-OrgID: team-a|team-b'"]);
    // A tenant that the gateway does not know fails alone.
    backfill("c", &["--tenant", "team-a,team-c"]).fails_saying(&["1 of 2 sources failed: team-c:", "401"]);
}

#[test]
fn a_killed_run_is_completed_by_the_next_one() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let (folder, whole) = (Folder::new("killed"), Folder::new("whole"));
    let sources = [("eu-1", eu.url()), ("us-1", us.url())];
    let sources: Vec<(&str, &str)> = sources.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let config = settings(&folder, &sources);
    run("pull", &config, &whole, &RANGE).succeeds();
    for (milliseconds, signal) in [(40, "KILL"), (120, "INT"), (200, "KILL"), (300, "TERM"), (400, "KILL")] {
        fs::remove_dir_all(folder.path().join("audit")).unwrap_or_default();
        // A history of the first source alone, so that the description of all days changes.
        run("pull", &settings(&folder, &sources[..1]), &folder, &RANGE).succeeds();
        settings(&folder, &sources);
        let pull = ["pull", "--quiet", "--config", &config, "--out", &folder.at("audit")];
        let mut child = etcd_heatmap_command(&[&pull[..], &RANGE].concat())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        child.wait().expect("it ends");
        run("pull", &config, &folder, &RANGE).succeeds();
        assert_same(&folder_without_partial(&whole), &folder_without_partial(&folder));
    }
}

#[test]
fn several_sources_are_kept_in_a_bucket_as_in_a_folder() {
    let (s3, eu, us) = (S3::start(), server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let folder = Folder::new("bucket");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    for end in ["2026-10-02", "2026-10-03"] {
        let range = ["--start", "2026-10-01", "--end", end];
        run("pull", &config, &folder, &range).succeeds();
        let pull = ["pull", "--quiet", "--config", &config, "--out", &s3.at("audit")];
        s3.run(&[&pull[..], &range].concat()).succeeds();
        assert_same(&folder.tree("audit"), &s3.tree("audit"));
    }
    assert_eq!(s3.left_over(), [""; 0]);
}

/// All files, of which none may be temporary.
fn folder_without_partial(folder: &Folder) -> Tree {
    let tree = folder.tree("audit");
    assert!(!tree.keys().any(|name| name.contains(".partial") || name.contains("history.new")), "{:?}", tree.keys());
    tree
}

#[test]
fn each_source_is_checked_and_mistakes_in_one_are_found_before_any_work() {
    let (eu, us) = (server("eu", 4 * HOUR), Mortal::of(server("us", 30 * HOUR)));
    let folder = Folder::new("checked");
    let config = settings(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    let check = || etcd_heatmap(&[&["check", "--quiet", "--config", &config], &RANGE[..]].concat());
    let checked = check().succeeds();
    assert!(
        checked.stdout.starts_with("source eu-1:\n") && checked.stdout.contains("\nsource us-1:\n"),
        "{}",
        checked.stdout
    );
    us.die();
    let failed = check();
    assert!(failed.stdout.contains("source eu-1:\n"), "{}", failed.stdout);
    failed.fails_saying(&["1 of 2 sources failed: us-1:", "503"]);

    for (command, words) in [
        (&["textfile"][..], &["textfile reads one source, and eu-1, us-1 are set: name one of them as --source"][..]),
        (&["rules"], &["rules reads one source"]),
        (&["pull", "--shard", "1/2", "--out", "x"], &["pull --shard reads one source"]),
        (&["pull", "--url", "http://127.0.0.1:9", "--out", "x"], &["--url: every [[source]] sets its own url"]),
    ] {
        let refused = etcd_heatmap(&[command, &["--config", &config]].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        refused.fails_saying(words);
    }
    let text =
        format!("{}http_config_file = \"missing.yml\"\n", folder.text("sources.toml").trim_end().to_owned() + "\n");
    folder.write("sources.toml", text);
    let wrong = run("pull", &config, &folder, &RANGE);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    wrong.fails_saying(&["source us-1:", "missing.yml"]);
    assert!(!folder.path().join("audit").exists());
}
