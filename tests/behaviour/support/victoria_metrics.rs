//! A real VictoriaMetrics server.

use super::http::request;
use super::program::needed;
use super::server::until;
use super::{Folder, Server, free_port};

/// A VictoriaMetrics with its own data folder.
pub(crate) struct VictoriaMetrics {
    server: Server,
    _folder: Folder,
}

impl VictoriaMetrics {
    /// Starts a server that holds exactly the samples of an OpenMetrics text, imported unchanged.
    pub(crate) fn of(text: &str, flags: &[&str]) -> Self {
        let (folder, port) = (Folder::new("victoria-metrics"), free_port());
        let mut program = needed("victoria-metrics", "victoria-metrics");
        program.arg(format!("-storageDataPath={}", folder.at("data")));
        program.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        // By default, samples older than a month are rejected.
        program.arg("-retentionPeriod=100y").args(flags);
        let server = Server::start(&program, port, &folder).ready("/health");
        let imported = request(port, "POST", "/api/v1/import/prometheus", text);
        assert!(matches!(imported, Some((204, _))), "the samples were not taken: {imported:?}");
        // Until the flush, queries do not see the samples.
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
