//! Runs programs: `etcd-heatmap` itself, scripts of the oracle, and programs of Debian packages.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_etcd-heatmap");

/// The exit code and output of a program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self::from(output)
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "it must succeed, but said\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that the program failed with one sentence that contains all of `words`: the cause and the remedy.
    #[track_caller]
    pub(crate) fn fails_saying(&self, words: &[&str]) {
        let said = &self.stderr;
        assert!(matches!(self.code, Some(1 | 2)), "it must fail with exit code 1 or 2: {self:?}");
        assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "not one sentence:\n{said}");
        for word in words {
            assert!(said.to_lowercase().contains(&word.to_lowercase()), "does not say {word:?}:\n{said}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("programs here speak UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub(crate) fn etcd_heatmap(arguments: &[&str]) -> Run {
    Run::of(etcd_heatmap_command(arguments))
}

pub(crate) fn etcd_heatmap_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    // A developer's proxy must not stand between these tests and a server on this machine.
    // A developer's log level and width of the terminal must not change the output.
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG", "COLUMNS"] {
        command.env_remove(variable);
    }
    // Neither a developer's settings nor the variable for the oracle's Python may be read as settings.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("ETCD_HEATMAP_") {
            command.env_remove(variable);
        }
    }
    command
}

/// A program of a Debian package; fails with the name of the package if it is not installed.
pub(crate) fn needed(program: &str, package: &str) -> Command {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file());
    assert!(found, "`{program}` is not installed: run `apt-get install {package}`, or ./test, which installs it");
    Command::new(program)
}

/// A program that every Linux system has.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a script of `tests/oracle` and asserts that it finds no difference.
#[track_caller]
pub(crate) fn oracle(script: &str, arguments: &[&str]) {
    let run = oracle_run(script, arguments);
    let (stdout, stderr) = (&run.stdout, &run.stderr);
    assert_eq!(run.code, Some(0), "{script} {arguments:?} disagrees:\n{stdout}{stderr}");
}

/// Runs a script of `tests/oracle`, whose exit code the caller checks.
pub(crate) fn oracle_run(script: &str, arguments: &[&str]) -> Run {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
    let mut command = Command::new(python());
    // Leave no __pycache__ in the source tree.
    command.arg("-B").arg(&script).args(arguments).env_remove("PYTHONPATH");
    Run::of(command)
}

/// The Python of the virtual environment that `./test` creates in the target folder.
pub(crate) fn python() -> PathBuf {
    let beside = Path::new(BINARY).ancestors().nth(2).expect("target/release/etcd-heatmap");
    let python = std::env::var_os("ETCD_HEATMAP_ORACLE_PYTHON")
        .map_or_else(|| beside.join("oracle-venv/bin/python"), PathBuf::from);
    assert!(python.is_file(), "the oracle's Python is not at {}: run ./test once, which installs it", python.display());
    python
}

/// A program of `examples/`, which `cargo test` builds too.
pub(crate) fn example(name: &str, arguments: &[&str]) -> Run {
    let program = Path::new(BINARY).with_file_name("examples").join(name);
    assert!(program.is_file(), "{} is missing: run `cargo build --release --example {name}`", program.display());
    let mut command = Command::new(program);
    command.args(arguments);
    Run::of(command)
}
