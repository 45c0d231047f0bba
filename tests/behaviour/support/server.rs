//! Real servers, which stop when they are dropped or, at the latest, when the tests end.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http::request;
use super::program::{Run, needed};
use super::{Folder, free_port};

/// Polls until there is an answer; fails after a minute.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not within a minute: {what}");
}

/// A server's process.
pub(crate) struct Server {
    shell: Child,
    port: u16,
    log: String,
}

impl Server {
    /// Starts a server that will listen on `port` and writes its log to `folder`.
    pub(crate) fn start(program: &Command, port: u16, folder: &Folder) -> Self {
        let log = folder.at(&format!("server-{port}.log"));
        let file = File::create(&log).unwrap_or_else(|error| panic!("cannot create {log}: {error}"));
        // The shell reads from a pipe whose other end only we hold. When that is closed, even because we were killed,
        // the shell kills the server. (PR_SET_PDEATHSIG would fire when the *thread* ends that started a shared server.)
        let mut shell = Command::new("sh");
        shell.args(["-c", r#""$@" & read -r _; kill -KILL $!; wait"#, "sh"]);
        shell.arg(program.get_program()).args(program.get_args()).stdin(Stdio::piped());
        shell.stdout(file.try_clone().expect("a file can be cloned")).stderr(file);
        let shell = shell.spawn().unwrap_or_else(|error| panic!("cannot run {shell:?}: {error}"));
        Self { shell, port, log }
    }

    /// Waits until the server answers `path` with success.
    pub(crate) fn ready(self, path: &str) -> Self {
        let start = Instant::now();
        while !matches!(request(self.port, "GET", path, ""), Some((200, _))) {
            let said = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(start.elapsed() < Duration::from_secs(60), "{path} was not ready in a minute:\n{}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
        self
    }

    /// Waits for a line in the server's log, for servers that cannot be polled without a login.
    pub(crate) fn says(self, words: &str) -> Self {
        until(words, || std::fs::read_to_string(&self.log).ok()?.contains(words).then_some(()));
        self
    }

    /// The body of a response; `None` if the request fails.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        request(self.port, method, path, body).filter(|(status, _)| (200..300).contains(status)).map(|(_, body)| body)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// A Prometheus with its own data folder.
pub(crate) struct Prometheus {
    server: Server,
    folder: Folder,
}

impl Prometheus {
    /// Starts on the blocks in `data` of `folder`; `config` makes the configuration from the port.
    pub(crate) fn start(folder: Folder, config: impl FnOnce(u16) -> String) -> Self {
        Self::start_with(folder, &[], config)
    }

    /// The same with more flags.
    pub(crate) fn start_with(folder: Folder, flags: &[&str], config: impl FnOnce(u16) -> String) -> Self {
        let mut program = needed("prometheus", "prometheus");
        let port = free_port();
        let config = folder.write("prometheus.yml", config(port));
        program.arg(format!("--config.file={config}"));
        program.arg(format!("--storage.tsdb.path={}", folder.at("data")));
        program.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        // By default, Prometheus would delete samples older than 15 days.
        program.arg("--storage.tsdb.retention.time=100y").args(flags);
        Self { server: Server::start(&program, port, &folder).ready("/-/ready"), folder }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The data directory.
    pub(crate) fn data(&self) -> String {
        self.folder.at("data")
    }
}

/// Long blocks, because promtool reads the whole file for each block; the default is one per two hours.
pub(crate) const ONE_BLOCK: [&str; 1] = ["--max-block-duration=162h"];

/// A Prometheus that holds exactly the samples of an OpenMetrics text.
pub(crate) fn prometheus_of(text: &str) -> Prometheus {
    prometheus_with(text, &[])
}

/// The same with more flags.
pub(crate) fn prometheus_with(text: &str, flags: &[&str]) -> Prometheus {
    let folder = Folder::new("prometheus");
    let file = folder.write("history.om", text);
    import(Path::new(&file), &folder, &ONE_BLOCK);
    Prometheus::start_with(folder, flags, |_| String::new())
}

/// The same with a `--web.config.file`, for users or TLS.
pub(crate) fn guarded_prometheus_of(text: &str, web_config: &str) -> Prometheus {
    let folder = Folder::new("guarded");
    let file = folder.write("history.om", text);
    import(Path::new(&file), &folder, &ONE_BLOCK);
    let (port, mut program) = (free_port(), needed("prometheus", "prometheus"));
    program.arg(format!("--config.file={}", folder.write("prometheus.yml", "")));
    program.arg(format!("--web.config.file={}", folder.write("web.yml", web_config)));
    program.arg(format!("--storage.tsdb.path={}", folder.at("data")));
    program.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    program.arg("--storage.tsdb.retention.time=100y");
    let server = Server::start(&program, port, &folder).says("Server is ready to receive web requests");
    Prometheus { server, folder }
}

/// Imports an OpenMetrics file into the data of `folder` with promtool, as an operator would.
#[track_caller]
pub(crate) fn import(file: &Path, folder: &Folder, flags: &[&str]) {
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(["tsdb", "create-blocks-from", "--quiet"]).args(flags).arg("openmetrics");
    Run::of({
        promtool.arg(file).arg(folder.at("data"));
        promtool
    })
    .succeeds();
}
