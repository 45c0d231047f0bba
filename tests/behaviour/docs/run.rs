//! Runs the commands of a page, in its order, in one folder that is empty at first.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::page::{Block, Mark, Page};
use super::shown::{difference, is_shown, renewed};
use crate::support::{BINARY, DAY, Folder, HOUR, Prometheus, Run, VictoriaMetrics, example, import, needed, simulated};

const PROMETHEUS: &str = "http://127.0.0.1:9090";
/// The data directory of that Prometheus, as pages show it.
const COPY: &str = "/mnt/copy/prometheus";
const VICTORIA_METRICS: &str = "http://127.0.0.1:8428";
/// What the pages run from the sources; the test's program is built already.
const FROM_SOURCES: &str = "cargo run --release -- ";

/// Seconds that a block may take; a command that runs until it is stopped needs a mark.
const LONGEST: &str = "300";
/// What a block of commands must not name: the tests run as any user, on any machine.
const OUTSIDE: [&str; 8] = [" /etc/", " /usr/", " ~", "sudo ", "docker ", "kubectl ", "systemctl ", "apt-get "];

/// Runs all blocks of a page and fails with everything that is not as the page says.
pub(super) fn every_command_works(page: &Page) {
    let run = PageRun::start(page);
    let blocks = page.blocks();
    let (mut faults, mut replaced) = (Vec::new(), Vec::new());
    // The output of the block above, while no block has taken it for its own.
    let mut output: Option<Vec<String>> = None;
    for block in &blocks {
        let place = page.place(block);
        let before = output.take();
        match (block.language.as_str(), &block.mark) {
            ("sh", Some(Mark::NotRun(_))) | ("text", Some(Mark::NotOutput(_))) => {}
            ("sh", mark @ (None | Some(Mark::ExitCode(_) | Mark::StoppedAfter(_)))) => {
                let (code, lines) = run.commands(block);
                let expected = if let Some(Mark::ExitCode(code)) = mark { *code } else { 0 };
                if code != Some(expected) {
                    let (commands, text) = (block.lines.join("\n  "), lines.join("\n  "));
                    let ended = code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
                    faults.push(format!("{place}: {ended} in the place of {expected}:\n  {commands}\n{text}"));
                }
                output = Some(lines);
            }
            ("text", None) if block.follows && before.is_some() => {
                let found = before.unwrap_or_default();
                if !is_shown(&block.lines, &found) {
                    let (command, changes) = (commands_above(&blocks, block), difference(&block.lines, &found));
                    faults.push(format!("{place}: `{command}` prints (+) something else than the page shows (-):\n{changes}"));
                    replaced.push((block.fence, block.lines.len(), renewed(&block.lines, &found)));
                }
            }
            ("toml" | "yaml" | "ini" | "promql", None) => match block.lines.first().and_then(|l| l.strip_prefix("# ")) {
                Some(name) if !name.contains(' ') => drop(run.folder.write(name, run.real(&block.lines.join("\n")) + "\n")),
                _ => faults.push(format!("{place}: its first line has to name its file: # etcd-heatmap.toml")),
            },
            (language, mark) => faults.push(format!(
                "{place}: ```{language} with {mark:?} is neither commands (sh), nor the output of the block directly above \
                 (text), nor a file: see the head of tests/behaviour/docs.rs"
            )),
        }
    }
    if std::env::var_os("REWRITE_DOCS").is_some() {
        rewrite(page, replaced);
    }
    assert!(faults.is_empty(), "{} is not as the program is:\n\n{}", page.path, faults.join("\n"));
}

/// The commands whose output this block is.
fn commands_above(blocks: &[Block], output: &Block) -> String {
    let above = blocks.iter().take_while(|block| block.fence < output.fence).last();
    above.map_or_else(String::new, |block| block.lines.join("; "))
}

/// Puts real output into the page.
fn rewrite(page: &Page, replaced: Vec<(usize, usize, Vec<String>)>) {
    let mut lines = page.lines.clone();
    for (fence, count, renewed) in replaced.into_iter().rev() {
        let indent = " ".repeat(lines[fence].len() - lines[fence].trim_start().len());
        let indented = renewed.into_iter().map(|line| format!("{indent}{line}").trim_end().to_owned());
        lines.splice(fence + 1..fence + 1 + count, indented);
    }
    std::fs::write(Page::file(page.path), lines.join("\n") + "\n").expect("the page can be written");
}

/// The folder in which a page runs, and what stands for addresses and paths that the page shows.
struct PageRun {
    folder: Folder,
    /// As shown, as it is.
    stand_ins: Vec<(&'static str, String)>,
    _elsewhere: Folder,
    _victoria_metrics: Option<VictoriaMetrics>,
}

impl PageRun {
    fn start(page: &Page) -> Self {
        let (folder, elsewhere) = (Folder::new("docs"), Folder::new("docs-prometheus"));
        let ran = page.blocks().into_iter().filter(|block| !matches!(block.mark, Some(Mark::NotRun(_))));
        let text: String = ran.flat_map(|block| block.lines).collect::<Vec<_>>().join("\n");
        // What begins like another one stands before it.
        let textfiles = ("/var/lib/prometheus/node-exporter", elsewhere.at("textfiles"));
        let mut stand_ins = vec![textfiles, ("/var/lib/prometheus/metrics2", elsewhere.at("data"))];
        if text.contains(PROMETHEUS) {
            stand_ins.push((PROMETHEUS, prometheus().url()));
        }
        if text.contains(COPY) {
            stand_ins.push((COPY, prometheus().data()));
        }
        let victoria_metrics = text.contains(VICTORIA_METRICS).then(|| VictoriaMetrics::of("", &[]));
        stand_ins.extend(victoria_metrics.iter().map(|server| (VICTORIA_METRICS, server.url())));
        for name in ["textfiles", "data"] {
            std::fs::create_dir_all(elsewhere.at(name)).expect("a folder of the test can be made");
        }
        Self { folder, stand_ins, _elsewhere: elsewhere, _victoria_metrics: victoria_metrics }
    }

    /// A text of the page with the addresses and paths of this run.
    fn real(&self, text: &str) -> String {
        self.stand_ins.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real))
    }

    /// An output with the addresses and paths of the page.
    fn shown(&self, text: &str) -> String {
        self.stand_ins.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(real, shown))
    }

    /// Runs the commands of a block. Both outputs in the order in which they were written, without blanks at the ends
    /// of lines, which Markdown and editors do not keep.
    fn commands(&self, block: &Block) -> (Option<i32>, Vec<String>) {
        let stopped = match &block.mark {
            Some(Mark::StoppedAfter(seconds)) => {
                format!("etcd-heatmap() {{ timeout --preserve-status -s TERM {seconds} {BINARY} \"$@\"; }}\n")
            }
            _ => String::new(),
        };
        let commands = self.real(&block.lines.join("\n")).replace(FROM_SOURCES, "etcd-heatmap ");
        let outside = OUTSIDE.iter().find(|word| commands.contains(**word));
        assert_eq!(outside, None, "a block may change this machine: mark it as not run\n{commands}");
        let mut bash = needed("timeout", "coreutils");
        bash.args([LONGEST, "bash", "-c", &format!("set -euo pipefail; exec 2>&1\n{stopped}{commands}")]);
        let beside = Path::new(BINARY).parent().expect("the program lies in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        bash.env_clear().env("PATH", format!("{}:{path}", beside.display())).env("LANG", "C.UTF-8");
        bash.env("HOME", self.folder.path()).current_dir(self.folder.path());
        let run = Run::of(bash);
        let lines = self.shown(&run.stdout).lines().map(|line| line.trim_end().to_owned()).collect();
        (run.code, lines)
    }
}

/// Three clusters of three members: the first three days of October 2026, which the tests share, and the day before now,
/// until some hours after it.
fn prometheus() -> &'static Prometheus {
    static SHARED: OnceLock<Prometheus> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = Folder::new("docs-server");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs() as i64;
        let start = (now - DAY) / HOUR * HOUR;
        let start =
            chrono::DateTime::from_timestamp(start, 0).expect("a time").format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let recent = folder.at("recent.om");
        let arguments = [
            "--days",
            "1.25",
            "--scrape",
            "60s",
            "--seed",
            "7",
            "--incidents",
            "none",
            "--start",
            &start,
            "--out",
            &recent,
        ];
        example("simulate", &arguments).succeeds();
        for file in [&simulated().file, &recent] {
            import(Path::new(file), &folder, &["--max-block-duration=162h"]);
        }
        Prometheus::start(folder, |_| String::new())
    })
}
