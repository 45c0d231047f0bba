//! Runs a program where the world is smaller: without a network, or with a full disk.

use std::process::Command;

use super::program::{Run, command};

/// `unshare` with the given flags, ready for a program; the test fails with a sentence where that is not allowed.
#[track_caller]
pub(crate) fn isolated(flags: &str) -> Command {
    let probe = Run::of(command("unshare", &[flags, "true"]));
    assert!(
        probe.code == Some(0),
        "this test needs namespaces of its own (`unshare {flags}`): run it as root, or allow unprivileged user \
         namespaces, and in a container add `--privileged` ({})",
        probe.stderr.trim()
    );
    command("unshare", &[flags])
}
