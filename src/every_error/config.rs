//! Samples of the errors of `config`, made by loading faulty files and variables.

use std::path::Path;

use super::{Samples, disk, path, samples_of};
use crate::config::{Config, ConfigError, Environment, Settings};
use crate::scratch::Scratch;
use crate::spec::Metric;
use crate::text::key_file::KeyFileError;

/// A variable (without its prefix) and an invalid value. A variable with several kinds
/// of faults has several entries.
const VARIABLES: [(&str, &str); 47] = [
    ("URL", "prometheus:9090"),
    ("START", "yesterday"),
    ("STEP", "often"),
    ("SELECTOR", "job=\"etcd\",\nenv=\"north\""),
    ("REPLICA", "prometheus-k8s-0"),
    ("CONCURRENCY", "100"),
    ("MAX_QPS", "fast"),
    ("RETRIES", "1000"),
    ("TIMEOUT", "1d"),
    ("SERIES", "row"),
    ("PRESET", "open-shift"),
    ("CLUSTER_LABEL", "env,"),
    ("MEMBER_LABEL", "pod=\"etcd-0\""),
    ("MEMBER_LABEL", "pod,node,pod"),
    ("MERGE_MEMBERS", "yes"),
    ("HEADER", "X-Scope-OrgID"),
    ("HEADER", "X Scope: a"),
    ("HEADER", "Authorization: Bearer s3cret"),
    ("HEADER", "X-Api-Key: s3cret"),
    ("HEADER", "Host: prometheus"),
    ("HEADER", "X-Team: a\u{1}b"),
    ("TENANT", "a|b"),
    ("TENANT", "a b"),
    ("TENANT", "a,b,a"),
    ("PROFILE", "sede"),
    ("WITHOUT", "wal"),
    ("TIME_ZONE", "CEST"),
    ("CELL", "45m"),
    ("ROLLUP", "best"),
    ("MIN_COVERAGE", "50%"),
    ("FAIL_BELOW", "11"),
    ("WEIGHT", "wal_fsync"),
    ("WEIGHT", "wal_fsync=0.9,db_size=0.9"),
    ("BAND", "wal_fsync=80%:0"),
    ("BAND", "wal_fsync=0.01"),
    ("FORMATS", "cvs"),
    ("FORMATS", ","),
    ("EMIT", "point"),
    ("LABEL", "job"),
    ("LABEL", "a-b=c"),
    ("LABEL", "cluster=c"),
    ("LABEL", "job="),
    ("LABEL", "job=a,job=b"),
    ("RETENTION", "long"),
    ("RETENTION", "1h"),
    ("QUERY_OFFSET", "2h"),
    ("MAX_AGE", "1w"),
];

pub(super) fn samples() -> Vec<Samples> {
    let toml = |text: &str| load("etcd-heatmap.toml", text, &[]).expect_err("a wrong file");
    let ini = |text: &str| load("config.conf", text, &[]).expect_err("a wrong file");
    let mut errors = vec![
        ConfigError::Unreadable { by: "", source: disk::unreadable_settings("etcd-heatmap.toml") },
        ConfigError::Unreadable { by: "--config: ", source: disk::unreadable_settings("audit.toml") },
        toml("[source]\n\nstpe = '5m'"),
        toml("[source]\nxyzzy = '5m'"),
        toml("[xyzzy]\nstep = '5m'"),
        toml("weight = '5m'"),
        ini("[time]\nduratoin = 1h"),
        ini("[source]\nurl = http://prometheus:9090"),
        ini("[xyzzy]\nplugh = 1"),
        toml("[source]\nstep = 'often'"),
        toml("[weights]\nwal_fsync = 0.5"),
        toml("[bands]\nwal_fsync = '0.1:5, 0.05:0'"),
        ini("[weights]\nwt_etcd_wal_fsync = -1"),
        load("etcd-heatmap.toml", "", &[("WITHOUT", &Metric::ALL.map(Metric::name).join(","))]).expect_err("no metric"),
        not_text(),
        toml("[[source]]\nurl = 'http://a'"),
        toml("[[source]]\nname = 'a/b'\nurl = 'http://a'"),
        toml("[[source]]\nname = 'a'\nurl = 'http://a'\n[[source]]\nname = 'A'\nurl = 'http://b'"),
        toml("[[source]]\nname = 'a'"),
        toml("[[source]]\nname = 'a'\nurl = 'http://a'\ntenant = ['a', 'b']"),
        toml("[[source]]\nname = 'a'\nurl = 'http://a'\nstep = '5m'"),
        toml("[[source]]\nname = 'a'\nulr = 'http://a'"),
        toml("[sources]\nstpe = '5m'\n[[source]]\nname = 'a'\nurl = 'http://a'"),
        toml("[source]\ntenant = 'a'\nheaders = ['X-Scope-OrgID: b']"),
        toml("[source]\ntenant = 'a'\nfrom = 'data'"),
        toml("[source]\ntenant = ['a!b', 'c']"),
        toml("[source]\ntenant = ['a', 'A']"),
    ];
    errors.extend(VARIABLES.iter().filter_map(|variable| load("etcd-heatmap.toml", "", &[*variable]).err()));
    errors.extend(missing_settings());
    vec![samples_of(errors)]
}

/// The errors for settings that a command needs and that are not set.
fn missing_settings() -> [ConfigError; 6] {
    let settings: Settings = load("etcd-heatmap.toml", "", &[]).expect("an empty file").settings;
    let tenants = load("etcd-heatmap.toml", "", &[("TENANT", "team-a,team-b")]).expect("two tenants");
    let one = load("etcd-heatmap.toml", "", &[]).expect("an empty file");
    let name = "team-c".parse().expect("a name");
    [
        tenants.clone().only(&name).expect_err("another source"),
        one.only(&name).expect_err("one source"),
        tenants.settings.only_one("textfile").expect_err("two sources"),
        settings.source.url().expect_err("no URL"),
        settings.out().expect_err("no folder"),
        settings.folder(None).expect_err("no folder"),
    ]
}

#[cfg(unix)]
fn not_text() -> ConfigError {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let environment = Environment::from([("ETCD_HEATMAP_OUT".to_owned(), OsString::from_vec(vec![0xff]))]);
    load_in("etcd-heatmap.toml", "", &environment).expect_err("not UTF-8")
}

#[cfg(not(unix))]
fn not_text() -> ConfigError {
    ConfigError::NotText("ETCD_HEATMAP_OUT".to_owned())
}

fn load(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variable = |&(name, value): &(&str, &str)| (format!("ETCD_HEATMAP_{name}"), value.into());
    load_in(name, text, &variables.iter().map(variable).collect())
}

/// Loads a file with this name and text. Its errors show the name without the temporary folder.
fn load_in(name: &str, text: &str, environment: &Environment) -> Result<Config, ConfigError> {
    let folder = Scratch::new();
    let file = folder.path().join(name);
    std::fs::write(&file, text).expect("the folder for temporary files is writable");
    let within = format!("{}/", folder.path().display());
    let shown = |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_owned();
    Config::load(&[], Some(&file), environment).map_err(|error| match error {
        ConfigError::UnknownKey { path, line, key, instead } => {
            ConfigError::UnknownKey { path: shown(&path), line, key, instead }
        }
        ConfigError::Value { place, reason } => ConfigError::Value { place: place.replace(&within, ""), reason },
        ConfigError::File(KeyFileError::Syntax { line, reason, .. }) => {
            ConfigError::File(KeyFileError::Syntax { path: path(name), line, reason })
        }
        other => other,
    })
}

#[test]
fn every_wrong_variable_is_refused() {
    for variable in &VARIABLES {
        assert!(load("etcd-heatmap.toml", "", &[*variable]).is_err(), "{variable:?} is accepted");
    }
}
