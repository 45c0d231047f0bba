//! Real etcd members, and queries about them.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Folder, Prometheus, Server, free_port, needed};

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

/// Three real etcd members on this machine, with an elected leader.
pub(crate) fn etcd_cluster(folder: &Folder) -> Vec<Server> {
    started(&etcd_programs(folder), folder)
}

/// Starts them, and waits until they are healthy.
pub(crate) fn started(programs: &[(Command, u16)], folder: &Folder) -> Vec<Server> {
    let members: Vec<_> = programs.iter().map(|(etcd, port)| Server::start(etcd, *port, folder)).collect();
    members.into_iter().map(|member| member.ready("/health")).collect()
}

/// The command of each member, with its client port.
pub(crate) fn etcd_programs(folder: &Folder) -> Vec<(Command, u16)> {
    let ports: Vec<_> = (0..3).map(|_| (free_port(), free_port())).collect();
    let cluster: Vec<_> = ports.iter().map(|(_, peer)| format!("m{peer}=http://127.0.0.1:{peer}")).collect();
    let cluster = cluster.join(",");
    let program = |&(client, peer): &(u16, u16)| {
        let mut etcd = needed("etcd", "etcd-server");
        let (client_url, peer_url) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        etcd.args(["--name", &format!("m{peer}"), "--data-dir", &folder.at(&format!("m{peer}"))]);
        etcd.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        etcd.args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url]);
        etcd.args(["--initial-cluster", &cluster]);
        (etcd, client)
    };
    ports.iter().map(program).collect()
}

/// Writes a key: without writes there is no fsync, and the percentile is NaN.
pub(crate) fn put(member: &Server) -> Option<()> {
    member.ask("POST", "/v3/kv/put", r#"{"key": "aGVhdA==", "value": "bWFw"}"#).map(drop)
}

/// Whether a PromQL comparison returns a series.
pub(crate) fn holds(prometheus: &Prometheus, query: &str) -> bool {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = prometheus.server().ask("GET", &format!("/api/v1/query?query={encoded}"), "");
    answer.is_some_and(|answer| answer.contains(r#""metric""#))
}
