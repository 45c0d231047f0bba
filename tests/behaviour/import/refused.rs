//! What keeps an import from being done: each in one sentence, and with the data directory as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{audit, import, names, with_data};
use crate::support::{Folder, Run, assert_empty, etcd_heatmap_command, isolated};

/// A script in promtool's place.
fn promtool(folder: &Folder, script: &str) -> String {
    let version = r#"[ "$1" = --version ] && exec promtool --version"#;
    let path = folder.write("fake", format!("#!/bin/sh\n{version}\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file of our own");
    path
}

/// promtool's arguments are `tsdb create-blocks-from --quiet --max-block-duration=18h openmetrics FILE OUT`.
const EDITED: &str = r#"> "$TMPDIR/edited" && exec promtool "$1" "$2" "$3" "$4" "$5" "$TMPDIR/edited" "$7""#;

#[test]
fn a_block_that_differs_from_its_file_is_refused() {
    let swapped = "sed '100{h;d};101{G}' \"$6\"";
    for (script, words) in [
        // Lines 100 and 101 change places: the real one drops what comes too late, and says nothing.
        (format!("{swapped} {EDITED}"), "promtool silently dropped 1 of"),
        (format!("sed 5d \"$6\" {EDITED}"), "promtool silently dropped 1 of"),
        (format!("sed '5,9s/member=\"/&x/' \"$6\" {EDITED}"), "7 series instead of 6"),
        (format!("sed s/1790812800/1790812801/ \"$6\" {EDITED}"), "from 2026-10-01T00:00:01Z"),
        ("exec promtool \"$1\" \"$2\" \"$3\" \"$5\" \"$6\" \"$7\"".to_owned(), "9 blocks"),
        ("exit 0".to_owned(), "0 blocks"),
    ] {
        let folder = with_data("found-out");
        let run = import(audit(), &folder, &["--quiet", "--jobs", "1", "--promtool", &promtool(&folder, &script)]);
        run.fails_saying(&[words, "the data directory was not changed", "openmetrics/etcd_score-20261001T000000Z"]);
        assert_empty(&folder, "data");
        assert_eq!(names(&folder.at("")).len(), 2, "nothing is left beside the data directory and the script");
    }
}

#[test]
fn the_error_of_a_failing_promtool_quotes_its_output() {
    let folder = with_data("quoted");
    let fake = promtool(&folder, "printf 'open index:\\n\\tno space\\033[0m left' >&2; exit 1");
    import(audit(), &folder, &["--quiet", "--promtool", &fake])
        .fails_saying(&["promtool cannot import", "'open index: no space [0m left'"]);
    let fake = promtool(&folder, "kill -SEGV $$");
    import(audit(), &folder, &["--quiet", "--promtool", &fake]).fails_saying(&["signal", "no error message"]);
    assert_empty(&folder, "data");
}

#[test]
fn a_missing_or_old_or_wrong_promtool_is_refused() {
    let folder = with_data("which");
    let mut command = etcd_heatmap_command(&["import", audit(), "--data-dir", &folder.at("data")]);
    command.env("PATH", folder.at(""));
    Run::of(command).fails_saying(&["promtool is not on the PATH", "--promtool"]);
    let old = folder.write("old", "#!/bin/sh\necho 'promtool, version 2.28.1 (branch: HEAD)' >&2\n");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("a file of our own");
    for (file, words) in [
        (old.as_str(), ["is version 2.28", "at least 2.29"]),
        ("/bin/true", ["is not promtool", "--promtool"]),
        (&folder.at("none"), ["cannot run", "--promtool"]),
    ] {
        import(audit(), &folder, &["--quiet", "--promtool", file]).fails_saying(&words);
    }
    assert_empty(&folder, "data");
}

#[test]
fn a_file_that_was_changed_since_is_refused() {
    let (folder, copy) = (with_data("changed"), Folder::new("changed-audit"));
    let copied = std::process::Command::new("cp").args(["-a", audit(), &copy.at("audit")]).status();
    assert!(copied.is_ok_and(|status| status.success()));
    let name = "audit/openmetrics/etcd_score-20261005T120000Z-20261006T060000Z.om";
    let text = copy.text(name);
    copy.write(name, text.replacen("} 10 ", "} 01 ", 1));
    import(&copy.at("audit"), &folder, &["--quiet"]).fails_saying(&[name, "SHA-256", "etcd-heatmap score"]);
    fs::remove_file(copy.at(name)).expect("it is there");
    import(&copy.at("audit"), &folder, &["--quiet"]).fails_saying(&[name, "cannot read"]);
    assert_empty(&folder, "data");
}

#[test]
fn folders_without_an_audit_or_a_tsdb_are_refused() {
    let folder = with_data("wrong");
    import(&folder.at("data"), &folder, &["--quiet"]).fails_saying(&["no manifest.json", "backfill"]);
    fs::create_dir_all(folder.at("data/metrics2/wal")).expect("a folder of our own");
    import(audit(), &folder, &["--quiet"]).fails_saying(&["is not a Prometheus data directory", "metrics2?"]);
    let elsewhere = Folder::new("elsewhere");
    import(audit(), &elsewhere, &["--quiet"]).fails_saying(&["is not a folder", "--storage.tsdb.path"]);
}

#[test]
fn a_data_directory_that_cannot_be_written_to_is_refused_with_its_owner() {
    let folder = with_data("read-only");
    let ours = etcd_heatmap_command(&["import", audit(), "--quiet", "--data-dir", &folder.at("data")]);
    let script = "mount -t tmpfs -o ro none data && exec \"$@\"";
    let mut shell = isolated("-rm");
    shell.current_dir(folder.path()).args(["sh", "-c", script, "sh"]).arg(ours.get_program()).args(ours.get_args());
    Run::of(shell).fails_saying(&["cannot write to the data directory", "belongs to root", "as that user"]);
}
