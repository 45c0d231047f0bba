//! Signals: the first SIGINT or SIGTERM lets a run finish the files that it is writing; the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::CommandError;
use super::progress::Reporter;

/// The same signal again within this time counts as the first one, sent twice: `timeout` signals its child and then its
/// process group, which contains the child. Nobody presses Ctrl-C twice that fast on purpose.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT, which a terminal sends at Ctrl-C.
    Interrupt,
    /// SIGTERM, which `kill` and service managers send.
    Terminate,
}

impl Signal {
    const fn number(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }

    /// The exit code that a shell reports for a program ended by this signal: 128 + its number.
    pub(crate) const fn exit_code(self) -> u8 {
        128 + self.number()
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Lets a run check for a signal, or wait for one.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    came: Arc<AtomicU8>,
    told: Arc<Notify>,
}

impl Interrupt {
    /// Starts a thread that listens for signals until the process ends.
    pub(super) fn listen(reporter: Reporter) -> Result<Self, CommandError> {
        let interrupt = Self::default();
        let threads = |e: std::io::Error| CommandError::Threads(e.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(threads)?;
        let signals = {
            let _within = runtime.enter();
            Signals::new().map_err(threads)?
        };
        let shared = interrupt.clone();
        let listening = move || runtime.block_on(shared.wait(signals, reporter));
        std::thread::Builder::new().name("signals".to_owned()).spawn(listening).map_err(threads)?;
        Ok(interrupt)
    }

    async fn wait(self, mut signals: Signals, reporter: Reporter) {
        let first = signals.next().await;
        self.came.store(first.number(), Ordering::Relaxed);
        // `notify_one` stores the notification, so that a pull that begins to wait later still gets it.
        self.told.notify_one();
        reporter.note("stopping after the files in work; press Ctrl-C again to stop at once");
        let came = Instant::now();
        loop {
            let second = signals.next().await;
            if second != first || came.elapsed() > SAME_SIGNAL {
                std::process::exit(second.exit_code().into());
            }
        }
    }

    /// The first signal received; `None` if no signal has arrived.
    pub(super) fn signal(&self) -> Option<Signal> {
        [Signal::Interrupt, Signal::Terminate].into_iter().find(|s| s.number() == self.came.load(Ordering::Relaxed))
    }

    /// Waits until a signal comes, and returns it.
    pub(super) async fn raised(&self) -> Signal {
        loop {
            if let Some(signal) = self.signal() {
                return signal;
            }
            self.told.notified().await;
        }
    }
}

/// Receives signals one by one.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        use futures_util::future::{Either, select};
        let (interrupt, terminate) = (std::pin::pin!(self.interrupt.recv()), std::pin::pin!(self.terminate.recv()));
        match select(interrupt, terminate).await {
            Either::Left(_) => Signal::Interrupt,
            Either::Right(_) => Signal::Terminate,
        }
    }
}

/// Systems other than Unix have only Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
