//! Why two times cannot be compared.

use std::path::PathBuf;

/// What is wrong with what is to be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiffError {
    /// A folder without a manifest of scores.
    #[error(
        "{} holds no scores: name a folder that backfill or score wrote to, or run 'etcd-heatmap score {}'",
        .0.display(),
        .0.display()
    )]
    NotScored(PathBuf),
    /// Folders whose scores mean different things.
    #[error("{before} and {after} were not scored alike and cannot be compared: {differs}; {remedy}")]
    NotAlike {
        /// A folder.
        before: String,
        /// The other.
        after: String,
        /// What is not the same.
        differs: String,
        /// How to make it so.
        remedy: String,
    },
    /// A folder against itself.
    #[error("{} cannot be compared with itself: name two folders, or one and --at TIME", .0.display())]
    SameFolder(PathBuf),
    /// An instant with nothing on one side of it.
    #[error("nothing lies {side} {at}: {} has cells from {from} to {to}", .folder.display())]
    NothingThere {
        /// Before or after.
        side: &'static str,
        at: String,
        folder: PathBuf,
        /// Its first cell.
        from: String,
        /// Its last cell.
        to: String,
    },
}
