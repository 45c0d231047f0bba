//! Progress, notes and summaries: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, WeakProgressBar};

use super::stdout::{StdoutError, print_wrapped};
use crate::places::shown;
use crate::sources::prometheus::Traffic;
use crate::text::count;

/// Time between two progress lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Indent of lines that continue another line of a summary.
const HANG: usize = 4;
/// A search shows its progress only after this time.
const SILENT_FOR: Duration = Duration::from_secs(2);
/// Time between two updates of a bar.
const BAR_EVERY: Duration = Duration::from_millis(200);

/// The bar on the screen, if there is one. It is static so that the log, which has no handle of
/// it, can print above it.
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Writes whole lines to standard error, above the bar if there is one.
pub(super) fn write_lines(lines: &[u8]) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(WeakProgressBar::upgrade);
    // Ignore a failed write: a user who closed standard error does not want these lines.
    let write = || drop(std::io::stderr().write_all(lines));
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Prints progress, notes and summaries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reporter {
    quiet: bool,
    terminal: bool,
}

impl Reporter {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// Prints a note on standard error; prints nothing with `--quiet`.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            write_lines(format!("{}\n", shown(text)).as_bytes());
        }
    }

    /// Prints the summary of a command that writes files on standard output, wrapped to the window; prints nothing with
    /// `--quiet`. A command that prints its result uses [`super::stdout::print`] instead, which ignores `--quiet`.
    pub(super) fn summary(&self, text: &str) -> Result<(), StdoutError> {
        if self.quiet { Ok(()) } else { print_wrapped(text, HANG) }
    }

    /// Waits for a search on a server. If it takes long, shows the number of queries answered so far.
    pub(super) async fn while_searching<T>(&self, traffic: &Traffic, search: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let mut search = pin!(search);
        let mut shown = None::<ProgressBar>;
        let mut wait = SILENT_FOR;
        loop {
            let found = match select(search, pin!(tokio::time::sleep(wait))).await {
                Either::Left((found, _)) => found,
                Either::Right(((), still)) => {
                    search = still;
                    let answered = count(traffic.received().queries, "query");
                    let text = format!("searching the server for etcd's series: {answered}");
                    wait = if self.terminal { BAR_EVERY } else { LINE_EVERY };
                    match &shown {
                        _ if self.quiet => {}
                        None if self.terminal => {
                            let bar = ProgressBar::new_spinner().with_message(text);
                            bar.enable_steady_tick(BAR_EVERY);
                            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
                            shown = Some(bar);
                        }
                        None => self.note(&format!("{text} in {} s", started.elapsed().as_secs())),
                        Some(bar) => bar.set_message(text),
                    }
                    continue;
                }
            };
            if let Some(bar) = shown {
                bar.finish_and_clear();
            }
            return found;
        }
    }

    /// Starts a bar for `total` units of work; `unit` names them, for example "queries".
    pub(super) fn start(&self, doing: &'static str, unit: &'static str, total: u64) -> Progress {
        let target =
            if self.terminal && !self.quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = format!("{doing:<8} [{{bar:30}}] {{pos}}/{{len}} {unit}, {{rate}}, {{eta}} left {{msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let rate = |state: &ProgressState, w: &mut dyn std::fmt::Write| {
                let _ = write!(w, "{:.1}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        bar.enable_steady_tick(BAR_EVERY);
        if self.terminal && !self.quiet {
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        }
        let lines = (!self.terminal && !self.quiet).then(|| Mutex::new(Instant::now()));
        Progress { bar, doing, unit, lines }
    }
}

/// Shows the progress of work with a known total.
pub(super) struct Progress {
    bar: ProgressBar,
    doing: &'static str,
    unit: &'static str,
    /// Time of the last plain line, or of the start if none has been printed; `None` with a bar or `--quiet`.
    lines: Option<Mutex<Instant>>,
}

impl Progress {
    /// Sets the number of units done; `detail` is shown at the end of the line.
    pub(super) fn set(&self, done: u64, detail: &str) {
        // Splitting a query adds queries beyond the expected total.
        if self.bar.length().is_some_and(|total| total < done) {
            self.bar.set_length(done);
        }
        self.bar.set_position(done);
        self.bar.set_message(detail.to_owned());
        let Some(Ok(mut last)) = self.lines.as_ref().map(Mutex::lock) else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let total = self.bar.length().unwrap_or(0);
            let left = HumanDuration(self.bar.eta());
            let _ = writeln!(std::io::stderr(), "{} {done}/{total} {}, {left} left {detail}", self.doing, self.unit);
        }
    }

    /// Removes the bar from the screen.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
