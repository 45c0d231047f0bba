//! `config show`: its output, saved as a file, gives the same settings, and never contains a login.

use super::{ORIGINAL, run_in, shown};
use crate::support::{Folder, assert_same};

#[test]
fn the_output_of_config_show_saved_as_a_file_gives_the_same_scores() {
    let (folder, again) = (Folder::new("shown"), Folder::new("shown-again"));
    folder.write("config.conf", ORIGINAL);
    let flags = ["--config", "config.conf", "--weight", "wal_fsync=0.3", "--band", "open_fds=100:5,2000:0"];
    let more = ["--without", "db_size", "--rollup", "mean", "--time-zone", "Europe/Berlin", "--out", "audit"];
    let flags = [&flags[..], &more].concat();
    let show = run_in(&folder, &[], &[&["config", "show"], &flags[..]].concat()).succeeds();
    assert_eq!(show.stderr, "");
    for words in
        ["# config.conf, line 3; in force: ", "# flag --band", "# flag --weight", "# profile seed", "# default"]
    {
        assert!(show.stdout.contains(words), "no {words:?} in\n{}", show.stdout);
    }
    again.write("etcd-heatmap.toml", &show.stdout);
    run_in(&folder, &[], &[&["backfill", "--sample", "--quiet"], &flags[..]].concat()).succeeds();
    run_in(&again, &[], &["backfill", "--sample", "--quiet"]).succeeds();
    assert_same(&folder.tree("audit"), &again.tree("audit"));

    let values = |text: &str| {
        let without_comments = text.lines().skip(1).map(|line| line.split("  #").next().unwrap_or_default().trim_end());
        without_comments.map(str::to_owned).collect::<Vec<_>>()
    };
    let shown_again = run_in(&again, &[], &["config", "show"]).succeeds();
    assert_eq!(values(&show.stdout), values(&shown_again.stdout));
    assert!(!shown_again.stdout.contains("# default"), "all of it comes from the file:\n{}", shown_again.stdout);
}

#[test]
fn config_show_fails_where_a_run_would_fail() {
    let folder = Folder::new("show-refuses");
    for (flags, words) in [
        (&["--start", "2026-10-02", "--end", "2026-10-01"][..], &["2026-10-02", "--start"][..]),
        (&["--queries", "no-such-folder"], &["no-such-folder"]),
        (&["--url", "localhost:9090"], &["--url", "http://"]),
        (&["--weight", "wal_fsync=0.9", "--weight", "db_size=0.2"], &["--weight", "1.1"]),
    ] {
        run_in(&folder, &[], &[&["config", "show"], flags].concat()).fails_saying(words);
    }
}

#[test]
fn logins_are_never_printed() {
    let folder = Folder::new("login");
    let output = |variables: &[(&str, &str)], arguments: &[&str]| {
        let run = run_in(&folder, variables, arguments);
        let output = format!("{}{}", run.stdout, run.stderr);
        assert!(!output.contains("secret"), "{output}");
        output
    };
    let pull = ["pull", "--out", "audit"];
    for url in ["http://ann:secret@127.0.0.1:9", "ann:secret@127.0.0.1:9", "http://ann:secret@h:port"] {
        output(&[], &["config", "show", "--url", url]);
        output(&[], &[&pull[..], &["--url", url]].concat());
        output(&[("ETCD_HEATMAP_URL", url)], &pull);
        for text in [format!("source.url = '{url}'"), format!("source.url = '{url}"), format!("source.url = {url}")] {
            folder.write("file.toml", text);
            output(&[], &[&pull[..], &["--config", "file.toml"]].concat());
        }
    }
    let variables = [("ETCD_HEATMAP_URL", "http://ann:secret@127.0.0.1:9")];
    let line = "url = \"http://127.0.0.1:9\" # environment ETCD_HEATMAP_URL; without its login or query";
    assert!(shown(&folder, &variables, &[], "url").starts_with(line));
}
