//! Runs a program that prints a secret.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Maximum bytes of each output. Tokens take a few KiB.
const MAX_OUTPUT_BYTES: usize = 256 << 10;

/// How long to wait for the rest of the output once the program has ended. Programs that it leaves in the background may
/// keep the output open.
const REST_OF_OUTPUT: Duration = Duration::from_secs(1);

/// How often to look whether the program has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A program and its arguments, which are passed to it without a shell.
#[derive(Clone)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

/// Shows only the program: its arguments may be secrets.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.path).finish()
    }
}

/// Why a program printed nothing that can be used. Each message follows the name of the program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("was not found: install it here, or write its full path")]
    Missing,
    #[error("cannot be run: {0}")]
    NotRun(io::Error),
    /// The program failed.
    #[error("ended with {status}{words}: run it in a terminal to see why")]
    Failed {
        status: ExitStatus,
        /// ` (…)` with the first line of its error output, or empty.
        words: String,
    },
    #[error("was stopped because it took longer than {0} s: it must not wait for input")]
    Slow(u64),
    #[error("printed more than {} KiB: it must print the token and nothing else", MAX_OUTPUT_BYTES >> 10)]
    TooMuch,
}

impl Program {
    pub(super) fn new(path: PathBuf, arguments: &[&str]) -> Self {
        Self { path, arguments: arguments.iter().map(OsString::from).collect() }
    }

    /// The name of the program for messages.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Runs the program and returns its standard output. Stops it and what it started after `limit`, or when the future is
    /// dropped.
    pub(super) async fn output(&self, limit: Duration) -> Result<Vec<u8>, ProgramError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, to stop what it started too: `gcloud` and `az` are shell scripts that run Python.
        #[cfg(unix)]
        command.process_group(0);
        let mut running = Running::start(command).map_err(|error| not_run(&self.path, error))?;
        let ended = timeout(limit, running.ended()).await.map_err(|_| ProgramError::Slow(limit.as_secs()))?;
        let status = ended.map_err(ProgramError::NotRun)?;
        let stdout = running.stdout.text();
        match status {
            None => Err(ProgramError::TooMuch),
            Some(_) if stdout.len() > MAX_OUTPUT_BYTES => Err(ProgramError::TooMuch),
            Some(status) if status.success() => Ok(stdout),
            Some(status) => Err(ProgramError::Failed { status, words: first_line(&running.stderr.text()) }),
        }
    }
}

fn not_run(path: &Path, error: io::Error) -> ProgramError {
    // A script whose interpreter is missing gives the same error as a missing script.
    match error.kind() {
        io::ErrorKind::NotFound if !path.exists() => ProgramError::Missing,
        _ => ProgramError::NotRun(error),
    }
}

/// A running program. It is stopped if this is dropped before it has ended.
struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
    has_ended: bool,
}

impl Running {
    fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let (stdout, stderr) = (Output::of(child.stdout.take()), Output::of(child.stderr.take()));
        Ok(Self { child, stdout, stderr, has_ended: false })
    }

    /// Waits until the program has ended; `None` if it prints too much.
    async fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if self.stdout.is_too_long() {
                return Ok(None);
            }
            sleep(PAUSE).await;
        };
        self.has_ended = true;
        let rest = async {
            while !(self.stdout.is_complete() && self.stderr.is_complete()) {
                sleep(PAUSE).await;
            }
        };
        // What was read until then is kept.
        let _ = timeout(REST_OF_OUTPUT, rest).await;
        Ok(Some(status))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // The standard library sends signals to single processes only, but every shell can signal a group. Programs that
        // start others are mostly shell scripts, so there is a shell.
        #[cfg(unix)]
        let _ =
            Command::new("sh").args(["-c", r#"kill -s KILL -- "-$1""#, "sh", &self.child.id().to_string()]).status();
        // Both fail if the program has ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program has printed so far. A thread of its own reads it.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        let reader = pipe.map(|pipe| std::thread::spawn(move || read(pipe, &shared)));
        Self { bytes, reader }
    }

    fn is_complete(&self) -> bool {
        self.reader.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn is_too_long(&self) -> bool {
        lock(&self.bytes).len() > MAX_OUTPUT_BYTES
    }

    fn text(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }
}

/// Reads an output to its end, or until it is too long.
fn read(mut pipe: impl Read, into: &Mutex<Vec<u8>>) {
    let mut part = [0; 8192];
    loop {
        match pipe.read(&mut part) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What was read before an error is kept: the exit status decides whether it can be used.
            Ok(0) | Err(_) => return,
            Ok(bytes) => {
                let mut into = lock(into);
                into.extend_from_slice(&part[..bytes]);
                if into.len() > MAX_OUTPUT_BYTES {
                    return;
                }
            }
        }
    }
}

fn lock(bytes: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // A poisoned lock can be used: a panic cannot leave the bytes inconsistent.
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first line of an error output that is not empty, in brackets after a space.
fn first_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(|line| format!(" ({line})")).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::scratch::Scratch;

    /// Runs a shell script as the program, with a limit in milliseconds.
    fn run(script: &str, limit_ms: u64) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let program = Program::new("/bin/sh".into(), &["-c", script]);
        let output = runtime.block_on(program.output(Duration::from_millis(limit_ms)));
        output.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_failed_program_is_reported_with_the_first_line_of_its_error_output_and_never_its_output() {
        assert_eq!(run("echo out; echo err >&2", 10_000), Ok("out\n".to_owned()));
        let failed = run("echo PLANTED; echo >&2; echo ' no login ' >&2; echo more >&2; exit 3", 10_000);
        assert_eq!(failed, Err("ended with exit status: 3 (no login): run it in a terminal to see why".to_owned()));
        let killed = run("kill -9 $$", 10_000);
        assert_eq!(killed, Err("ended with signal: 9 (SIGKILL): run it in a terminal to see why".to_owned()));
        let endless = run("yes", 10_000).unwrap_err();
        assert_eq!(endless, "printed more than 256 KiB: it must print the token and nothing else");
    }

    #[test]
    fn a_slow_program_is_stopped_together_with_what_it_started() {
        let folder = Scratch::new();
        let alive = folder.path().join("alive");
        let script = format!("(sleep 2; touch {}) & sleep 60", alive.display());
        let start = Instant::now();
        let slow = run(&script, 300).unwrap_err();
        assert_eq!(slow, "was stopped because it took longer than 0 s: it must not wait for input");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        std::thread::sleep(Duration::from_millis(2_500));
        assert!(!alive.exists(), "what it started goes on");
    }

    #[test]
    fn a_program_left_in_the_background_neither_delays_the_output_nor_is_stopped() {
        let folder = Scratch::new();
        let alive = folder.path().join("alive");
        let script = format!("echo token; (sleep 2; touch {}) & exit 0", alive.display());
        let start = Instant::now();
        assert_eq!(run(&script, 30_000), Ok("token\n".to_owned()));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        std::thread::sleep(Duration::from_millis(2_500));
        assert!(alive.exists(), "the background program was stopped");
    }

    #[test]
    fn a_missing_program_is_told_from_one_that_cannot_be_run() {
        let folder = Scratch::new();
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/nowhere/interpreter\n").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = |path: PathBuf| {
            let output = runtime.block_on(Program::new(path, &[]).output(Duration::from_secs(10)));
            output.unwrap_err().to_string()
        };
        let missing = "was not found: install it here, or write its full path";
        assert_eq!(error("no-such-program-at-all".into()), missing);
        assert_eq!(error(folder.path().join("missing")), missing);
        assert!(error(script).starts_with("cannot be run: "));
    }
}
