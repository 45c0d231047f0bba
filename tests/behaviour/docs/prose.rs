//! Links of a page, and the command lines that it names without running them.

use super::page::{Mark, Page};
use crate::support::etcd_heatmap;

/// A command line of the program, as a page writes it.
#[derive(Debug)]
pub(super) struct CommandLine {
    place: String,
    words: Vec<String>,
}

impl CommandLine {
    /// A subcommand or a flag that the program does not have.
    pub(super) fn fault(&self) -> Option<String> {
        let subcommands: Vec<&str> = self.words.iter().map(String::as_str).take_while(|word| is_name(word)).collect();
        let subcommand = match subcommands.as_slice() {
            ["config", "show", ..] => &["config", "show"][..],
            [first, ..] => &[*first][..],
            [] => &[],
        };
        let run = etcd_heatmap(&[subcommand, &["--help"]].concat());
        if run.code != Some(0) {
            return Some(format!("{}: the program has no command `{}`", self.place, subcommand.join(" ")));
        }
        let known = |flag: &str| run.stdout.split_whitespace().any(|word| word.trim_end_matches([',', '.']) == flag);
        let flags = self.words.iter().filter(|word| word.starts_with("--") && word.len() > 2);
        let flag = flags.map(|word| word.split('=').next().unwrap_or(word)).find(|flag| !known(flag))?;
        Some(format!("{}: `etcd-heatmap {}` has no flag {flag}", self.place, subcommand.join(" ")))
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !word.starts_with('-')
}

/// The command lines between backticks, and those in blocks that are not run.
pub(super) fn command_lines(page: &Page) -> Vec<CommandLine> {
    let blocks = page.blocks();
    let mut texts = Vec::new();
    for block in &blocks {
        if matches!(block.mark, Some(Mark::NotRun(_))) {
            texts.push((block.fence + 1, block.lines.join("\n").replace("\\\n", " ")));
        }
    }
    let inside =
        |line: usize| blocks.iter().any(|block| (block.fence..=block.fence + block.lines.len() + 1).contains(&line));
    for (number, line) in page.lines.iter().enumerate().filter(|(number, _)| !inside(*number)) {
        let spans = line.split('`').skip(1).step_by(2);
        texts.extend(spans.map(|span| (number + 1, span.to_owned())));
    }
    let mut found = Vec::new();
    for (line, text) in texts {
        for part in text.split("etcd-heatmap ").skip(1) {
            let part = part.split(['\n', '|', '>', ';', '#', ')']).next().unwrap_or_default();
            let words: Vec<String> = part.split_whitespace().map(str::to_owned).collect();
            // `docker build -t etcd-heatmap .` names an image.
            if words.first().is_some_and(|word| is_name(word)) {
                found.push(CommandLine { place: format!("{}:{line}", page.path), words });
            }
        }
    }
    found
}

/// Links to files and headings that are not there.
pub(super) fn broken_links(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in page.lines.iter().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = Page::file(page.path).parent().expect("a page lies in a folder").to_owned();
            let path = if file.is_empty() { Page::file(page.path) } else { folder.join(file) };
            let place = format!("{}:{}", page.path, number + 1);
            if !path.exists() {
                faults.push(format!("{place}: {target} is not there"));
            } else if !heading.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if !text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading) {
                    faults.push(format!("{place}: {target}: the page has no such heading"));
                }
            }
        }
    }
    faults
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
