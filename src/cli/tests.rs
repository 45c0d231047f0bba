//! Tests of the help of every subcommand, and of the errors of the command line.

use clap::Command;

use super::help::{flags, long, short};
use super::*;
use crate::analysis::findings::Kind;
use crate::config::Origin;
use crate::outputs::{Family, OUTPUTS};
use crate::score::Rollup;
use crate::sources::prometheus::{HttpMethod, Preset, ReadMode, SeriesForm, ServerKind};
use crate::spec::{Metric, PROFILES};

/// All commands below `root`, and `root` itself, each with the words that call it on a command line.
fn tree(mut root: Command) -> Vec<(Vec<String>, Command)> {
    fn walk(command: &Command, path: &[String], all: &mut Vec<(Vec<String>, Command)>) {
        let path = [path, &[command.get_name().to_owned()]].concat();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            walk(sub, &path, all);
        }
        all.push((path, command.clone()));
    }
    root.build();
    let mut all = Vec::new();
    walk(&root, &[], &mut all);
    assert!(all.len() >= 18, "only {} commands", all.len());
    all
}

/// The help of a command, as a terminal of 100 columns shows it.
fn rendered(command: &Command) -> String {
    command.clone().term_width(100).render_help().to_string()
}

fn words(words: &[impl AsRef<str>]) -> Vec<OsString> {
    words.iter().map(|word| word.as_ref().into()).collect()
}

/// The error of a command line; `arguments` do not include the name of the program.
fn error(arguments: &[&str]) -> String {
    let words = words(&[&["etcd-heatmap"], arguments].concat());
    let error = Cli::from_words(&words).err().unwrap_or_else(|| panic!("{arguments:?} is understood"));
    one_sentence(&error, &words).unwrap_or_else(|| panic!("{arguments:?} prints help"))
}

#[test]
fn the_flags_fit_together() {
    Cli::command().debug_assert();
    short(Cli::command()).debug_assert();
    long(Cli::command()).debug_assert();
}

#[test]
fn short_help_fits_a_screen_and_ends_with_the_number_of_flags() {
    for (path, command) in tree(short(Cli::command())) {
        let help = rendered(&command);
        let lines: Vec<&str> = help.lines().collect();
        assert!(lines.len() <= 40, "{path:?} -h has {} lines:\n{help}", lines.len());
        let last = lines.last().unwrap();
        let count = format!("all {} flags", flags(&command).count());
        assert!(command.has_subcommands() || last.contains(&count), "{path:?} -h ends with {last:?}, not {count}");
        let too_long = lines.iter().find(|line| line.chars().count() > 100);
        assert_eq!(too_long, None, "{path:?} -h");
        for flag in flags(&command).filter(|flag| !flag.is_hide_short_help_set()) {
            let (name, text) = (format!("--{}", flag.get_long().unwrap()), flag.get_help().unwrap().to_string());
            let has_a_line = lines.iter().any(|line| line.contains(&name) && line.ends_with(&text));
            assert!(has_a_line, "{path:?} -h has no single line for {flag}:\n{help}");
        }
    }
}

#[test]
fn long_help_has_at_most_100_lines_and_lists_every_flag_and_the_examples() {
    for (path, command) in tree(long(Cli::command())) {
        let help = rendered(&command);
        assert!(help.lines().count() <= 100, "{path:?} --help has {} lines:\n{help}", help.lines().count());
        let too_long = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(too_long, None, "{path:?} --help");
        for flag in flags(&command) {
            assert!(help.contains(&format!("--{}", flag.get_long().unwrap())), "{path:?} --help has no {flag}");
        }
        assert!(command.has_subcommands() || help.contains("\nExamples:\n"), "{path:?} --help has no examples");
    }
}

#[test]
fn every_flag_has_a_heading_a_short_help_and_a_long_one_if_it_is_hidden() {
    for (path, command) in tree(Cli::command()) {
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty() && !help.contains('\n'), "{path:?} {argument}: {help:?}");
            assert!(!help.ends_with('.'), "{path:?} {argument}: {help:?}");
        }
        for flag in flags(&command) {
            assert!(flag.get_help_heading().is_some(), "{path:?} {flag} has no heading");
            // The manual page has no text for a flag that is hidden from -h and has no long help.
            assert!(!flag.is_hide_short_help_set() || flag.get_long_help().is_some(), "{path:?} {flag}");
        }
        assert!(command.get_about().is_some(), "{path:?} has no help of its own");
    }
}

#[test]
fn long_help_lists_the_values_of_every_enumeration() {
    let values = |flag: &str| -> Vec<&str> {
        match flag {
            "profile" => PROFILES.to_vec(),
            "preset" => {
                // The error for an unknown preset names all of them.
                let all = ["kubeadm", "kube-prometheus-stack", "openshift", "kubermatic", "rke2-k3s"];
                assert!(Preset::named("").unwrap_err().ends_with(&all.join(", ")));
                all.to_vec()
            }
            "rollup" => Rollup::ALL.map(Rollup::name).to_vec(),
            "series" => SeriesForm::ALL.map(SeriesForm::name).to_vec(),
            "server" => ServerKind::ALL.map(ServerKind::name).to_vec(),
            "http-method" => HttpMethod::ALL.map(HttpMethod::name).to_vec(),
            "read" => ReadMode::ALL.map(ReadMode::name).to_vec(),
            "cell" => vec!["15m", "30m", "1h", "2h"],
            "emit" => Family::ALL.map(Family::name).to_vec(),
            "kind" => Kind::ALL.map(Kind::name).to_vec(),
            "without" => Metric::ALL.map(Metric::name).to_vec(),
            "formats" => OUTPUTS.map(|output| output.name()).to_vec(),
            _ => Vec::new(),
        }
    };
    for (path, command) in tree(long(Cli::command())) {
        let help = rendered(&command);
        for flag in flags(&command) {
            for value in values(flag.get_long().unwrap()) {
                let help = flag.get_help().unwrap().to_string();
                assert!(help.contains(value), "{path:?} --help does not list {value} of {flag}");
            }
        }
        if flags(&command).any(|flag| flag.get_long() == Some("formats")) {
            for output in OUTPUTS {
                assert!(
                    help.contains(&format!("- {}: ", output.name())),
                    "{path:?} --help has no line for {}",
                    output.name()
                );
            }
        }
    }
}

#[test]
fn long_help_shows_the_default_of_every_setting() {
    // Skip `import`: its `--retention` is a flag of its own, not the setting of that name.
    for (path, command) in tree(long(Cli::command())).into_iter().filter(|(_, command)| command.get_name() != "import")
    {
        for key in crate::config::keys() {
            let Some(flag) = &key.flag else { continue };
            let argument = flags(&command).find(|argument| argument.get_id() == flag.name);
            // `findings --evidence` takes no value and is not the setting of that name.
            let is_setting = |argument: &&clap::Arg| argument.get_action().takes_values();
            if let Some(argument) = argument.filter(is_setting).filter(|_| !key.shown_default().is_empty()) {
                let help = argument.get_help().unwrap().to_string();
                let default = format!("[default: {}]", key.shown_default());
                let is_shown = help.contains(&default) || help.contains("[default: as scored]");
                assert!(is_shown, "{path:?} {argument} does not show {default}");
            }
        }
    }
}

#[test]
fn help_flags_choose_between_the_two_helps_and_the_subcommand_help_is_the_long_one() {
    let printed = |arguments: &[&str]| {
        let words = words(&[&["etcd-heatmap"], arguments].concat());
        let help = Cli::from_words(&words).err().unwrap();
        assert_eq!(one_sentence(&help, &words), None);
        help.to_string()
    };
    let (short, long) = (printed(&["pull", "-h"]), printed(&["pull", "--help"]));
    assert!(!short.contains("--max-qps") && !short.contains("Examples:"), "{short}");
    assert!(long.contains("--max-qps") && long.contains("Examples:"), "{long}");
    assert_eq!(printed(&["help", "pull"]), long);
    assert_eq!(printed(&["pull", "--step", "1m", "--help"]), long);
    assert_eq!(printed(&["config"]), printed(&["config", "-h"]));
}

#[test]
fn a_misspelled_flag_is_answered_with_the_flag_that_was_meant() {
    for (path, command) in tree(Cli::command()) {
        let known: Vec<&str> = flags(&command).filter_map(|flag| flag.get_long()).collect();
        for flag in &known {
            let mut misspelled = vec![flag[..flag.len() - 1].to_owned(), format!("{flag}{}", &flag[flag.len() - 1..])];
            for place in [1, flag.len() - 1] {
                let mut letters: Vec<char> = flag.chars().collect();
                letters.swap(place - 1, place);
                misspelled.push(letters.into_iter().collect());
            }
            for typed in misspelled.iter().filter(|typed| !known.contains(&typed.as_str())) {
                let words = words(&[&path[..], &[format!("--{typed}")]].concat());
                let error = Cli::from_words(&words).err().unwrap_or_else(|| panic!("{words:?} is understood"));
                let expected = format!("unknown flag --{typed}: did you mean --{flag}?");
                assert_eq!(one_sentence(&error, &words), Some(expected), "{words:?}");
            }
        }
    }
}

#[test]
fn a_misspelled_subcommand_or_value_is_answered_with_the_nearest() {
    assert_eq!(error(&["bakcfill"]), "unknown command 'bakcfill': did you mean 'backfill'?");
    assert_eq!(error(&["help", "pul"]), "unknown command 'pul': did you mean 'pull'?");
    assert_eq!(error(&["help", "paint"]), "unknown command 'paint': 'etcd-heatmap --help' lists all commands");
    assert_eq!(error(&["config", "shwo"]), "unknown command 'shwo': did you mean 'show'?");
    assert_eq!(error(&["paint"]), "unknown command 'paint': 'etcd-heatmap --help' lists all commands");
    assert_eq!(
        error(&["completions", "fsh"]),
        "<SHELL>: 'fsh' is unknown (did you mean 'fish'?): use bash, elvish, fish, powershell, or zsh"
    );
    for (flag, value, meant) in [
        ("profile", "mixn", "mixin"),
        ("preset", "open-shift", "openshift"),
        ("series", "rwa", "raw"),
        ("server", "victoria-metrics", "victoriametrics"),
        ("http-method", "pots", "post"),
        ("rollup", "wrost", "worst"),
        ("formats", "cvs", "csv"),
        ("emit", "point", "points"),
        ("without", "wal", "wal_fsync"),
    ] {
        let error = error(&["backfill", &format!("--{flag}"), value]);
        assert!(error.starts_with(&format!("--{flag}: ")), "{error}");
        assert!(error.contains(&format!("did you mean '{meant}'?")), "{error}");
    }
    assert!(error(&["findings", "--kind", "incidnet"]).contains("did you mean 'incident'?"));
}

#[test]
fn an_error_of_the_command_line_names_the_flag_and_the_way_out() {
    for (line, expected) in [
        ("explain audit --cluster c", "'etcd-heatmap explain' needs --at <TIME>"),
        ("explain audit", "'etcd-heatmap explain' needs --cluster <NAME> and --at <TIME>"),
        ("import audit", "'etcd-heatmap import' needs --data-dir <DIR> or --victoria-metrics <URL>"),
        ("diff audit", "'etcd-heatmap diff' needs <AFTER> or --at <TIME>"),
        ("pull --strat now", "unknown flag --strat: did you mean --start?"),
        ("pull -url http://h", "unknown flag -url: did you mean --url?"),
        ("pull -x", "unknown flag -x: 'etcd-heatmap pull --help' lists all flags"),
        ("pull --xyzzy", "unknown flag --xyzzy: 'etcd-heatmap pull --help' lists all flags"),
        (
            "sql --url http://h",
            "'etcd-heatmap sql' has no flag --url: it belongs to 'backfill', 'pull', 'check', 'explain', 'forecast', or 'textfile'",
        ),
        ("--formats csv score", "'etcd-heatmap' has no flag --formats: it belongs to 'backfill' or 'score'"),
        (
            "--fromats csv score",
            "'etcd-heatmap' has no flag --fromats: did you mean --formats of 'backfill' or 'score'?",
        ),
        (
            "sql --ulr http://h",
            "'etcd-heatmap sql' has no flag --ulr: did you mean --url of 'backfill', 'pull', 'check', 'explain', 'forecast', or 'textfile'?",
        ),
        ("pull -- --url http://h", "--url comes after '--', which ends the flags: remove '--'"),
        ("show audit -- --cluster c01", "--cluster comes after '--', which ends the flags: remove '--'"),
        ("show -- audit --cluster=c01", "--cluster=c01 comes after '--', which ends the flags: remove '--'"),
        ("score audit -- -q", "-q comes after '--', which ends the flags: remove '--'"),
        ("pull http://ann:secret@h", "unexpected argument: give the URL of the server as --url URL"),
        ("pull ann:secret@h", "unexpected argument '…': 'etcd-heatmap pull' takes only flags"),
        ("score audit more", "unexpected argument 'more': 'etcd-heatmap score' takes only [DIR]"),
        ("pull --url", "--url needs a value: --url <URL>"),
        ("pull --step 1m --step 2m", "--step is given twice: give it once"),
        ("backfill --sample --step 1m", "--sample cannot be used with --step: leave one of them out"),
        ("pull --quiet=yes", "--quiet takes no value: leave out 'yes'"),
        ("show --days 0", "--days: '0' is not a number of days: use 1 or more"),
        ("--quiet", "no command: 'etcd-heatmap --help' lists all commands"),
        ("paint \u{1b}[2J", "unknown command 'paint': 'etcd-heatmap --help' lists all commands"),
        ("\u{1b}[2J", "unknown command ' [2J': 'etcd-heatmap --help' lists all commands"),
    ] {
        assert_eq!(error(&line.split(' ').collect::<Vec<_>>()), expected, "{line}");
    }
}

#[test]
fn repeated_flags_are_kept_as_one_text() {
    let arguments = ["etcd-heatmap", "score", "--without", "open_fds", "--without", "db_size"];
    let given = Cli::from_words(&words(&arguments)).unwrap().command.given().to_vec();
    assert_eq!(given.len(), 1);
    assert_eq!((given[0].key.name, given[0].text.as_str()), ("score.without", "open_fds,db_size"));
    assert_eq!(given[0].origin, Origin::Flag("without"));
}
