//! etcd-heatmap reads the history of six etcd metrics from Prometheus, scores every member at every step from 0
//! (critical) to 10 (healthy), and folds the scores into a day × hour heat map.
//!
//! ```text
//! sources ──▶ readings ──write──▶ history/ (Parquet on disk)
//!                                    │ one UTC day at a time, in parallel
//!                                    ▼
//!            spec ─────────────▶   score ──▶ heatmap ──▶ analysis
//!                                    │          │           │
//!                                    ▼          ▼           ▼
//!                                  outputs: one module per file format
//! ```
//!
//! Data flows one way. In this list, no module imports one to its right; a test in this file checks it:
//!
//! ```text
//! time text files places spec readings openmetrics history sources score heatmap folder analysis outputs import config cli commands
//! ```
//!
//! `history` comes before `sources` because the embedded sample is a history. Only `places` and `sources` have network code, and
//! only `commands` prints and decides the exit code. Public items are those that `main.rs`, the benchmarks and the
//! examples use. `docs/architecture.md` describes the data types, the files on disk, and recipes for extensions.

// A pull awaits a source, which awaits slices, windows, retries and requests: types nested deeper than the default allows.
#![recursion_limit = "256"]

mod analysis;
mod cli;
mod commands;
mod config;
#[cfg(test)]
mod every_error;
mod files;
mod folder;
mod heatmap;
pub mod history;
mod import;
pub mod openmetrics;
mod outputs;
mod places;
pub mod readings;
pub mod score;
#[cfg(test)]
mod scratch;
mod sources;
pub mod spec;
mod text;
pub mod time;

pub use analysis::forecast;
pub use cli::{Cli, one_sentence};
pub use commands::{Failure, USAGE, print_help, run};
pub use files::{FileError, FileStat};
pub use folder::{FolderError, ManifestBlock, Written};
pub use outputs::{Emission, ExtraLabels, Family, OutputError, Retention, write_window};
pub use sources::{archive, dump, promql, remote_read, spool, tsdb};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The modules in the order that the crate's documentation lists them.
    fn order() -> Vec<&'static str> {
        let line = include_str!("lib.rs").lines().find(|line| line.starts_with("//! time text "));
        line.unwrap().trim_start_matches("//! ").split(' ').collect()
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .collect()
    }

    /// The modules that a file imports: the word after each `crate::`.
    fn imports(text: &str) -> impl Iterator<Item = &str> {
        text.split("crate::").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
    }

    #[test]
    fn no_module_imports_one_to_its_right() {
        let order = order();
        let place = |module: &str| order.iter().position(|known| *known == module);
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut seen = 0;
        for file in sources(&src) {
            let inside = file.strip_prefix(&src).unwrap();
            let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            let Some(own) = place(&room) else {
                assert!(
                    ["lib", "main", "scratch", "every_error"].contains(&&*room),
                    "{} is in no module of the list",
                    file.display()
                );
                continue;
            };
            let text = fs::read_to_string(&file).unwrap();
            let right: Vec<&str> = imports(&text).filter(|module| place(module).is_some_and(|p| p > own)).collect();
            assert!(right.is_empty(), "{} imports {right:?}, to the right of {room}", inside.display());
            seen += 1;
        }
        assert!(seen > 100, "only {seen} files were looked at");
    }
}
