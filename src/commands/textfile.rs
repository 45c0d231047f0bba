//! `etcd-heatmap textfile`: writes the current score for node_exporter's textfile collector.

mod evaluator;
mod standing;
mod target;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::future::{Either, select};

use super::interrupt::Interrupt;
use super::progress::Reporter;
use super::stdout::print;
use super::{CommandError, runtime};
use crate::cli::TextfileArgs;
use crate::config::{Settings, TextfileSettings};
use crate::outputs::LiveScores;
use crate::time::Step;
use evaluator::Evaluator;
use standing::Standing;
use target::Target;
pub(super) use target::must_exist;

/// Evaluates once, or with `--every` until a signal comes.
pub(super) fn run(args: &TextfileArgs, settings: &Settings, reporter: Reporter) -> Result<(), CommandError> {
    let how = settings.textfile;
    // clap requires --out with --check-health.
    if let Some(out) = args.out.as_deref().filter(|_| args.check_health) {
        return target::check(out, how.max_age);
    }
    let Some(every) = how.every else { return once(args, settings, reporter) };
    let out = args.out.as_deref().ok_or(CommandError::EveryWithoutOut)?;
    // Silence the listener: its note about finishing the files in work does not apply to this loop.
    let interrupt = Interrupt::listen(Reporter::new(true))?;
    let target = Target::new(out, &reporter)?;
    let mut writer = Writer::new(args, settings, reporter)?;
    let ended = runtime::start()?.block_on(writer.go_on(every, &how, &target, &interrupt));
    // Remove the file however the loop ended: if it stayed, its old score would look current.
    target.remove()?;
    ended
}

/// Evaluates once and writes the result to a file or standard output, even if the evaluation failed.
fn once(args: &TextfileArgs, settings: &Settings, reporter: Reporter) -> Result<(), CommandError> {
    let how = settings.textfile;
    let target = args.out.as_deref().map(|out| Target::new(out, &reporter)).transpose()?;
    let mut writer = Writer::new(args, settings, reporter)?;
    let outcome = runtime::start()?.block_on(writer.evaluate(how.last_instant(now())));
    match target {
        Some(target) => target.put(&writer.standing, now(), how.max_age)?,
        None => print(&writer.standing.text(now()))?,
    }
    outcome
}

/// The current time in seconds since 1970, with fractions.
fn now() -> f64 {
    Utc::now().timestamp_millis() as f64 / 1000.0
}

impl TextfileSettings {
    /// The latest instant to evaluate, in seconds since 1970: `query_offset` before `now`, rounded down to a multiple
    /// of `every`, as in a backfill with that step.
    fn last_instant(&self, now: f64) -> i64 {
        let every = self.every.map_or(1, Step::seconds);
        (now as i64 - self.query_offset.as_secs() as i64).div_euclid(every) * every
    }

    /// The time until the next evaluation is due.
    fn until_next(&self, now: f64) -> Duration {
        let every = self.every.map_or(1, Step::seconds);
        let due = (self.last_instant(now) + every) as f64 + self.query_offset.as_secs_f64();
        Duration::from_secs_f64((due - now).max(0.0))
    }
}

/// Runs a future until it ends or a signal comes; returns whether a signal came first.
async fn interrupted(doing: impl Future<Output = ()>, interrupt: &Interrupt) -> bool {
    matches!(select(pin!(doing), pin!(interrupt.raised())).await, Either::Right(_))
}

/// Evaluates and keeps the latest scores.
struct Writer {
    evaluator: Evaluator,
    standing: Standing,
    reporter: Reporter,
    /// The last note, which is not repeated: a long outage must not fill the log.
    said: Option<String>,
    /// The notes about members so far.
    noted: BTreeSet<String>,
}

impl Writer {
    fn new(args: &TextfileArgs, settings: &Settings, reporter: Reporter) -> Result<Self, CommandError> {
        let evaluator = Evaluator::new(settings, args.allow_partial)?;
        let standing = Standing::new(evaluator.live(), settings.textfile.max_age);
        Ok(Self { evaluator, standing, reporter, said: None, noted: BTreeSet::new() })
    }

    /// Evaluates until a signal comes or the file cannot be written.
    async fn go_on(
        &mut self,
        every: Step,
        how: &TextfileSettings,
        target: &Target,
        interrupt: &Interrupt,
    ) -> Result<(), CommandError> {
        loop {
            if interrupted(self.take_turn(every, how), interrupt).await {
                return Ok(());
            }
            target.put(&self.standing, now(), how.max_age)?;
            if interrupted(tokio::time::sleep(how.until_next(now())), interrupt).await {
                return Ok(());
            }
        }
    }

    /// One evaluation of the loop. It is canceled after `every`. A failure is noted, and the loop goes on.
    async fn take_turn(&mut self, every: Step, how: &TextfileSettings) {
        let started = Instant::now();
        let patience = Duration::from_secs(every.seconds().unsigned_abs());
        let outcome = tokio::time::timeout(patience, self.evaluate_at(how.last_instant(now()))).await;
        let outcome = outcome.unwrap_or(Err(CommandError::TooSlow(every)));
        if let Err(error) = self.take(outcome, started.elapsed()) {
            self.say(format!("error: {error}; trying again within {every}"));
        }
    }

    /// Evaluates once at an instant (in seconds since 1970), and records the success or failure.
    async fn evaluate(&mut self, at_seconds: i64) -> Result<(), CommandError> {
        let started = Instant::now();
        let outcome = self.evaluate_at(at_seconds).await;
        self.take(outcome, started.elapsed())
    }

    /// Evaluates, and prints the notes about the members that it has not printed before.
    async fn evaluate_at(&mut self, at_seconds: i64) -> Result<LiveScores, CommandError> {
        let (reporter, noted) = (self.reporter, &mut self.noted);
        let note = |text: &str| {
            if noted.insert(text.to_owned()) {
                reporter.note(text);
            }
        };
        self.evaluator.evaluate(at_seconds, note).await
    }

    fn take(&mut self, outcome: Result<LiveScores, CommandError>, took: Duration) -> Result<(), CommandError> {
        match outcome {
            Ok(found) => {
                match self.evaluator.silent(&found) {
                    Some(silent) => self.say(silent),
                    None if self.said.take().is_some() => self.reporter.note("scores are available again"),
                    None => {}
                }
                self.standing.succeeded(found, took, now());
                Ok(())
            }
            Err(error) => {
                self.standing.failed(took);
                Err(error)
            }
        }
    }

    /// Prints a note unless it is the same as the last one.
    fn say(&mut self, text: String) {
        if self.said.as_ref() != Some(&text) {
            self.reporter.note(&text);
            self.said = Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(every: i64, offset: u64) -> TextfileSettings {
        TextfileSettings {
            every: Step::from_millis(every * 1000).ok(),
            query_offset: Duration::from_secs(offset),
            max_age: Duration::from_secs(300),
        }
    }

    #[test]
    fn evaluations_are_due_when_a_multiple_of_every_is_the_offset_old() {
        let how = settings(15, 20);
        assert_eq!(how.last_instant(100.0), 75);
        assert_eq!(how.last_instant(95.0), 75);
        assert_eq!(how.last_instant(94.9), 60);
        assert_eq!(how.until_next(94.0), Duration::from_secs(1));
        assert_eq!(how.until_next(95.0), Duration::from_secs(15));
        // Without `--every`, the instant is a whole second, `--query-offset` before now.
        assert_eq!(settings(0, 20).last_instant(94.9), 74);
    }
}
