//! The reasons why `diff` refuses a comparison.

use std::path::PathBuf;

/// The reason why two folders or ranges cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiffError {
    #[error(
        "{} has no scores: run 'etcd-heatmap score {}' first",
        .0.display(),
        .0.display()
    )]
    NotScored(PathBuf),
    /// The two folders were scored with different settings.
    #[error("cannot compare {before} with {after}: {differs}; {remedy}")]
    NotAlike {
        before: String,
        after: String,
        /// The settings that differ, with both values.
        differs: String,
        /// The command that scores one folder again with the settings of the other folder.
        remedy: String,
    },
    #[error("cannot compare {} with itself: name two folders, or one folder and --at TIME", .0.display())]
    SameFolder(PathBuf),
    /// `--at` lies outside the cells of the folder.
    #[error("no cells {side} --at {at}: choose a time within the cells of {}, {from} to {to}", .folder.display())]
    NothingThere {
        /// The side without cells: "before" or "after".
        side: &'static str,
        at: String,
        folder: PathBuf,
        /// Start of the first cell.
        from: String,
        /// Start of the last cell.
        to: String,
    },
}
