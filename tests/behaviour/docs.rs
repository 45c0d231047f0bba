//! The README and the pages of `docs/`: their commands work and print what the pages show, their links lead somewhere.
//!
//! A page is read from top to bottom in one empty folder, as a new user would follow it:
//!
//! - a block of ```` ```sh ```` is run by bash, with the program on the PATH;
//! - a block of ```` ```text ```` directly below is its output, standard output and standard error as on a terminal. A line
//!   that holds only `…` stands for one or more lines that are left out; everything else is compared exactly;
//! - a block of another language is written to the file that its first line names (`# etcd-heatmap.toml`).
//!
//! A comment directly above a block changes that: `<!-- exit code 3 -->`, `<!-- stopped after 2 s -->`,
//! `<!-- not run: REASON -->`, `<!-- not output: REASON -->`. A block that is neither run nor marked fails the test.
//! `http://127.0.0.1:9090` and `http://127.0.0.1:8428` are a real Prometheus and a real VictoriaMetrics of the test.
//!
//! `REWRITE_DOCS=1 cargo test --release --test behaviour -- docs::` writes the real output into the pages; where a block
//! leaves lines out, it replaces each line that is not there by the most similar one. Read the difference, then run the
//! test again without it.

mod page;
mod prose;
mod run;
mod shown;

use std::collections::BTreeSet;
use std::path::Path;

use page::Page;

/// One test a page, so that pages run at the same time and can be chosen by name.
macro_rules! pages {
    ($($test:ident: $path:literal,)+) => {
        const PAGES: &[&str] = &[$($path),+];

        $(#[test]
        fn $test() {
            run::every_command_works(&Page::read($path));
        })+
    };
}

pages! {
    the_commands_of_the_readme_work: "README.md",
    the_commands_of_the_index_work: "docs/README.md",
    the_commands_of_architecture_work: "docs/architecture.md",
    the_commands_of_buckets_work: "docs/buckets.md",
    the_commands_of_ci_work: "docs/ci.md",
    the_commands_of_configuration_work: "docs/configuration.md",
    the_commands_of_deploy_work: "docs/deploy.md",
    the_commands_of_diff_work: "docs/diff.md",
    the_commands_of_files_work: "docs/files.md",
    the_commands_of_findings_work: "docs/findings.md",
    the_commands_of_forecast_work: "docs/forecast.md",
    the_commands_of_grafana_work: "docs/grafana.md",
    the_commands_of_import_work: "docs/import.md",
    the_commands_of_limits_work: "docs/limits.md",
    the_commands_of_live_work: "docs/live.md",
    the_commands_of_outputs_work: "docs/outputs.md",
    the_commands_of_pull_work: "docs/pull.md",
    the_commands_of_score_work: "docs/score.md",
    the_commands_of_servers_work: "docs/servers.md",
    the_commands_of_spark_work: "docs/spark.md",
}

#[test]
fn every_page_is_tested_and_stands_in_the_index() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let names = std::fs::read_dir(folder).expect("docs/ can be read").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let found: BTreeSet<String> = names.filter(|name| name.ends_with(".md")).collect();
    let tested = PAGES.iter().filter_map(|path| path.strip_prefix("docs/")).map(str::to_owned).collect();
    assert_eq!(found, tested, "each page of docs/ needs a line in `pages!`");

    let index = Page::read("docs/README.md").text();
    for name in found.iter().filter(|name| *name != "README.md") {
        assert!(index.contains(&format!("({name})")), "docs/README.md has no link to {name}");
    }
}

#[test]
fn the_readme_is_read_in_three_minutes() {
    let words = Page::read("README.md").text().split_whitespace().count();
    assert!(words <= 1_200, "README.md has {words} words, and may have 1,200: move some to docs/");
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let faults: Vec<_> = with_contributing().iter().flat_map(prose::broken_links).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_flag_in_the_pages_is_a_flag_of_its_command() {
    let pages = with_contributing();
    let lines: Vec<_> = pages.iter().flat_map(prose::command_lines).collect();
    assert!(lines.len() > 20, "the pages name commands: {lines:?}");
    let faults: Vec<_> = lines.iter().filter_map(prose::CommandLine::fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_block_that_is_not_run_gives_its_reason() {
    let pages = PAGES.iter().map(|path| Page::read(path));
    let reasons: Vec<_> = pages.flat_map(|page| page.not_run()).collect();
    // `-- --nocapture` prints the list.
    println!("not run:\n{}", reasons.join("\n"));
    assert!(reasons.iter().all(|reason| reason.len() > 40), "a reason is a sentence: {reasons:?}");
}

fn with_contributing() -> Vec<Page> {
    PAGES.iter().chain(&["CONTRIBUTING.md", "notebooks-data/README.md"]).map(|path| Page::read(path)).collect()
}
