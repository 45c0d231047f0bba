//! `show`: the heat map in a terminal, as SVG and as PNG. These tests create the cells; `tests/oracle/picture.py` and
//! `terminal.py` compare the pictures with heatmap.csv.

mod hostile;

use std::path::Path;

use crate::support::{BINARY, Folder, History, Run, autumn, etcd_heatmap, etcd_heatmap_command, oracle, spring};

/// The scored sample in `folder/audit`.
fn sample() -> Folder {
    let folder = Folder::new("picture");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    folder
}

/// Draws `folder/audit` with these flags, and compares both files with heatmap.csv.
#[track_caller]
fn is_drawn_exactly(folder: &Folder, cell_minutes: &str, flags: &[&str]) {
    let (audit, svg, png) = (folder.at("audit"), folder.at("picture.svg"), folder.at("picture.png"));
    etcd_heatmap(&[&["show", &audit, "--svg", &svg, "--png", &png], flags].concat()).succeeds();
    let csv = folder.at("audit/heatmap.csv");
    oracle("picture.py", &[&[svg.as_str(), &csv, "--png", &png, "--cell", cell_minutes], flags].concat());
}

/// Shows `folder/audit` in a terminal, and compares its screen with heatmap.csv.
#[track_caller]
fn is_shown_exactly(folder: &Folder, width: &str, palette: &str, more: &[&str]) {
    let arguments = [BINARY, &folder.at("audit"), "--width", width, "--palette", palette];
    oracle("terminal.py", &[&arguments, more].concat());
}

#[test]
fn every_cell_is_drawn_once_in_its_color_and_the_png_matches_the_svg() {
    let folder = sample();
    is_drawn_exactly(&folder, "60", &[]);
    is_drawn_exactly(&folder, "60", &["--members"]);
    is_drawn_exactly(&folder, "60", &["--cluster", "c01", "--cluster", "c03", "--days", "6"]);
    is_drawn_exactly(&folder, "60", &["--palette", "orange-blue"]);
}

/// Flags with which c02 of the sample loses the most: only the traffic counts, and c02 has the most.
const ONLY_TRAFFIC: [&str; 7] = [
    "--band",
    "client_traffic_in=110000:0",
    "--without=wal_fsync",
    "--without=backend_commit",
    "--without=open_fds",
    "--without=leader_changes",
    "--without=db_size",
];

#[test]
fn the_cluster_that_lost_the_most_points_comes_first() {
    let folder = Folder::new("picture-worst");
    let backfill = ["backfill", "--sample", "--out", &folder.at("audit")];
    let printed = etcd_heatmap(&[&backfill[..], &ONLY_TRAFFIC].concat()).succeeds().stdout;
    let first: Vec<_> = printed.lines().filter_map(|line| Some(line.split_once(": mean ")?.0)).collect();
    assert_eq!(first, ["c02", "c01", "c03"], "{printed}");
    let written = [folder.text("audit/heatmap.svg"), folder.text("audit/heatmap.csv")];
    assert_eq!(written[1].lines().nth(1).and_then(|row| row.split(',').nth(1)), Some("c01"), "the CSV is by name");
    let places: Vec<_> = ["c02", "c01", "c03"].iter().map(|name| written[0].find(&format!(">{name}</text>"))).collect();
    assert!(places.is_sorted() && places[0].is_some(), "heatmap.svg begins with c02: {places:?}");
    // These compare the order of show with heatmap.csv.
    is_drawn_exactly(&folder, "60", &["--members"]);
    is_shown_exactly(&folder, "80", "none", &[]);
}

#[test]
fn a_pipe_gets_colors_only_if_the_environment_forces_them() {
    let folder = sample();
    let show = |variables: &[(&str, &str)]| {
        let mut command = etcd_heatmap_command(&["show", &folder.at("audit")]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TERM"] {
            command.env_remove(name);
        }
        Run::of({
            command.envs(variables.iter().copied());
            command
        })
        .succeeds()
        .stdout
    };
    let (force, terminal) = (("CLICOLOR_FORCE", "1"), ("TERM", "xterm-256color"));
    let plain = show(&[terminal, ("COLORTERM", "truecolor")]);
    assert!(!plain.contains('\x1b'), "a pipe is no terminal");
    assert_eq!(show(&[terminal, force, ("NO_COLOR", "1")]), plain);
    assert!(show(&[terminal, force]).contains("\x1b[30;48;5;35m"), "256 colors");
    let colored = show(&[terminal, force, ("COLORTERM", "truecolor")]);
    assert!(colored.contains("\x1b[30;48;2;") && !colored.contains("48;5;"), "24 bits a color");
}

#[test]
fn pictures_have_the_same_bytes_for_the_same_cells() {
    let folder = sample();
    let draw = |name: &str| {
        let (svg, png) = (folder.at(&format!("{name}.svg")), folder.at(&format!("{name}.png")));
        etcd_heatmap(&["show", &folder.at("audit"), "--svg", &svg, "--png", &png]).succeeds();
        [svg, png].map(|path| std::fs::read(path).expect("it was written"))
    };
    assert!(draw("first") == draw("second"));
}

#[test]
fn pictures_handle_days_of_23_and_25_hours_and_all_cell_widths() {
    let berlin = |history: &History, cell: &str, minutes: &str| {
        let folder = history.is_scored_exactly(&["--time-zone", "Europe/Berlin", "--cell", cell]);
        is_drawn_exactly(&folder, minutes, &["--members"]);
        is_shown_exactly(&folder, "110", "true", &["--cell", minutes]);
        is_shown_exactly(&folder, "50", "none", &["--cell", minutes]);
    };
    berlin(autumn(), "15m", "15");
    berlin(autumn(), "30m", "30");
    berlin(autumn(), "2h", "120");
    berlin(spring(), "1h", "60");
    // Clocks go back by half an hour there, so a repeated time lies within one cell.
    let folder = spring().is_scored_exactly(&["--time-zone", "Australia/Lord_Howe"]);
    is_drawn_exactly(&folder, "60", &[]);
    let svg = folder.text("picture.svg");
    assert!(svg.contains("A time that the clock showed twice is split"), "the picture says so");
}

#[test]
fn the_heat_map_fits_terminals_of_any_width_and_palette() {
    let folder = sample();
    for palette in ["true", "256", "none"] {
        for width in ["200", "83", "82", "78", "77", "59", "35", "24"] {
            is_shown_exactly(&folder, width, palette, &["--height", "60"]);
        }
    }
    for palette in ["true", "256"] {
        is_shown_exactly(
            &folder,
            "80",
            palette,
            &["--scale", "orange-blue", "--", "--palette", "orange-blue", "--days", "3"],
        );
    }
    is_shown_exactly(&folder, "80", "256", &["--", "--cluster", "c01", "--days", "3"]);
    is_shown_exactly(&folder, "80", "true", &["--", "--cluster", "c01", "--since", "2026-10-01"]);
}

#[test]
fn a_pipe_gets_all_days_as_plain_digits() {
    let folder = sample();
    let shown = etcd_heatmap(&["show", &folder.at("audit"), "--cluster", "c01"]).succeeds().stdout;
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("2026-10-")).count(), 14, "{shown}");
    let latest = etcd_heatmap(&["show", &folder.at("audit"), "--cluster", "c01", "--days", "3"]).succeeds().stdout;
    assert!(latest.contains("11 earlier days are in heatmap.parquet: --days 14 shows them"), "{latest}");
    // `backfill` prints the same summary of c01 at its end.
    let painted = etcd_heatmap(&["backfill", "--sample", "--out", &folder.at("audit")]).succeeds().stdout;
    let head = shown.lines().next().unwrap_or_default();
    assert!(painted.contains(head), "the same summary: {head}");
}

#[test]
fn pictures_of_a_year_of_twenty_clusters_stay_below_5_mb() {
    let folder = sample();
    let (audit, year) = (folder.at("audit"), folder.at("year"));
    oracle("picture_year.py", &[&audit, &year]);
    let (svg, png) = (folder.at("year.svg"), folder.at("year.png"));
    etcd_heatmap(&["show", &year, "--svg", &svg, "--png", &png]).succeeds();
    for file in [&svg, &png] {
        let bytes = std::fs::metadata(file).expect("it was written").len();
        assert!(bytes < 5_000_000, "{file} has {bytes} bytes");
    }
    oracle("picture.py", &[&svg, &folder.at("year/heatmap.csv"), "--png", &png]);
    let legend = "Cells of this size have no digits: &#39;etcd-heatmap show --days 45&#39; draws them.";
    assert!(folder.text("year.svg").contains(legend), "the legend says how to get digits");
    etcd_heatmap(&["show", &year, "--days", "45", "--svg", &svg]).succeeds();
    let text = folder.text("year.svg");
    assert!(!text.contains("have no digits") && text.contains(", its digits rounded down"), "they are drawn");
}

#[test]
fn the_picture_in_the_readme_is_up_to_date() {
    let folder = sample();
    let drawn = folder.at("c01.svg");
    etcd_heatmap(&["show", &folder.at("audit"), "--cluster", "c01", "--svg", &drawn]).succeeds();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/heatmap.svg");
    assert!(
        std::fs::read(&kept).ok() == std::fs::read(&drawn).ok(),
        "docs/heatmap.svg is another picture: run `cargo run --release -- backfill --sample --quiet --out audit` and \
         `cargo run --release -- show audit --cluster c01 --svg docs/heatmap.svg`"
    );
}

#[test]
fn show_names_the_alternatives_if_a_cluster_is_unknown() {
    let folder = sample();
    let audit = folder.at("audit");
    etcd_heatmap(&["show", &audit, "--cluster", "c9"]).fails_saying(&["'c9'", "c01, c02, c03"]);
    etcd_heatmap(&["show", &audit, "--since", "2026-11-01"]).fails_saying(&["2026-11-01", "2026-10-01 to 2026-10-14"]);
    etcd_heatmap(&["show", &audit, "--since", "2026-10-02", "--days", "3"]).fails_saying(&["--since", "--days"]);
    etcd_heatmap(&["show", &folder.at("nowhere")]).fails_saying(&["nowhere"]);
    etcd_heatmap(&["show", &audit, "--svg", &audit]).fails_saying(&["cannot", &audit]);
    std::fs::remove_file(folder.at("audit/manifest.json")).expect("it was there");
    etcd_heatmap(&["show", &audit]).fails_saying(&["manifest.json", "score"]);
}
