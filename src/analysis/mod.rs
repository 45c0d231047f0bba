//! What scores and cells show: one cell explained, profiles compared, the gate of a CI job, two times compared, findings.

pub(crate) mod compare;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod findings;
pub(crate) mod gate;
