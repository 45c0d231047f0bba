//! A real VictoriaMetrics.

use super::http::request;
use super::program::needed;
use super::server::until;
use super::{Folder, Server, free_port};

/// A VictoriaMetrics with a folder of its own.
pub(crate) struct VictoriaMetrics {
    server: Server,
    _folder: Folder,
}

impl VictoriaMetrics {
    /// Starts one that holds exactly the samples of an OpenMetrics text, which it takes as it stands.
    pub(crate) fn of(text: &str, flags: &[&str]) -> Self {
        let (folder, port) = (Folder::new("victoria-metrics"), free_port());
        let mut program = needed("victoria-metrics", "victoria-metrics");
        program.arg(format!("-storageDataPath={}", folder.at("data")));
        program.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        // By default everything older than a month would be refused.
        program.arg("-retentionPeriod=100y").args(flags);
        let server = Server::start(&program, port, &folder).ready("/health");
        let imported = request(port, "POST", "/api/v1/import/prometheus", text);
        assert!(matches!(imported, Some((204, _))), "the samples were not taken: {imported:?}");
        // Until then it keeps them to itself.
        until("flushed samples", || server.ask("GET", "/internal/force_flush", ""));
        Self { server, _folder: folder }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}
