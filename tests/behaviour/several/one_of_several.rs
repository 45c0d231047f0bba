//! `--source NAME`: a command that reads one source runs for one of several.

use super::{Folder, HOUR, RANGE, assert_same, etcd_heatmap, fs, of_joined, run, server, settings};

/// A settings file of two sources, of which one names clusters by another label.
fn labeled(folder: &Folder, sources: &[(&str, &str)]) -> String {
    let config = settings(folder, sources);
    fs::write(&config, folder.text("sources.toml").trim_end().to_owned() + "\nlabels.cluster = \"job,cluster\"\n")
        .expect("a folder of our own");
    config
}

#[test]
fn rules_and_textfile_of_one_source_are_those_of_its_own_settings() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let folder = Folder::new("one-of-several");
    let config = labeled(&folder, &[("eu-1", &eu.url()), ("us-1", &us.url())]);
    let of = |command: &str, flags: &[&str]| etcd_heatmap(&[&[command, "--config", &config], flags].concat());

    // The head of the rules has the command line.
    let body = |text: &str| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let single = etcd_heatmap(&["rules", "--cluster-label", "job,cluster"]).succeeds().stdout;
    assert_eq!(body(&of("rules", &["--source", "us-1"]).succeeds().stdout), body(&single));
    assert_ne!(body(&of("rules", &["--source", "eu-1"]).succeeds().stdout), body(&single));

    // Both servers have no samples of today: every member of the last day is gone, so nothing is scored, but each is asked.
    let textfile = of("textfile", &["--source", "us-1"]);
    assert!(!textfile.stderr.contains("reads one source"), "{}", textfile.stderr);
    let alone = etcd_heatmap(&["textfile", "--url", &us.url(), "--cluster-label", "job,cluster"]);
    assert_eq!((textfile.code, &textfile.stderr), (alone.code, &alone.stderr));

    let check = of("check", &[&["--source", "us-1"], &RANGE[..]].concat()).succeeds();
    assert!(check.stdout.contains(&us.url()) && !check.stdout.contains(&eu.url()), "{}", check.stdout);

    for (flags, words) in [
        (&["--source", "us-2"][..], &["--source us-2: the settings have the sources eu-1, us-1: name one of them"][..]),
        (&["--source", "us-1", "--url", "http://127.0.0.1:9"], &["--url: source us-1 sets its own url"]),
    ] {
        let refused = of("textfile", flags);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        refused.fails_saying(words);
    }
    let no_source = etcd_heatmap(&["check", "--url", &us.url(), "--source", "us-1"]);
    no_source.fails_saying(&["--source us-1: the settings have one source, which has no name"]);
}

#[test]
fn one_source_is_pulled_whole_or_in_shards_and_joined_later() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let (folder, whole) = (Folder::new("one-pulled"), Folder::new("whole"));
    let sources = [("eu-1", eu.url()), ("us-1", us.url())];
    let sources: Vec<(&str, &str)> = sources.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let config = labeled(&folder, &sources);
    run("pull", &config, &whole, &RANGE).succeeds();

    run("pull", &config, &folder, &[&RANGE[..], &["--source", "eu-1"]].concat()).succeeds();
    assert_same(&whole.tree("audit/sources/eu-1"), &folder.tree("audit/sources/eu-1"));
    assert!(!folder.path().join("audit/history").exists() && !folder.path().join("audit/sources/us-1").exists());
    for shard in ["1/2", "2/2"] {
        run("pull", &config, &folder, &[&RANGE[..], &["--source", "us-1", "--shard", shard]].concat()).succeeds();
    }
    etcd_heatmap(&["merge", "--quiet", &folder.at("audit/sources/us-1")]).succeeds();
    assert_same(&whole.tree("audit/sources/us-1/history"), &folder.tree("audit/sources/us-1/history"));
    run("pull", &config, &folder, &RANGE).succeeds();
    assert_same(&of_joined(&whole), &of_joined(&folder));
}
