//! Pulls from the directory of a running Prometheus that scrapes every second: head, write-ahead log, snapshot,
//! and deletions. Compared with the server's own answers.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::from_files::equals_the_server;
use crate::remote_read::equals_promql;
use crate::support::{Asked, Folder, Prometheus, Run, each_connection, etcd_heatmap, needed, now, until};

/// A target: how far its life has come.
pub(crate) struct Target {
    pub(crate) port: u16,
    phase: Arc<AtomicU64>,
}

/// In this phase a target answers as a new process, in `FAILING` with an error, and in `BARE` without some metrics.
const RESTARTED: u64 = 1;
const FAILING: u64 = 2;
const BARE: u64 = 3;

impl Target {
    pub(crate) fn start(number: u64) -> Self {
        let phase = Arc::new(AtomicU64::new(0));
        let (shared, started) = (Arc::clone(&phase), Instant::now());
        let port = each_connection(move |client| {
            let age = started.elapsed().as_millis() as u64;
            serve(client, number, shared.load(Ordering::SeqCst), age)
        });
        Self { port, phase }
    }

    fn enter(&self, phase: u64) {
        self.phase.store(phase, Ordering::SeqCst);
    }
}

fn serve(mut client: TcpStream, number: u64, phase: u64, age_ms: u64) -> Option<()> {
    let mut request = [0; 4096];
    // A scrape fits into one packet.
    (client.read(&mut request).ok()? > 0).then_some(())?;
    let (status, body) = match phase {
        FAILING => ("500 Internal Server Error", String::new()),
        _ => ("200 OK", page(number, phase, age_ms)),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n");
    client.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()
}

/// The metrics of a member at an age of the test.
fn page(number: u64, phase: u64, age_ms: u64) -> String {
    let mut text = String::new();
    // A new process counts from 0 again, and slower.
    let base = if phase == RESTARTED { age_ms / 7 } else { 100_000 * (number + 1) + age_ms };
    for (name, shift) in [("etcd_disk_wal_fsync", 0), ("etcd_disk_backend_commit", 3)] {
        for (le, share) in [("0.001", 13), ("0.004", 71), ("0.016", 90), ("0.064", 97), ("+Inf", 100)] {
            let count = base * (share - shift).min(100) / 100 + age_ms % 11;
            let _ = writeln!(text, "{name}_duration_seconds_bucket{{le=\"{le}\"}} {count}");
        }
    }
    let _ = writeln!(text, "etcd_server_leader_changes_seen_total {}", 1 + age_ms / 9_000);
    let _ = writeln!(text, "etcd_network_client_grpc_received_bytes_total {}.5", base * 37);
    let _ = writeln!(text, "process_open_fds {}", 50 + age_ms % 17);
    let _ = writeln!(text, "process_start_time_seconds {}.25", 1_700_000_000 + 1_000 * phase);
    if phase != BARE {
        let _ = writeln!(text, "etcd_server_has_leader 1");
        let _ = writeln!(text, "etcd_mvcc_db_total_size_in_bytes {}", 1_000_000 + age_ms);
    }
    let _ = writeln!(text, "etcd_debugging_mvcc_db_total_size_in_bytes {}", 900_000 + age_ms);
    text
}

/// A Prometheus over the data of a folder scrapes these targets every second.
pub(crate) fn scraping_into(folder: Folder, targets: &[Target]) -> Prometheus {
    let listed: Vec<String> = targets.iter().map(|target| format!("'127.0.0.1:{}'", target.port)).collect();
    let config = format!(
        "scrape_configs:\n- job_name: etcd\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  static_configs:\n  - targets: [{}]\n",
        listed.join(", ")
    );
    Prometheus::start_with(folder, &["--web.enable-admin-api"], |_| config)
}

/// Waits until a target was scraped so often.
pub(crate) fn scraped(prometheus: &Prometheus, count: usize) {
    until("enough scrapes", || {
        (samples_of(prometheus, "count_over_time(process_open_fds[5m])") >= count).then_some(())
    });
}

fn samples_of(prometheus: &Prometheus, query: &str) -> usize {
    let answer = prometheus.server().ask("GET", &format!("/api/v1/query?query={query}"), "").unwrap_or_default();
    answer
        .split("\"value\":[")
        .skip(1)
        .map(|value| value.split('"').nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or_default())
        .max()
        .unwrap_or_default()
}

#[test]
fn a_directory_is_read_while_prometheus_writes_it() {
    let targets: Vec<Target> = (0..4).map(Target::start).collect();
    let prometheus = scraping_into(Folder::new("scraping"), &targets);
    let start = now();
    scraped(&prometheus, 8);
    targets[1].enter(RESTARTED);
    targets[2].enter(FAILING);
    targets[3].enter(BARE);
    scraped(&prometheus, 16);
    // A counter that starts again behind a staleness marker: prometheus#13747.
    targets[2].enter(RESTARTED);
    targets[3].enter(0);
    scraped(&prometheus, 24);
    let asked = Asked { step: 1, ..Asked::all(&prometheus, start - 2, now() - 1) };
    let data = prometheus.data();

    let live = Folder::new("live");
    equals_the_server(&asked, &data, &live);
    let checked = etcd_heatmap(&["check", "--from", &data, "--step", "1s"]).succeeds();
    for words in ["files    a write-ahead log in /", "members  4 in 1 cluster", "1 s", "ready    "] {
        assert!(checked.stdout.contains(words), "does not show {words:?}:\n{}", checked.stdout);
    }
    equals_promql(&asked, "raw", &Folder::new("live-remote"));

    let answer = prometheus.server().ask("POST", "/api/v1/admin/tsdb/snapshot", "").expect("a snapshot is made");
    let name = answer.split("\"name\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it has a name");
    equals_the_server(&asked, &format!("{data}/snapshots/{name}"), &Folder::new("live-snapshot"));

    // Deleted samples of one member, in the head.
    let (from, to) = (start + 5, start + 12);
    let deleted = format!("match[]={{instance=\"127.0.0.1:{}\"}}&start={from}&end={to}", targets[0].port);
    let deleted: String = deleted
        .chars()
        .map(|c| match c {
            '{' | '}' | '"' | '[' | ']' => format!("%{:02x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    prometheus
        .server()
        .ask("POST", &format!("/api/v1/admin/tsdb/delete_series?{deleted}"), "")
        .expect("they are deleted");
    let after = Folder::new("live-deleted");
    equals_the_server(&asked, &data, &after);
    assert_ne!(live.tree("audit/history"), after.tree("audit/history"), "the deletion must change readings");

    // A copy that was made while the server wrote, archives of it, and a dump.
    let copy = Folder::new("live-copy");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments);
        Run::of(command).succeeds().stdout
    };
    run("cp", &["-r", &data, &copy.at("data")]);
    equals_the_server(&asked, &copy.at("data"), &Folder::new("live-copied"));
    for name in ["prometheus.tar", "prom_data.tar.gz"] {
        run("tar", &["-caf", &copy.at(name), "-C", &copy.at(""), "data"]);
        equals_the_server(&asked, &copy.at(name), &Folder::new("live-archived"));
    }
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(["tsdb", "dump", &copy.at("data")]);
    std::fs::create_dir_all(copy.at("must-gather/quay-io/monitoring/metrics")).expect("folders can be made");
    let samples = openmetrics(&Run::of(promtool).succeeds().stdout);
    assert!(samples.contains(" NaN "), "the failed scrapes must have left staleness markers");
    let dump = copy.write("must-gather/quay-io/monitoring/metrics/metrics.openmetrics", samples);
    equals_the_server(&asked, &dump, &Folder::new("live-dumped"));
    run("tar", &["-czf", &copy.at("must-gather.tar.gz"), "-C", &copy.at(""), "must-gather"]);
    equals_the_server(&asked, &copy.at("must-gather.tar.gz"), &Folder::new("live-gathered"));
}

/// The format of `promtool tsdb dump-openmetrics`, which Debian's promtool does not have yet, from that of `tsdb dump`:
/// `{__name__="a", b="c"} 1 1700000000123` becomes `a{b="c"} 1 1700000000.123`.
pub(crate) fn openmetrics(dump: &str) -> String {
    let mut text = String::new();
    for line in dump.lines() {
        let (labels, rest) = line.rsplit_once("} ").expect("labels end with a brace");
        let (value, time_ms) = rest.split_once(' ').expect("a value and a time");
        let labels = labels.strip_prefix("{__name__=\"").expect("the name comes first");
        let (name, labels) = labels.split_once('"').expect("the name ends with a quote");
        let labels = labels.strip_prefix(", ").unwrap_or_default();
        let time_ms: i64 = time_ms.trim().parse().expect("milliseconds");
        let _ = writeln!(text, "{name}{{{labels}}} {value} {}.{:03}", time_ms / 1000, time_ms % 1000);
    }
    text + "# EOF\n"
}
