//! `textfile`: the live score, on its way through node_exporter to Prometheus, equals that of a later backfill.

mod circle;
mod told;
mod writer;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{
    Background, Folder, Prometheus, Server, etcd_cluster, etcd_heatmap_command, free_port, holds, needed, put, until,
};

/// Three etcd members that are written to, and a Prometheus that scrapes them and a node_exporter every second.
struct Live {
    members: Vec<Server>,
    prometheus: Prometheus,
    node: Server,
    textfiles: Folder,
    _etcd: Folder,
}

impl Live {
    fn start() -> Self {
        let (textfiles, etcd) = (Folder::new("textfiles"), Folder::new("textfile-etcd"));
        let (members, node) = (etcd_cluster(&etcd), node_exporter(&textfiles));
        let prometheus = Prometheus::start(Folder::new("textfile-prometheus"), |_| {
            let targets: Vec<_> = members.iter().map(|member| format!("\"127.0.0.1:{}\"", member.port())).collect();
            format!(
                "global: {{scrape_interval: 1s}}\nscrape_configs:\n- {{job_name: etcd, static_configs: [{{targets: [{}]}}]}}\n\
                 - {{job_name: node, static_configs: [{{targets: [\"{}\"]}}]}}\n",
                targets.join(", "),
                address(&node)
            )
        });
        Self { members, prometheus, node, textfiles, _etcd: etcd }
    }

    /// Shared by all tests that do not disturb it; ready once all members have had disk writes.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Live> = OnceLock::new();
        static WRITES: AtomicBool = AtomicBool::new(false);
        let live = SHARED.get_or_init(Self::start);
        if !WRITES.swap(true, Ordering::Relaxed) {
            std::thread::spawn(|| {
                loop {
                    let _ = put(&live.members[0]);
                    std::thread::sleep(Duration::from_millis(200));
                }
            });
        }
        until("disk writes on all three members", || live.is_known().then_some(()));
        live
    }

    fn is_known(&self) -> bool {
        ["wal_fsync", "backend_commit"].iter().all(|disk| {
            holds(
                &self.prometheus,
                &format!("count(rate(etcd_disk_{disk}_duration_seconds_count[20s] offset 4s)>0)==3"),
            )
        })
    }
}

fn node_exporter(textfiles: &Folder) -> Server {
    let (port, mut program) = (free_port(), needed("prometheus-node-exporter", "prometheus-node-exporter"));
    program.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    program.args(["--collector.disable-defaults", "--collector.textfile"]);
    program.arg(format!("--collector.textfile.directory={}", textfiles.path().display()));
    Server::start(&program, port, textfiles).ready("/metrics")
}

fn address(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

/// Starts a `textfile --every 1s`.
fn writer(url: &str, out: &str, more: &[&str]) -> Background {
    Background::start(etcd_heatmap_command(&loop_arguments(url, out, more)))
}

/// Arguments to evaluate every second, two seconds in the past.
fn loop_arguments<'a>(url: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let flags = ["textfile", "--url", url, "--selector", r#"job="etcd""#, "--query-offset", "2s", "--every", "1s"];
    flags.into_iter().chain(["--out", out]).chain(more.iter().copied()).collect()
}
