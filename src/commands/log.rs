//! The diagnostic log: one line per event on standard error, with `-v`, `-vv` or RUST_LOG.

use std::fmt;
use std::io;

use chrono::{SecondsFormat, Utc};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FormatFields, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::progress::write_lines;
use crate::text::terminal::terminal_line;

/// The target of this program's own events.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Starts the log if `-v` was given (`verbose` times), else if RUST_LOG is set. Returns a note if RUST_LOG is invalid.
pub(super) fn start(verbose: u8) -> Option<String> {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = match filter(verbose, &asked) {
        Ok(filter) => filter?,
        Err(note) => return Some(note),
    };
    let layer = layer().with_target(false).with_timer(Clock).fmt_fields(OneLine).with_writer(|| Screen);
    // Fails only if a log has been started before.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
    tracing::info!("etcd-heatmap {}", env!("CARGO_PKG_VERSION"));
    None
}

/// The filter of events; `None` if nothing is to be logged. A flag outranks the environment, as with every setting.
fn filter(verbose: u8, rust_log: &str) -> Result<Option<Targets>, String> {
    match verbose {
        0 if rust_log.trim().is_empty() => Ok(None),
        0 => match rust_log.parse() {
            Ok(asked) => Ok(Some(ours_only(asked))),
            Err(reason) => {
                Err(format!("RUST_LOG is invalid and ignored ({reason}): set it to info or {OURS}=debug, for example"))
            }
        },
        1 => Ok(Some(Targets::new().with_target(OURS, LevelFilter::INFO))),
        _ => Ok(Some(Targets::new().with_target(OURS, LevelFilter::DEBUG))),
    }
}

/// Keeps only the directives about this program. Its HTTP crates are never logged, even if RUST_LOG asks for them: at
/// their finest levels they log whole requests, including logins.
fn ours_only(asked: Targets) -> Targets {
    let default = asked.default_level().unwrap_or(LevelFilter::OFF);
    let inner = format!("{OURS}::");
    let ours = asked.into_iter().filter(|(target, _)| target == OURS || target.starts_with(&inner));
    Targets::new().with_target(OURS, default).with_targets(ours)
}

/// Formats the time of an event in UTC, with milliseconds.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Formats fields without line breaks and control characters: their text may come from a server.
struct OneLine;

impl<'writer> FormatFields<'writer> for OneLine {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&terminal_line(&text))
    }
}

/// Writes to standard error, above the progress bar.
struct Screen;

impl io::Write for Screen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write_lines(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use tracing::Level;

    const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

    /// The most verbose level that the filter enables for a target.
    fn finest(filter: &Targets, target: &str) -> Option<Level> {
        LEVELS.into_iter().rfind(|level| filter.would_enable(target, level))
    }

    #[test]
    fn a_flag_outranks_rust_log_and_without_either_there_is_no_log() {
        assert!(filter(0, "").unwrap().is_none() && filter(0, " ").unwrap().is_none());
        for (verbose, rust_log, expected) in [
            (0, "info", Some(Level::INFO)),
            (0, "off", None),
            (1, "", Some(Level::INFO)),
            (1, "trace", Some(Level::INFO)),
            (2, "", Some(Level::DEBUG)),
            (3, "off", Some(Level::DEBUG)),
        ] {
            let filter = filter(verbose, rust_log).unwrap().unwrap();
            assert_eq!(finest(&filter, "etcd_heatmap::sources::prometheus"), expected, "{verbose} {rust_log}");
        }
        let note = filter(0, "etcd_heatmap=loud").unwrap_err();
        assert!(note.starts_with("RUST_LOG is invalid and ignored") && note.contains("etcd_heatmap=debug"), "{note}");
        assert!(filter(1, "etcd_heatmap=loud").unwrap().is_some());
    }

    #[test]
    fn no_other_crate_is_logged_whatever_rust_log_asks_for() {
        for rust_log in ["trace", "hyper_util=trace", "hyper_util=trace,reqwest=debug,trace", "h2,rustls,etcd_heatmap"]
        {
            let filter = filter(0, rust_log).unwrap().unwrap();
            for target in ["hyper_util::client::legacy::connect::http", "reqwest", "rustls::client", "h2", "tokio"] {
                assert_eq!(finest(&filter, target), None, "{rust_log}: {target}");
            }
        }
        let partly = filter(0, "warn,etcd_heatmap::commands=debug,hyper=trace").unwrap().unwrap();
        assert_eq!(finest(&partly, "etcd_heatmap::commands::pull"), Some(Level::DEBUG));
        assert_eq!(finest(&partly, "etcd_heatmap::sources"), Some(Level::WARN));
    }
}
