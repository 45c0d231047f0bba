//! A Markdown page: its blocks of code and the comments that say what to do with them.

use std::path::PathBuf;

/// A page by its path from the top of the repository.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) lines: Vec<String>,
}

/// A block of code between two fences.
#[derive(Debug)]
pub(super) struct Block {
    /// Index of its opening fence in the page's lines.
    pub(super) fence: usize,
    pub(super) language: String,
    /// Its lines, without the indentation of the fence.
    pub(super) lines: Vec<String>,
    pub(super) mark: Option<Mark>,
    /// Whether nothing but blank lines stands between this block and the one before.
    pub(super) follows: bool,
}

/// What the comment directly above a block says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    ExitCode(i32),
    /// Seconds after which the command gets SIGTERM; it then has to end with 0.
    StoppedAfter(String),
    NotRun(String),
    NotOutput(String),
}

impl Page {
    pub(super) fn read(path: &'static str) -> Self {
        let file = Self::file(path);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
        Self { path, lines: text.lines().map(str::to_owned).collect() }
    }

    pub(super) fn file(path: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        // The line after the last block's closing fence.
        let mut end = 0;
        let mut lines = self.lines.iter().enumerate();
        while let Some((fence, line)) = lines.next() {
            let Some(language) = line.trim_start().strip_prefix("```") else { continue };
            let indent = line.len() - line.trim_start().len();
            let inner = lines.by_ref().take_while(|(_, line)| line.trim() != "```");
            let inner: Vec<_> = inner.map(|(_, line)| line.get(indent..).unwrap_or_default().to_owned()).collect();
            let follows = !blocks.is_empty() && self.lines[end..fence].iter().all(|line| line.trim().is_empty());
            end = fence + inner.len() + 2;
            blocks.push(Block { fence, language: language.to_owned(), lines: inner, mark: self.mark(fence), follows });
        }
        blocks
    }

    /// The mark in the line above a fence; a comment that is none fails the test.
    fn mark(&self, fence: usize) -> Option<Mark> {
        let above = self.lines[..fence].last()?.trim();
        let comment = above.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
        let after = |start: &str| comment.strip_prefix(start).map(|rest| rest.trim().to_owned());
        let mark = after("exit code ").and_then(|code| code.parse().ok()).map(Mark::ExitCode);
        let mark = mark.or_else(|| {
            after("stopped after ").and_then(|time| time.strip_suffix(" s").map(str::to_owned)).map(Mark::StoppedAfter)
        });
        let mark = mark.or_else(|| after("not run:").map(Mark::NotRun));
        let mark = mark.or_else(|| after("not output:").map(Mark::NotOutput));
        assert!(mark.is_some(), "{}:{fence}: tests/behaviour/docs.rs knows no mark <!-- {comment} -->", self.path);
        mark
    }

    /// Where a block begins, for a message.
    pub(super) fn place(&self, block: &Block) -> String {
        format!("{}:{}", self.path, block.fence + 1)
    }

    /// Each block that is not run, with its place, first command and reason.
    pub(super) fn not_run(&self) -> Vec<String> {
        let blocks = self.blocks();
        let marked = blocks.iter().filter_map(|block| match &block.mark {
            Some(Mark::NotRun(reason)) => Some((block, reason)),
            _ => None,
        });
        marked.map(|(block, reason)| format!("{}: `{}`: {reason}", self.place(block), block.lines[0])).collect()
    }
}
