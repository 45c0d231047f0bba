//! Readings in memory: members, when they were first and last seen, and a window of members × steps × columns.
//!
//! A `ReadingSource` fills a [`Window`]; the history stores it and reads it back; `score` computes scores from
//! it. A missing or stale reading is NaN here, and so is an idle one, with other bits ([`IDLE`]). Bands, points and
//! scores do not belong here.

mod column;
pub(crate) mod identity;
mod idle;
mod lives;
mod memory;
mod naming;
mod origin;
mod partial;
mod pseudonyms;
mod reading_source;
mod shard;
mod source;
mod source_name;
mod source_times;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
mod votes;
mod window;

pub use column::ColumnReadings;
pub use idle::{IDLE, is_idle, is_missing};
pub use lives::{Life, Lives, Member};
pub(crate) use memory::days_at_once;
pub(crate) use naming::{MissingLabel, NamingLabels, Pin, label_names};
pub use origin::Origin;
pub use partial::PartialSteps;
pub(crate) use pseudonyms::{PseudonymError, Pseudonyms};
pub(crate) use reading_source::{Progress, ReadingSource, Work};
pub use shard::{Shard, ShardError};
pub use source::{QuerySource, Source};
pub use source_name::SourceName;
pub use source_times::SourceTimes;
pub use votes::Votes;
pub use window::Window;
