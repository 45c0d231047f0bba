use std::ffi::OsString;

use super::*;
use crate::scratch::Scratch;
use crate::spec::{Metric, WEIGHT_ONE};

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|&(name, text)| (name.to_owned(), OsString::from(text))).collect()
}

/// Loads a file with this name and text; errors come without the path of its folder.
fn load(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = Scratch::new();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let within = format!("{}/", folder.path().display());
    Config::load(&[], Some(&file), &environment(variables)).map_err(|e| e.to_string().replace(&within, ""))
}

/// The error of a TOML file with this text.
fn error_in(text: &str) -> String {
    load("x.toml", text, &[]).map(|_| ()).unwrap_err()
}

#[test]
fn a_higher_layer_wins() {
    let file = "[source]\nstep = \"5m\"\nconcurrency = 8\n[score]\nrollup = \"mean\"\n";
    let config =
        load("x.toml", file, &[("ETCD_HEATMAP_STEP", "2m"), ("ETCD_HEATMAP_CONCURRENCY", ""), ("OTHER", "1")]).unwrap();
    let Settings { source, how, .. } = &config.settings;
    assert_eq!((source.step.seconds(), source.terms.concurrency, how.folding.rollup.name()), (120, 8, "mean"));
    assert_eq!(how.folding.width.minutes(), 60);
    assert_eq!(config.notes, Vec::<String>::new());
}

#[test]
fn bands_are_overridden_metric_by_metric() {
    let file = "[bands]\nwal_fsync = \"0.02:0\"\nopen_fds = \"80%:0\"\n";
    let config = load("x.toml", file, &[("ETCD_HEATMAP_BAND", "wal_fsync=0.03:5,0.05:0; db_size=none")]).unwrap();
    let bands = |metric| config.settings.how.profile.rule(metric).bands.to_string();
    assert_eq!(bands(Metric::WalFsync), "0.03:5, 0.05:0");
    assert_eq!(bands(Metric::OpenFds), "80%:0");
    assert_eq!(bands(Metric::LeaderChanges), "5:0");
    assert_eq!(config.settings.how.profile.name, "seed (changed)");
}

#[test]
fn weights_in_a_file_replace_those_of_the_profile_and_weights_in_a_variable_rescale() {
    let file = "[weights]\nwal_fsync = 0.4\nleader_changes = 0.2\n";
    let profile = load("x.toml", file, &[]).unwrap().settings.how.profile;
    assert_eq!(Metric::ALL.map(|m| profile.rule(m).weight / 10_000), [40, 20, 10, 20, 5, 5]);
    assert_eq!(profile.total_weight(), WEIGHT_ONE);
    let profile = load("x.toml", file, &[("ETCD_HEATMAP_WEIGHT", "wal_fsync=0.1")]).unwrap().settings.how.profile;
    // The variable sets wal_fsync to 0.1. Expected shares of the other metrics, computed with Python from each weight
    // `w` in the file or profile: `Fraction(w) * Fraction(9, 10) / Fraction(6, 10)`.
    let shares = Metric::ALL.map(|m| profile.rule(m).weight as f64 / profile.total_weight() as f64);
    assert_eq!(shares, [0.1, 0.3, 0.15, 0.3, 0.075, 0.075]);
}

#[test]
fn an_error_in_a_file_names_file_line_and_key() {
    for (text, expected) in [
        ("[source]\n\nstpe = \"5m\"", "x.toml, line 3: unknown key 'source.stpe' (did you mean 'source.step'?)"),
        ("[source]\nstep = \"soon\"", "x.toml, line 2: source.step: 'soon' is not a step"),
        ("[source]\nstart = \"soon\"", "x.toml, line 2: source.start: 'soon' is not a time"),
        ("[source]\nconcurrency = 0", "x.toml, line 2: source.concurrency: invalid number of queries '0'"),
        (
            "[source]\nseries = true",
            "x.toml, line 2: source.series: unknown series form 'true': use one of auto, raw, recorded",
        ),
        ("[source]\nurl = 'ftp://h'", "x.toml, line 2: source.url: 'ftp://h' is not a server URL (its scheme is ftp"),
        ("[labels]\nmember = ''", "x.toml, line 2: labels.member: '' is not a label name"),
        ("[labels]\ncluster = 'a=~b'", "x.toml, line 2: labels.cluster: 'a=~b' is not a label name"),
        ("[score]\nprofile = 'sede'", "x.toml, line 2: score.profile: unknown profile 'sede' (did you mean 'seed'?)"),
        ("[score]\nwithout = ['wal']", "x.toml, line 2: score.without: unknown metric 'wal'"),
        ("score.time_zone = 'CEST'", "x.toml, line 1: score.time_zone: 'CEST' is not a time zone"),
        ("[score]\ncell = '45m'", "x.toml, line 2: score.cell: '45m' is not the width"),
        (
            "[score]\nrollup = 'best'",
            "x.toml, line 2: score.rollup: unknown rollup 'best': use one of worst, mean, quorum",
        ),
        ("[score]\nmin_coverage = 1.5", "x.toml, line 2: score.min_coverage: invalid share '1.5'"),
        ("[score]\nmin_coverage = nan", "x.toml, line 2: score.min_coverage: invalid share 'nan'"),
        ("[score]\nweight = ['wal_fsync=2']", "x.toml, line 2: score.weight: '2' is not a weight"),
        ("[output]\nformats = ['cvs']", "x.toml, line 2: output.formats: unknown format 'cvs' (did you mean 'csv'?)"),
        (
            "[output]\npalette = 'orange'",
            "x.toml, line 2: output.palette: unknown palette 'orange' (did you mean 'orange-blue'?): use one of red-green",
        ),
        ("[output]\nformats = []", "x.toml, line 2: output.formats: no format is named"),
        ("[weights]\n\nwal_fsync = -0.3", "x.toml, line 3: weights.wal_fsync: '-0.3' is not a weight"),
        ("[weights]\nwal_fsync = nan", "x.toml, line 2: weights.wal_fsync: 'nan' is not a weight"),
        (
            "[weights]\nwal_fsync = 0.3\ndb_size = 0.2",
            "x.toml, line 3: weights.db_size: the weights add up to 1.15, not",
        ),
        ("[bands]\nwal_fsync = '0.1:5, 0.05:0'", "x.toml, line 2: bands.wal_fsync: the band '0.05:0' is out of order"),
        ("[bands]\nwal_fsync = '0.1:11'", "x.toml, line 2: bands.wal_fsync: invalid points '11'"),
        ("[bands]\nwal_fsync = '0.1:-1'", "x.toml, line 2: bands.wal_fsync: invalid points '-1'"),
        ("[bands]\nwal_fsync = '80%:0'", "x.toml, line 2: bands.wal_fsync: wal_fsync has no limit"),
        ("[bands]\nwal_fsync = 0.01", "x.toml, line 2: bands.wal_fsync: '0.01' is not a band"),
        ("[source]\nstep = 5m", "x.toml, line 2: "),
        ("[source]\nstep = '1m'\nstep = '2m'", "x.toml, line 3: duplicate key"),
        ("[[score]]\ncell = '1h'", "x.toml, line 1: score cannot be a list of tables"),
    ] {
        let error = error_in(text);
        assert!(error.starts_with(expected), "{text:?} gives {error:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_overridden_value_is_checked_too() {
    let error = load("x.toml", "source.step = 'soon'", &[("ETCD_HEATMAP_STEP", "1m")]).map(|_| ()).unwrap_err();
    assert!(error.starts_with("x.toml, line 1: source.step: "), "{error}");
}

#[test]
fn an_error_about_the_sum_of_weights_names_the_profile_of_the_others() {
    let error = error_in("[weights]\nwal_fsync = 0.5\n");
    assert!(error.contains("add up to 1.2, not to 1 (wal_fsync 0.5, backend_commit 0.2"), "{error}");
    assert!(error.ends_with("weights that are not set come from the profile seed"), "{error}");
}

#[test]
fn an_error_in_a_variable_names_the_variable() {
    for (name, text, expected) in [
        ("ETCD_HEATMAP_STEP", "soon", "ETCD_HEATMAP_STEP: 'soon' is not a step"),
        ("ETCD_HEATMAP_WEIGHT", "wal_fsync", "ETCD_HEATMAP_WEIGHT: 'wal_fsync' has no '='"),
        ("ETCD_HEATMAP_WEIGHT", "wal_fsync=0.9,db_size=0.9", "ETCD_HEATMAP_WEIGHT: the given weights add up to 1.8"),
        ("ETCD_HEATMAP_BAND", "wal_fsync=1:0;db=1:0", "ETCD_HEATMAP_BAND: unknown metric 'db'"),
        ("ETCD_HEATMAP_BAND", "wal_fsync=80%:0", "ETCD_HEATMAP_BAND: wal_fsync has no limit"),
        ("ETCD_HEATMAP_WITHOUT", "a", "ETCD_HEATMAP_WITHOUT: unknown metric 'a'"),
    ] {
        let error = load("x.toml", "", &[(name, text)]).map(|_| ()).unwrap_err();
        assert!(error.starts_with(expected), "{text:?} gives {error:?}");
    }
}

#[test]
fn an_unknown_variable_with_our_prefix_is_noted_and_ignored() {
    let notes =
        load("x.toml", "", &[("ETCD_HEATMAP_STPE", "5m"), ("ETCD_HEATMAP_CONFIG", "other.toml")]).unwrap().notes;
    assert_eq!(notes, ["ETCD_HEATMAP_STPE is ignored: no setting has this name (did you mean 'ETCD_HEATMAP_STEP'?)"]);
    for (variable, meant) in
        [("ULR", Some("URL")), ("TIMEZONE", Some("TIME_ZONE")), ("ORACLE_PYTHON", None), ("X", None)]
    {
        let notes = load("x.toml", "", &[(&format!("ETCD_HEATMAP_{variable}"), "1")]).unwrap().notes;
        let meant = meant.map(|meant| format!(" (did you mean 'ETCD_HEATMAP_{meant}'?)")).unwrap_or_default();
        assert_eq!(notes, [format!("ETCD_HEATMAP_{variable} is ignored: no setting has this name{meant}")]);
    }
}

#[test]
fn errors_never_contain_a_login() {
    for url in ["ftp://ann:secret@h", "ann:secret@h", "http://ann:secret@h:port"] {
        let from_file = error_in(&format!("[source]\nurl = '{url}'"));
        let from_variable = load("x.toml", "", &[("ETCD_HEATMAP_URL", url)]).map(|_| ()).unwrap_err();
        let unfinished = error_in(&format!("[source]\nurl = \"{url}"));
        let no_toml = error_in(&format!("[source]\nurl = {url}"));
        let no_ini = load("x.conf", &format!("url {url}"), &[]).map(|_| ()).unwrap_err();
        for error in [from_file, from_variable, unfinished, no_toml, no_ini] {
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

#[test]
fn the_original_ini_sets_weights_and_cell_width() {
    let text = "[weights]\nwt_etcd_wal_fsync = 0.4\nwt_etcd_db_fsync = 0.1\nwt_etcd_file_descriptor=0.1\n\
                wt_etcd_leader_election: 0.2\nwt_etcd_client_traffic_in = '0.1'\nwt_etcd_database_size = 0.1\n\
                \n[time]\nduration='[2h]'\n";
    let how = load("config.conf", text, &[]).unwrap().settings.how;
    assert_eq!(Metric::ALL.map(|m| how.profile.rule(m).weight / 10_000), [40, 10, 10, 20, 10, 10]);
    assert_eq!(how.folding.width.minutes(), 120);
}

#[test]
fn an_ini_with_byte_order_mark_and_crlf_is_read() {
    let text = "\u{feff}[time]\r\nduration='[30m]'\r\n";
    assert_eq!(load("config.conf", text, &[]).unwrap().settings.how.folding.width.minutes(), 30);
}

#[test]
fn an_error_in_an_ini_names_the_original_key() {
    for (text, expected) in [
        ("[weights]\nwt_etcd_wal_fsync = -1", "c.conf, line 2: weights.wt_etcd_wal_fsync: '-1' is not a weight"),
        ("[weights]\nwt_etcd_wal_fsync = 0.9", "c.conf, line 2: weights.wt_etcd_wal_fsync: the weights add up to 1.6"),
        ("[time]\nduration='[1d]'", "c.conf, line 2: time.duration: '1d' is not the width of a cell: write 15m, 30m"),
        ("[time]\nduratoin=1h", "c.conf, line 2: unknown key 'time.duratoin' (did you mean 'time.duration'?)"),
        ("[weight]\nwt_etcd_db_fsync=1", "c.conf, line 2: unknown key 'weight.wt_etcd_db_fsync' (did you mean"),
        ("[source]\nurl=http://h", "c.conf, line 2: unknown key 'source.url': it belongs in a TOML file"),
        ("duration=1h", "c.conf, line 1: unknown key 'duration'"),
        ("[[time]]\nduration=1h", "c.conf, line 2: unknown key '[time].duration' (did you mean 'time.duration'?)"),
        ("[time]\n\u{1b}[2J=1h", "c.conf, line 2: unknown key 'time.\u{fffd}[2J'"),
    ] {
        let error = load("c.conf", text, &[]).map(|_| ()).unwrap_err();
        assert!(error.starts_with(expected), "{text:?} gives {error:?}");
    }
}

#[test]
fn a_missing_file_is_named_with_the_flag_or_variable_that_names_it() {
    let missing = Path::new("/no/such/x.toml");
    let error = Config::load(&[], Some(missing), &Environment::new()).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("--config: cannot read /no/such/x.toml: "), "{error}");
    let variables = environment(&[("ETCD_HEATMAP_CONFIG", "/no/such/y.toml")]);
    let error = Config::load(&[], None, &variables).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("ETCD_HEATMAP_CONFIG: cannot read /no/such/y.toml: "), "{error}");
}

/// Checks that the settings survive `config show` and a reload; returns what it shows.
#[track_caller]
fn survives_config_show(file: &str, variables: &[(&str, &str)]) -> String {
    let config = load("x.toml", file, variables).unwrap();
    let shown = config.show().unwrap();
    let again = load("x.toml", &shown, &[]).unwrap();
    assert_eq!(format!("{:?}", again.settings), format!("{:?}", config.settings), "{shown}");
    shown
}

#[test]
fn shown_settings_saved_as_a_file_are_the_same_settings() {
    survives_config_show("", &[]);
    survives_config_show("score.profile = 'mixin'", &[]);
    let shown = survives_config_show(
        "[source]\nselector = 'job=\"etcd\"'\nstart = 2026-10-01\n[weights]\nwal_fsync = 0.35\nopen_fds = '.05'\n",
        &[
            ("ETCD_HEATMAP_WEIGHT", "db_size=0.123"),
            ("ETCD_HEATMAP_BAND", "open_fds=66.6%:9.999,80%:0;leader_changes=none"),
            ("ETCD_HEATMAP_WITHOUT", "client_traffic_in"),
            ("ETCD_HEATMAP_MIN_COVERAGE", ".25"),
            ("ETCD_HEATMAP_FORMATS", "csv"),
            ("ETCD_HEATMAP_OUT", "a \"quoted\" 'folder'"),
        ],
    );
    let line = |key: &str| shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap_or_default();
    assert!(line("selector").starts_with("selector = 'job=\"etcd\"'"), "{shown}");
    assert!(line("selector").ends_with("x.toml, line 2"), "{shown}");
    assert!(line("min_coverage").starts_with("min_coverage = 0.25 "), "{shown}");
    assert!(line("min_coverage").ends_with("# environment ETCD_HEATMAP_MIN_COVERAGE"), "{shown}");
}

#[test]
fn config_show_hides_logins() {
    let url = "https://mallory:secret@prom.example:9090/prefix?token=hidden";
    let shown = load("x.toml", "", &[("ETCD_HEATMAP_URL", url)]).unwrap().show().unwrap();
    assert!(!["mallory", "secret", "hidden"].iter().any(|part| shown.contains(part)), "{shown}");
    assert!(
        shown.contains("url = \"https://prom.example:9090/prefix\"  # environment ETCD_HEATMAP_URL; without its login")
    );
}

#[test]
fn the_example_file_has_every_key_with_a_comment_and_its_default() {
    const EXAMPLE: &str = include_str!("../../etcd-heatmap.example.toml");
    let config = load("etcd-heatmap.toml", EXAMPLE, &[]).unwrap();
    for key in keys().filter(|key| key.is_in_files()) {
        let Some(Origin::File { line, .. }) = config.values.get(key.name).map(|given| &given.origin) else {
            panic!("the example has no {}", key.name);
        };
        let above = EXAMPLE.lines().nth(line - 2).unwrap();
        assert!(above.starts_with("# ") && above.len() > 8, "{} has no comment: {above:?}", key.name);
    }
    let unset = [("ETCD_HEATMAP_URL", "http://127.0.0.1:9090"), ("ETCD_HEATMAP_OUT", "audit")];
    let defaults = load("empty.toml", "", &unset).unwrap();
    assert_eq!(format!("{:?}", config.settings), format!("{:?}", defaults.settings));
}

/// A file with two sources, one of which has settings of its own.
const SOURCES: &str = "[sources]\nstart = '2026-10-01'\nselector = 'job=\"etcd\"'\nretries = 3\n[score]\nprofile = 'mixin'\n\n\
    [[source]]\nname = 'eu-1'\nurl = 'http://ann:secret@eu:9090'\n\n\
    [[source]]\nname = 'us-1'\nurl = 'http://us:9090'\nselector = 'job=\"us\"'\nrate_window = '15m'\ntenant = 'team-a'\n\
    [source.labels]\ncluster = 'env'\n";

#[test]
fn a_source_has_its_own_settings_and_else_those_that_all_share() {
    let variables = [("ETCD_HEATMAP_SELECTOR", "job=\"variable\""), ("ETCD_HEATMAP_STEP", "5m")];
    let config = load("x.toml", SOURCES, &variables).unwrap();
    let several = &config.settings.several;
    let names: Vec<&str> = several.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["eu-1", "us-1"]);
    let selectors = several.iter().map(|one| one.source.query_set().unwrap().selector().to_owned());
    assert_eq!(selectors.collect::<Vec<_>>(), ["job=\"variable\"", "job=\"us\""]);
    assert_eq!(several.iter().map(|one| one.source.step.seconds()).collect::<Vec<_>>(), [300, 300]);
    assert_eq!(several.iter().map(|one| one.source.terms.retries).collect::<Vec<_>>(), [3, 3]);
    let labels: Vec<Option<&str>> = several.iter().map(|one| one.source.cluster_label.as_deref()).collect();
    assert_eq!(labels, [None, Some("env")]);
    assert_eq!(several[1].source.url().unwrap(), "http://us:9090");
    assert_eq!(
        several[1].source.headers,
        crate::sources::prometheus::PlainHeaders::parse("X-Scope-OrgID: team-a").unwrap()
    );
    let now_ms = 1_796_000_000_000;
    assert!(
        several.iter().all(|one| one.source.range(now_ms).unwrap() == config.settings.source.range(now_ms).unwrap())
    );
    // A preset of one source is a layer below all its other values.
    let preset = "[sources]\nselector = 'a=\"b\"'\n[[source]]\nname = 'a'\nurl = 'http://a'\npreset = 'openshift'\n\
        [[source]]\nname = 'b'\nurl = 'http://b'\n";
    let config = load("x.toml", preset, &[]).unwrap();
    let labels: Vec<&str> = config.settings.several.iter().map(|one| one.source.member_label.as_str()).collect();
    assert_eq!(labels, ["pod", "instance"]);
    assert!(config.settings.several.iter().all(|one| one.source.query_set().unwrap().selector() == "a=\"b\""));
}

#[test]
fn a_source_may_be_files_while_another_is_a_server() {
    let file = "[[source]]\nname = 'a'\nfrom = 'data'\n[[source]]\nname = 'b'\nurl = 'http://b'\n";
    for variables in [&[][..], &[("ETCD_HEATMAP_URL", "http://other")]] {
        let several = load("x.toml", file, variables).unwrap().settings.several;
        let from: Vec<bool> = several.iter().map(|one| one.source.from.is_some()).collect();
        assert_eq!(from, [true, false]);
        assert_eq!(several[1].source.url().unwrap(), "http://b");
    }
}

#[test]
fn each_of_several_tenants_is_a_source_and_a_single_one_is_a_header() {
    let header =
        |tenant: &str| crate::sources::prometheus::PlainHeaders::parse(&format!("X-Scope-OrgID: {tenant}")).unwrap();
    let load =
        |tenants| load("x.toml", "[source]\nurl = 'http://mimir'\n", &[("ETCD_HEATMAP_TENANT", tenants)]).unwrap();
    let settings = load("team-a").settings;
    assert!(settings.several.is_empty());
    assert_eq!(settings.source.headers, header("team-a"));
    let several = load("team-a, team-b").settings.several;
    let headers: Vec<_> = several.iter().map(|one| (one.name.as_str(), one.source.headers.clone())).collect();
    assert_eq!(headers, [("team-a", header("team-a")), ("team-b", header("team-b"))]);
    assert!(several.iter().all(|one| one.source.url().unwrap() == "http://mimir"));
    // One tenant may have a name that no folder can have.
    assert_eq!(load("a(b)*").settings.source.headers, header("a(b)*"));
}

#[test]
fn an_error_in_one_of_several_sources_names_its_line() {
    let url = "[[source]]\nname = 'a'\nurl = 'http://a'\n";
    for (text, expected) in [
        ("\n[[source]]\nurl = 'http://a'\n", "x.toml, line 2: [[source]]: this [[source]] has no name"),
        ("[[source]]\nname = '../a'\n", "x.toml, line 2: source.name: '../a' cannot be the name of a source"),
        (
            &format!("{url}[[source]]\nname = 'A'\n"),
            "x.toml, line 5: source.name: 'A' is the name of the [[source]] in line 1",
        ),
        ("[[source]]\nname = 'a'\n", "x.toml, line 1: [[source]] a: it has neither url nor from"),
        (&format!("{url}stpe = '5m'"), "x.toml, line 4: unknown key 'source.stpe' (did you mean 'source.step'?)"),
        (
            &format!("{url}selectr = 'a'"),
            "x.toml, line 4: unknown key 'source.selectr' (did you mean 'source.selector'?)",
        ),
        (
            &format!("{url}step = '5m'"),
            "x.toml, line 4: source.step: all sources have the same step: write it in [sources]",
        ),
        (&format!("{url}retries = 'many'"), "x.toml, line 4: source.retries: invalid number of retries"),
        (&format!("{url}labels.cluster = 'a=b'"), "x.toml, line 4: source.labels.cluster: 'a=b' is not a label name"),
        (&format!("{url}tenant = ['a', 'b']"), "x.toml, line 1: [[source]] a: it has the tenants a and b"),
        (
            &format!("[sources]\nurll = 'http://b'\n{url}"),
            "x.toml, line 2: unknown key 'sources.urll' (did you mean 'sources.url'?)",
        ),
        (&format!("[sources]\nstep = 'soon'\n{url}"), "x.toml, line 2: sources.step: 'soon' is not a step"),
        ("[sources]\nstep = '5m'\n", "x.toml, line 2: unknown key 'sources.step' (did you mean 'source.step'?)"),
        (&format!("[source]\nstep = '5m'\n{url}"), "x.toml, line 3: "),
        ("[source]\nfrom = 'data'\ntenant = 'a'\n", "x.toml, line 3: source.tenant: it chooses data of a server"),
        (
            "[source]\nheaders = ['x-scope-orgid: b']\ntenant = 'a'\n",
            "x.toml, line 3: source.tenant: the header X-Scope-OrgID is set too",
        ),
        ("[source]\ntenant = 'a|b'\n", "x.toml, line 2: source.tenant: 'a|b' is several tenants in one"),
        ("[source]\ntenant = ['a(b)', 'c']\n", "x.toml, line 2: source.tenant: 'a(b)' cannot name a folder"),
    ] {
        let error = error_in(text);
        assert!(error.starts_with(expected), "{text:?} gives {error:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn several_sources_are_shown_as_a_file_that_gives_the_same_settings() {
    let variables = [("ETCD_HEATMAP_STEP", "5m")];
    survives_config_show(&SOURCES.replace("ann:secret@", ""), &variables);
    let shown = load("x.toml", SOURCES, &variables).unwrap().show().unwrap();
    assert!(!shown.contains("secret") && !shown.contains("\n[source]"), "{shown}");
    assert!(shown.contains("[[source]]\nname = \"us-1\"\nurl = \"http://us:9090\""), "{shown}");
    assert!(shown.contains("labels.cluster = \"env\""), "{shown}");
    survives_config_show("", &[("ETCD_HEATMAP_TENANT", "a,b")]);
}

#[test]
fn a_variable_that_every_source_outranks_is_noted() {
    let notes = |variable| load("x.toml", SOURCES, &[(variable, "http://other")]).unwrap().without_effect().unwrap();
    assert_eq!(notes("ETCD_HEATMAP_URL"), ["ETCD_HEATMAP_URL is ignored: every [[source]] sets its own url"]);
    let notes = load("x.toml", SOURCES, &[("ETCD_HEATMAP_SELECTOR", "a=\"b\"")]).unwrap().without_effect().unwrap();
    assert!(notes.is_empty(), "it is that of eu-1: {notes:?}");
}
