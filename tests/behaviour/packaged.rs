//! What is packaged with the program: completions, manual pages, and the files of the crate.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::{Folder, Run, etcd_heatmap, etcd_heatmap_command, needed};

/// The first words of the lines of `--help` that start like this, up to a comma or space.
fn flags(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let flags = words.filter(|word| word.starts_with("--") && word.len() > 2);
    // Repeatable flags end with dots; a value that may be left out is in brackets.
    flags.map(|flag| flag.trim_end_matches([',', '.']).split('[').next().unwrap_or_default().to_owned()).collect()
}

/// The subcommands in `--help`, without `help`.
fn subcommands() -> Vec<String> {
    let help = etcd_heatmap(&["--help"]).succeeds().stdout;
    let (_, rest) = help.split_once("Commands:\n").expect("there are subcommands");
    let lines = rest
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The completions that bash offers after these words, from the function that `complete -p` names.
fn offered(script: &str, words: &[&str]) -> BTreeSet<String> {
    let program = r#"
        source "$1"; shift
        registered=$(complete -p etcd-heatmap) || exit 1
        [[ $registered =~ -F\ ([^ ]+) ]] || exit 1
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = needed("bash", "bash");
    bash.args(["--noprofile", "--norc", "-c", program, "bash", script, "etcd-heatmap"]).args(words);
    Run::of(bash).succeeds().stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_every_subcommand_and_every_flag_of_each() {
    let folder = Folder::new("completions");
    let script = folder.write("etcd-heatmap.bash", etcd_heatmap(&["completions", "bash"]).succeeds().stdout);
    let names = subcommands();
    assert!(names.len() >= 12 && names.contains(&"backfill".to_owned()), "{names:?}");
    let behind_nothing = offered(&script, &[""]);
    assert!(names.iter().all(|name| behind_nothing.contains(name)), "{behind_nothing:?}");
    assert_eq!(offered(&script, &["backf"]), BTreeSet::from(["backfill".to_owned()]));
    for name in &names {
        let told = flags(&etcd_heatmap(&[name, "--help"]).succeeds().stdout);
        assert!(told.len() >= 3, "{name}: {told:?}");
        assert_eq!(offered(&script, &[name, "--"]), told, "{name}");
    }
    assert_eq!(offered(&script, &["config", "sh"]), BTreeSet::from(["show".to_owned()]));
    // File names are completed from existing files.
    folder.write("mine.toml", "");
    assert_eq!(offered(&script, &["score", "--config", &folder.at("min")]), BTreeSet::from([folder.at("mine.toml")]));
}

#[test]
fn completions_for_other_shells_have_every_subcommand_and_an_unknown_shell_is_rejected() {
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = etcd_heatmap(&["completions", shell]).succeeds().stdout;
        for word in subcommands().iter().map(String::as_str).chain(["time-zone", "http.config.file", "alerts"]) {
            assert!(script.contains(word), "{shell} is not told {word}");
        }
    }
    etcd_heatmap(&["completions", "tcsh"]).fails_saying(&["'tcsh'", "bash", "zsh"]);
}

#[test]
fn completions_and_manual_need_no_settings() {
    let folder = Folder::new("broken-settings");
    folder.write("etcd-heatmap.toml", "[score]\nprofile = 7\n");
    let run = |arguments: &[&str]| {
        let mut command = etcd_heatmap_command(arguments);
        command.current_dir(folder.path());
        Run::of(command)
    };
    run(&["rules"]).fails_saying(&["etcd-heatmap.toml"]);
    assert!(run(&["completions", "fish"]).succeeds().stdout.contains("complete -c etcd-heatmap"));
    assert!(run(&["man"]).succeeds().stdout.contains(".TH etcd-heatmap 1"));
}

#[test]
fn every_subcommand_has_a_manual_page_that_groff_formats_without_warnings() {
    let folder = Folder::new("man");
    etcd_heatmap(&["man", "--out", &folder.at("man1")]).succeeds();
    let mut expected = BTreeSet::from(["etcd-heatmap.1".to_owned(), "etcd-heatmap-config-show.1".to_owned()]);
    expected.extend(subcommands().iter().map(|name| format!("etcd-heatmap-{name}.1")));
    let pages = folder.tree("man1");
    assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for page in pages.keys() {
        let mut groff = needed("groff", "groff-base");
        // Long lines, because examples are not wrapped; no bold text, no hyphenation.
        groff
            .args(["-man", "-Tascii", "-P-cbou", "-ww", "-rLL=200n", "-rHY=0"])
            .arg(folder.at(&format!("man1/{page}")));
        let formatted = Run::of(groff).succeeds();
        assert_eq!(formatted.stderr, "", "{page}");
        let words: Vec<_> = page.trim_start_matches("etcd-heatmap").trim_end_matches(".1").split('-').skip(1).collect();
        let help = etcd_heatmap(&[&words[..], &["--help"]].concat()).succeeds().stdout;
        for flag in flags(&help) {
            assert!(formatted.stdout.contains(&flag), "{page} does not tell {flag}");
        }
        let examples = help.split_once("\nExamples:\n").map_or("", |(_, examples)| examples);
        for line in examples.lines() {
            assert!(formatted.stdout.contains(line.trim()), "{page} has no line {line:?}:\n{}", formatted.stdout);
        }
    }
    assert_eq!(etcd_heatmap(&["man"]).succeeds().stdout, folder.text("man1/etcd-heatmap.1"));
}

fn cargo(arguments: &[&str]) -> Run {
    let mut cargo = Command::new(env!("CARGO"));
    // Lists local files only, without a registry or a build.
    cargo.args(arguments).args(["--allow-dirty", "--offline", "--quiet"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    Run::of(cargo).succeeds()
}

#[test]
fn the_crate_contains_its_sources_and_packaged_files_and_nothing_else() {
    let list = cargo(&["package", "--list"]).stdout;
    let files: BTreeSet<_> = list.lines().collect();
    for file in [
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Cargo.lock",
        "etcd-heatmap.example.toml",
        "queries/wal_fsync.promql",
        "queries/metricsql/wal_fsync.promql",
        "queries/etcd-heatmap.rules.yml",
        "queries/etcd-heatmap.alerts.yml",
        "queries/score.spark.sql",
        "queries/score.sql",
        "docs/configuration.md",
        "docs/heatmap.svg",
        "deploy/systemd/etcd-heatmap-textfile.service",
        "notebooks-data/audit.ipynb",
    ] {
        assert!(files.contains(file), "{file} is missing: {list}");
    }
    let days = files.iter().filter(|file| file.starts_with("notebooks-data/sample/history/date="));
    assert_eq!(days.count(), 14, "the sample is two weeks");
    let stray =
        |file: &&&str| ["tests/", "benches/", "fuzz/", "examples/", "target/"].iter().any(|top| file.starts_with(top));
    assert_eq!(files.iter().find(stray), None);
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        for embedded in embedded(file) {
            assert!(files.contains(embedded.as_str()), "{file} embeds {embedded}, which is not in the crate");
        }
    }

    let folder = Folder::new("crate");
    cargo(&["package", "--no-verify", "--target-dir", &folder.at("target")]);
    let name = format!("target/package/{}-{}.crate", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let bytes = std::fs::metadata(folder.at(&name)).expect("cargo has made it").len();
    // crates.io accepts 10 MiB; the sample is most of the crate.
    assert!((200_000..3 << 20).contains(&bytes), "{bytes} bytes");
}

/// The files that a source file embeds with a literal path, relative to the top of the repository.
fn embedded(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default();
    let quoted = |opening: &str| -> Vec<String> {
        let rest = text.split(opening).skip(1);
        rest.filter_map(|rest| rest.split_once('"')).map(|(path, _)| path.to_owned()).collect()
    };
    let below = |path: String| {
        let mut parts: Vec<&str> = file.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        parts.join("/")
    };
    ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(quoted).map(below).collect()
}
