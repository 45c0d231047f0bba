//! The cases of `tests/behaviour/cases`: histories that users met, and gates with the rules of managed services.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::http::request;
use super::program::{Run, python};
use super::{Folder, Prometheus, Server, free_port, prometheus_of, until};

/// A Prometheus that holds the history of a case.
pub(crate) fn case(name: &str) -> Prometheus {
    prometheus_of(&case_text(name))
}

/// The history of a case, as OpenMetrics text.
pub(crate) fn case_text(name: &str) -> String {
    let mut program = Command::new(python());
    program.arg("-B").arg(script("histories.py")).arg(name);
    Run::of(program).succeeds().stdout
}

/// A gate in front of the server at `upstream`; `rule` is its rule, and the rule's argument if it has one.
pub(crate) fn behind(upstream: &str, rule: &[&str]) -> Server {
    let (folder, port) = (Folder::new("gate"), free_port());
    let mut program = Command::new(python());
    program.arg("-B").arg(script("gate.py")).args([&port.to_string(), upstream]).args(rule);
    let gate = Server::start(&program, port, &folder);
    // Some rules refuse this request: any answer shows that the gate listens.
    until("the gate listens", || request(port, "GET", "/-/ready", ""));
    gate
}

/// A Prometheus that scrapes, every second, a target with etcd's metrics whose histograms are native; and the target.
pub(crate) fn native_histograms() -> (Prometheus, Server) {
    let (folder, port) = (Folder::new("native"), free_port());
    let mut program = Command::new(python());
    program.arg("-B").arg(script("native.py")).arg(port.to_string());
    let target = Server::start(&program, port, &folder).ready("/-/ready");
    let config = format!(
        "scrape_configs:\n- job_name: etcd\n  scrape_interval: 1s\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    (Prometheus::start_with(folder, &["--enable-feature=native-histograms"], |_| config), target)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour/cases").join(name)
}
