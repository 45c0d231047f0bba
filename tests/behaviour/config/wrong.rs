//! Missing and wrong settings: each error names the flag, the variable, or the file and line.

use super::{SAMPLE, run_in};
use crate::support::{Folder, assert_empty};

#[test]
fn a_missing_setting_names_its_flag_variable_and_key() {
    let folder = Folder::new("missing");
    for (arguments, words) in [
        (&["backfill", "--out", "audit"][..], ["--url", "ETCD_HEATMAP_URL", "url under [source] in etcd-heatmap.toml"]),
        (&["pull", "--url", "http://127.0.0.1:9"], ["--out", "ETCD_HEATMAP_OUT", "dir under [output]"]),
        (&["backfill", "--sample"], ["--out", "ETCD_HEATMAP_OUT", "dir under [output]"]),
        (&["score"], ["DIR", "ETCD_HEATMAP_OUT", "dir under [output]"]),
        (&["explain", "--cluster", "c", "--at", "now"], ["DIR", "ETCD_HEATMAP_OUT", "dir under [output]"]),
    ] {
        let run = run_in(&folder, &[], arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        run.fails_saying(&words);
    }
    assert_empty(&folder, "");
}

#[test]
fn an_error_in_the_settings_file_stops_every_command_and_names_line_and_key() {
    let cases = [
        ("[weights]\nwal_fsync = 0.5\n", "line 2: weights.wal_fsync: the weights add up to 1.2, not to 1"),
        ("[weights]\nwal_fsync = -0.5\n", "line 2: weights.wal_fsync: '-0.5' is not a weight"),
        ("[weights]\nwal_fsync = nan\n", "line 2: weights.wal_fsync: 'nan' is not a weight"),
        ("[bands]\n\nopen_fds = '9:5, 8:0'\n", "line 3: bands.open_fds: the band '8:0' is out of order"),
        ("[bands]\nopen_fds = '9:10.5'\n", "line 2: bands.open_fds: invalid points '10.5'"),
        ("[source]\nstpe = '5m'\n", "line 2: unknown key 'source.stpe' (did you mean 'source.step'?)"),
        ("[source\n", "line 1: "),
    ];
    let folder = Folder::new("wrong-file");
    for (text, expected) in cases {
        folder.write("etcd-heatmap.toml", text);
        for arguments in [&SAMPLE[..], &["score", "audit"], &["config", "show"], &["pull", "--out", "o"]] {
            let run = run_in(&folder, &[], arguments);
            assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
            run.fails_saying(&[&format!("etcd-heatmap.toml, {expected}")]);
        }
    }
    assert_empty(&folder, "audit");
}

#[test]
fn an_error_in_a_flag_names_the_flag() {
    let folder = Folder::new("wrong-flag");
    for (flags, words) in [
        (["--weight", "wal_fsync=1.5"], &["--weight", "1.5"][..]),
        (["--band", "wal_fsync=80%:0"], &["--band", "no limit"]),
        (["--without", "wal"], &["--without", "did you mean 'wal_fsync'"]),
        (["--formats", "cvs"], &["--formats", "did you mean 'csv'"]),
        (["--formats", ""], &["--formats", "parquet, csv, openmetrics"]),
        (["--cluster-label", "a)"], &["--cluster-label", "letters"]),
        (["--config", "missing.conf"], &["--config", "missing.conf"]),
    ] {
        let run = run_in(&folder, &[], &[&SAMPLE[..], &flags].concat());
        assert_eq!(run.code, Some(2), "{flags:?}: {run:?}");
        run.fails_saying(words);
    }
    assert_empty(&folder, "");
}

#[test]
fn an_unknown_variable_is_noted_unless_quiet() {
    let folder = Folder::new("unknown-variable");
    let variables = [("ETCD_HEATMAP_TIMEZONE", "Europe/Berlin")];
    let run = run_in(&folder, &variables, &["config", "show"]).succeeds();
    assert_eq!(
        run.stderr,
        "ETCD_HEATMAP_TIMEZONE is ignored: no setting has this name (did you mean 'ETCD_HEATMAP_TIME_ZONE'?)\n"
    );
    assert_eq!(run_in(&folder, &variables, &SAMPLE).succeeds().stderr, "");
}
