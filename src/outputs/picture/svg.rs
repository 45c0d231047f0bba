//! Writes the drawing as SVG: title, legend, blocks and notes.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Drawing;
use super::blocks::Block;
use super::layout::{DAYS_WITH_DIGITS, HEAD, Layout, MARGIN, NOTE};
use super::text::{FAMILY, FONT, Medium, legible, shortened};
use crate::heatmap::{Cell, WHY_IDLE};
use crate::outputs::shared::calendar::{Part, places};
use crate::outputs::shared::summary::Summary;
use crate::text::drawing::xml_escaped;
use crate::text::palette::{IDLE, hex, ink};
use crate::time::{DAY_MS, UtcDay};

/// Color of titles, names, and the marks of uncertain cells.
pub(super) const INK: &str = "#111827";
/// Color of labels and notes.
pub(super) const QUIET: &str = "#5b6472";
/// Background of cells without a score. They are also hatched, for readers who cannot tell colors apart.
const UNKNOWN: &str = "#c4c8ce";
const HATCHING: &str = "<path d=\"M-1 1l2-2M0 6l6-6M5 7l2-2\" stroke=\"#858c97\" stroke-width=\"1.2\"/>";
/// Dots on idle cells, for readers who cannot tell colors apart.
const DOTS: &str = "<path d=\"M2 2h2v2h-2z\" fill=\"#4f6184\"/>";

/// Maximum number of blocks that are summarized in the description for screen readers.
const DESCRIBED: usize = 40;

/// Returns the whole drawing as SVG text.
pub(super) fn text_of(drawing: &Drawing<'_>, medium: Medium) -> String {
    let layout = &drawing.layout;
    let notes = notes(drawing);
    let (width, height) = (layout.width(), layout.height_with(notes.len() as u32));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"title desc\" font-family=\"'{FAMILY}',sans-serif\">\n"
    );
    let _ = writeln!(svg, "<title id=\"title\">{}</title>", xml_escaped(&title(drawing)));
    let _ = writeln!(svg, "<desc id=\"desc\">{}</desc>", xml_escaped(&description(drawing, medium)));
    svg.push_str("<defs>");
    if medium == Medium::Svg {
        let font = STANDARD.encode(FONT);
        let _ = write!(
            svg,
            "<style>@font-face{{font-family:'{FAMILY}';src:url(data:font/ttf;base64,{font}) format('truetype')}}</style>"
        );
    }
    for (id, scale) in [("unknown", (layout.slot(), layout.size.row)), ("unknown-sample", (1, 1))] {
        pattern(&mut svg, id, scale, UNKNOWN, HATCHING);
    }
    if any_idle(drawing) {
        let idle = hex(IDLE);
        for (id, scale) in [("idle", (layout.slot(), layout.size.row)), ("idle-sample", (1, 1))] {
            pattern(&mut svg, id, scale, &idle, DOTS);
        }
    }
    let _ = writeln!(svg, "</defs>\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#fff\"/>");
    head(&mut svg, drawing);
    legend(&mut svg, drawing);
    let titled = medium == Medium::Svg && Block::has_room_for_titles(drawing);
    for (index, line) in (0..).zip(drawing.lines) {
        Block { drawing, line, medium, titled, corner: layout.place(index) }.draw(&mut svg);
    }
    for (line, text) in (0..).zip(notes) {
        let y = layout.notes_top() + line * NOTE;
        let text = xml_escaped(&text);
        let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"11\" fill=\"{QUIET}\">{text}</text>");
    }
    svg.push_str("</svg>\n");
    svg
}

/// Whether a cell is shown as idle. Idle cells are rare, so only drawings that have any explain them.
fn any_idle(drawing: &Drawing<'_>) -> bool {
    drawing.lines.iter().flat_map(|line| &line.cells).any(Cell::is_idle)
}

/// Defines a pattern of 6 × 6 pixels: `figure` on the color `fill`. Cells are drawn in a scaled group, so the pattern
/// reverses the scale `(x, y)`.
fn pattern(svg: &mut String, id: &str, (x, y): (u32, u32), fill: &str, figure: &str) {
    let _ = write!(
        svg,
        "<pattern id=\"{id}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"scale({} {})\"><rect width=\"6\" height=\"6\" fill=\"{fill}\"/>{figure}</pattern>",
        1.0 / f64::from(x),
        1.0 / f64::from(y)
    );
}

/// The first and the last day that are shown.
fn days(layout: &Layout) -> (UtcDay, UtcDay) {
    (layout.first, UtcDay::of(layout.first.start_ms() + (i64::from(layout.days) - 1) * DAY_MS))
}

fn title(drawing: &Drawing<'_>) -> String {
    let (first, last) = days(&drawing.layout);
    format!("Health of etcd, {first} to {last}")
}

/// Text of the `desc` element, which screen readers read aloud.
fn description(drawing: &Drawing<'_>, medium: Medium) -> String {
    let mut text = format!(
        "A heat map with {} {}: one row per day, one column per {} of {}, colored by the mean score from 0 ({}) to 10 \
         ({}); gray if not scored{}.",
        drawing.lines.len(),
        if drawing.lines.len() == 1 { "block" } else { "blocks" },
        drawing.folding.width,
        drawing.folding.zone,
        drawing.scale.ends().0,
        drawing.scale.ends().1,
        if any_idle(drawing) { ", bluish with dots if idle" } else { "" }
    );
    for line in drawing.lines.iter().take(DESCRIBED) {
        let name = Block::name(line, |name| shortened(name, medium, 80.0));
        let _ = write!(text, " {name}: {}.", Summary::of(&line.cells));
    }
    if drawing.lines.len() > DESCRIBED {
        let _ = write!(text, " And {} more.", drawing.lines.len() - DESCRIBED);
    }
    text
}

fn head(svg: &mut String, drawing: &Drawing<'_>) {
    let folding = &drawing.folding;
    let profile = drawing.manifest.profile.as_ref().map_or("seed", |profile| profile.name.as_str());
    let (x, y) = (MARGIN, MARGIN + 18);
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"22\" fill=\"{INK}\">{}</text>",
        xml_escaped(&title(drawing))
    );
    let subtitle = format!(
        "days and hours of {} · a cell is {} · profile {} · rollup {}",
        folding.zone,
        folding.width,
        legible(profile, Medium::Png),
        folding.rollup
    );
    let y = y + 22;
    let _ =
        writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" fill=\"{QUIET}\">{}</text>", xml_escaped(&subtitle));
}

/// Draws the legend. Its colors are the same in every drawing, because they do not depend on the data.
fn legend(svg: &mut String, drawing: &Drawing<'_>) {
    let (top, wide) = (MARGIN + HEAD - 44, 26);
    let _ =
        write!(svg, "<g class=\"legend\" font-size=\"11\" fill=\"{QUIET}\" transform=\"translate({MARGIN} {top})\">");
    for score in 0..=10 {
        let x = score * wide;
        let colour = drawing.scale.color(f64::from(score));
        let (fill, ink, middle) = (hex(colour), ink(colour), x + wide / 2);
        let _ = write!(
            svg,
            "<rect x=\"{x}\" width=\"{wide}\" height=\"16\" fill=\"{fill}\" shape-rendering=\"crispEdges\"/>\
             <text x=\"{middle}\" y=\"12\" text-anchor=\"middle\" fill=\"{ink}\">{score}</text>"
        );
    }
    let best = hex(drawing.scale.color(10.0));
    let _ = write!(
        svg,
        "<rect x=\"306\" width=\"26\" height=\"16\" fill=\"url(#unknown-sample)\"/><text x=\"338\" y=\"12\">unknown</text>\
         <rect x=\"400\" width=\"26\" height=\"16\" fill=\"{best}\"/><path d=\"M426 0v7l-7-7z\" fill=\"{INK}\"/>\
         <text x=\"432\" y=\"12\">uncertain: too few steps scored</text>"
    );
    if any_idle(drawing) {
        svg.push_str(
            "<rect x=\"618\" width=\"26\" height=\"16\" fill=\"url(#idle-sample)\"/><text x=\"650\" y=\"12\">idle</text>",
        );
    }
    if !drawing.layout.has_digits() {
        let _ = write!(svg, "<text y=\"30\">{}</text>", xml_escaped(&without_digits(drawing)));
    }
    svg.push_str("</g>\n");
}

/// Why cells have no digits, and how to get them.
fn without_digits(drawing: &Drawing<'_>) -> String {
    let remedy = match drawing.layout.fewer_days_have_digits() {
        true => format!(": 'etcd-heatmap show --days {DAYS_WITH_DIGITS}' draws them"),
        false => String::new(),
    };
    format!("The color is the mean score of a cell. Cells of this size have no digits{remedy}.")
}

/// Notes below the blocks: days left out, the scale of the PNG, repeated hours, idle cells, and how to read the cells.
fn notes(drawing: &Drawing<'_>) -> Vec<String> {
    let layout = &drawing.layout;
    let mut notes = Vec::new();
    if layout.hidden > 0 {
        let days = if layout.hidden == 1 { "day is" } else { "days are" };
        notes.push(format!("{} earlier {days} not drawn, only in heatmap.parquet.", layout.hidden));
    }
    if layout.png_scale() < 1.0 {
        notes.push(format!("The PNG shows this drawing at {:.0} % of its size.", layout.png_scale() * 100.0));
    }
    let width = drawing.folding.width;
    if drawing.lines.iter().any(|line| places(&line.cells, width).any(|(_, _, part)| part == Part::Second)) {
        notes.push("A time that the clock showed twice is split: the first above, the second below.".to_owned());
    }
    if any_idle(drawing) {
        notes.push(format!("Idle: {WHY_IDLE}."));
    }
    notes.push(format!(
        "The mean score of each cell, 0 to 10{}; white: no member expected. etcd-heatmap {}",
        if layout.has_digits() { ", its digits rounded down" } else { "" },
        legible(&drawing.manifest.version, Medium::Png)
    ));
    notes
}
