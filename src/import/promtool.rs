//! Runs the user's promtool: checks its version, makes blocks from files, and dumps existing blocks.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tracing::debug;

use super::ImportError;
use crate::text::terminal::terminal_message;

/// The first version with `--max-block-duration` for OpenMetrics files (prometheus/prometheus#8919).
const LEAST: (u32, u32) = (2, 29);
/// Interval between two checks whether a promtool process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Number of dumped lines between two checks for an interrupt.
const LINES_BETWEEN_LOOKS: u32 = 4096;

/// A promtool that is new enough for an import.
#[derive(Clone, Debug)]
pub(crate) struct Promtool {
    path: PathBuf,
    version: (u32, u32),
}

impl Promtool {
    /// Finds promtool: the given file, or else the first on the PATH. Fails if its version is older than [`LEAST`].
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, ImportError> {
        let path = match given {
            // A relative path would break, because promtool runs in another folder.
            Some(given) => std::path::absolute(given).map_err(ImportError::io("find", given))?,
            None => on_path().ok_or(ImportError::NoPromtool)?,
        };
        let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|source| ImportError::CannotRun { path: path.clone(), source })?;
        // Old versions print their version on standard error.
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join(" ");
        match version(&said) {
            None => Err(ImportError::NotPromtool { path, said: terminal_message(&said) }),
            Some(version) if version < LEAST => {
                let written = |(major, minor)| format!("{major}.{minor}");
                Err(ImportError::OldPromtool { path, version: written(version), least: written(LEAST) })
            }
            Some(version) => Ok(Self { path, version }),
        }
    }

    /// Makes the blocks of a file in the empty folder `out`; `scratch` is promtool's folder for temporary files.
    pub(super) fn create_blocks(
        &self,
        file: &Path,
        block_hours: i64,
        (out, scratch): (&Path, &Path),
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), ImportError> {
        let said = scratch.join("stderr");
        let mut command = self.command(scratch, &said)?;
        command.args(["tsdb", "create-blocks-from", "--quiet"]);
        command.arg(format!("--max-block-duration={block_hours}h")).arg("openmetrics").arg(file).arg(out);
        let mut child = self.spawn(command.stdout(Stdio::null()))?;
        let status = wait(&mut child, stop).map_err(ImportError::io("wait for", &self.path))?;
        let Some(status) = status else { return Err(ImportError::Stopped) };
        match words(status, &said) {
            None => Ok(()),
            Some(said) => Err(ImportError::Promtool { file: file.to_owned(), said }),
        }
    }

    /// Passes each line that `promtool tsdb dump` prints for the blocks in `folder/data` to `take`. Stops if `take`
    /// fails or `stop` returns true.
    pub(super) fn dump(
        &self,
        folder: &Path,
        of: &Dump<'_>,
        stop: &(dyn Fn() -> bool + Sync),
        mut take: impl FnMut(&str) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let said = folder.join("stderr");
        let mut command = self.command(folder, &said)?;
        // Run promtool in `folder`: newer versions create a temporary folder in `./data`, whatever directory they dump.
        command.current_dir(folder).args(["tsdb", "dump"]).stdout(Stdio::piped());
        command.arg(format!("--min-time={}", of.first_ms)).arg(format!("--max-time={}", of.last_ms));
        command.arg(format!("--match={}", of.selector)).arg("data");
        let mut child = self.spawn(&mut command)?;
        let result = child.stdout.take().map_or(Ok(()), |stdout| {
            let (mut lines, mut line, mut count) = (BufReader::with_capacity(1 << 18, stdout), String::new(), 0_u32);
            while lines.read_line(&mut line).map_err(ImportError::io("read from", &self.path))? > 0 {
                take(line.trim_end_matches('\n'))?;
                line.clear();
                count = count.wrapping_add(1);
                if count.is_multiple_of(LINES_BETWEEN_LOOKS) && stop() {
                    return Err(ImportError::Stopped);
                }
            }
            Ok(())
        });
        if result.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(ImportError::io("wait for", &self.path))?;
        result?;
        match words(status, &said) {
            None => Ok(()),
            Some(_) if stop() => Err(ImportError::Stopped),
            Some(said) => Err(ImportError::Dump { file: of.file.to_owned(), said }),
        }
    }

    fn command(&self, scratch: &Path, said: &Path) -> Result<Command, ImportError> {
        let said = File::create(said).map_err(ImportError::io("write", said))?;
        let mut command = Command::new(&self.path);
        // promtool keeps the head of each block in a temporary folder, and leaves it behind if killed. Put that folder
        // into `scratch`, which the import removes.
        command.stdin(Stdio::null()).stderr(said).env("TMPDIR", scratch);
        Ok(command)
    }

    fn spawn(&self, command: &mut Command) -> Result<Child, ImportError> {
        debug!("running {command:?}");
        command.spawn().map_err(|source| ImportError::CannotRun { path: self.path.clone(), source })
    }
}

/// Selects the samples that `promtool tsdb dump` prints.
pub(super) struct Dump<'a> {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) selector: &'a str,
    /// The file being imported, for error messages.
    pub(super) file: &'a Path,
}

impl std::fmt::Display for Promtool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}.{}", self.path.display(), self.version.0, self.version.1)
    }
}

fn on_path() -> Option<PathBuf> {
    let name = format!("promtool{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(&name)).find(|file| file.is_file())
}

/// Major and minor version in `promtool, version 2.42.0+ds (branch: …`.
fn version(said: &str) -> Option<(u32, u32)> {
    let (_, number) = said.split_once("promtool, version ")?;
    let mut parts = number.trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Waits for a process to end; if `stop` returns true first, kills it and returns `None`.
fn wait(child: &mut Child, stop: &(dyn Fn() -> bool + Sync)) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            // Ctrl-C reaches all processes of a terminal, so a failure may come from the interrupt.
            return Ok((status.success() || !stop()).then_some(status));
        }
        if stop() {
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The error output of a failed process, shortened; `None` if the process succeeded.
fn words(status: ExitStatus, said: &Path) -> Option<String> {
    if status.success() {
        return None;
    }
    let mut text = Vec::new();
    let _ = File::open(said).and_then(|file| file.take(1 << 16).read_to_end(&mut text));
    let _ = fs::remove_file(said);
    Some(match terminal_message(&String::from_utf8_lossy(&text)).as_str() {
        "" => format!("it ended with {status} and no error message"),
        said => format!("'{said}'"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_parsed_from_promtools_output() {
        for (said, expected) in [
            ("promtool, version 2.42.0+ds (branch: debian/sid, revision: 1)\n  go version: go1.19.8", Some((2, 42))),
            (" promtool, version 3.0.0-beta.1 (branch: HEAD)", Some((3, 0))),
            ("promtool, version v2.29", Some((2, 29))),
            ("promtool, version", None),
            ("GNU coreutils 9.1", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_failed_process_is_quoted_and_one_without_a_message_is_named_by_its_status() {
        use std::os::unix::process::ExitStatusExt;
        let folder = crate::scratch::Scratch::new();
        let said = folder.path().join("stderr");
        let (good, bad) = (ExitStatus::from_raw(0), ExitStatus::from_raw(1 << 8));
        for (status, text, expected) in [
            (good, "a warning", None),
            (bad, "no space left\n", Some("'no space left'")),
            (bad, "", Some("it ended with exit status: 1 and no error message")),
        ] {
            assert!(fs::write(&said, text).is_ok());
            assert_eq!(words(status, &said).as_deref(), expected);
        }
        assert!(fs::write(&said, "x".repeat(1000)).is_ok());
        assert!(words(bad, &said).is_some_and(|text| text.starts_with("'xxx")));
        assert!(!said.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_process_that_succeeded_counts_even_if_the_run_is_stopping_and_a_failed_one_does_not() -> io::Result<()> {
        for (program, stopping, expected) in [
            ("true", false, Some(true)),
            ("true", true, Some(true)),
            ("false", false, Some(false)),
            ("false", true, None),
        ] {
            let mut child = Command::new(program).spawn()?;
            child.wait()?;
            let status = wait(&mut child, &|| stopping)?;
            assert_eq!(status.map(|status| status.success()), expected, "{program}, stopping: {stopping}");
        }
        let mut child = Command::new("sleep").arg("60").spawn()?;
        assert_eq!(wait(&mut child, &|| true)?, None);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_first_promtool_that_is_new_enough_is_2_29() -> io::Result<()> {
        let folder = crate::scratch::Scratch::new();
        let path = folder.path().join("promtool");
        // Let a shell write the program. If the test wrote it, a process that another thread starts at that moment could
        // inherit the open file, and running the program would fail with ETXTBSY.
        let write = r#"printf '#!/bin/sh\necho promtool, version %s\n' "$2" >"$1" && chmod +x "$1""#;
        for (version, expected) in [("2.28.1", None), ("2.29.0", Some("2.29")), ("3.0.1", Some("3.0"))] {
            Command::new("sh").args(["-c", write, "sh"]).arg(&path).arg(version).status()?;
            match (Promtool::find(Some(&path)), expected) {
                (Ok(found), Some(expected)) => {
                    assert_eq!(found.to_string(), format!("{} {expected}", path.display()));
                }
                (Err(ImportError::OldPromtool { version, least, .. }), None) => {
                    assert_eq!((&*version, &*least), ("2.28", "2.29"));
                }
                (found, _) => panic!("{version}: {found:?}"),
            }
        }
        Ok(())
    }
}
