//! What scores and cells show: one cell explained, profiles compared, the gate of a CI job, two times compared, findings.

pub mod compare;
pub mod diff;
pub mod explain;
pub mod findings;
pub mod gate;
