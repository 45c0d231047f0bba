//! Runs a program in its own namespaces: without a network, or with a full disk.

use std::process::Command;

use super::program::{Run, command};

/// `unshare` with these flags; fails with an explanation if namespaces are not permitted.
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
