//! Draws the block of one cluster or member: name, summary, axes and cells.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Drawing;
use super::layout::BLOCK_HEAD;
use super::svg::{INK, QUIET};
use super::text::{Medium, legible, shortened};
use crate::heatmap::{Cell, Line};
use crate::outputs::shared::calendar::{Part, days_between, places};
use crate::outputs::shared::summary::Summary;
use crate::text::drawing::xml_escaped;
use crate::text::palette::{Scale, hex, ink};
use crate::text::rounding::{score_parts, score_points};
use crate::time::{DAY_MS, UtcDay};

/// Maximum number of cells in a drawing that has tooltips; more tooltips would make the file large.
const TITLED_CELLS: usize = 2500;
/// Minimum height of a row, in pixels, for a label on every day.
const ROW_OF_TEXT: u32 = 14;

/// One block of the drawing: the cells of a cluster or member.
pub(super) struct Block<'a> {
    pub(super) drawing: &'a Drawing<'a>,
    pub(super) line: &'a Line,
    pub(super) medium: Medium,
    pub(super) titled: bool,
    pub(super) corner: (u32, u32),
}

/// A cell with its column and row.
struct Placed<'a> {
    cell: &'a Cell,
    slot: u32,
    row: u32,
    part: Part,
}

/// The rows that a rectangle of cells with equal color spans.
#[derive(Clone, Copy)]
struct Area {
    row: u32,
    rows: u32,
}

impl Block<'_> {
    /// Whether the drawing is small enough for a tooltip on each cell.
    pub(super) fn has_room_for_titles(drawing: &Drawing<'_>) -> bool {
        drawing.lines.iter().map(|line| line.cells.len()).sum::<usize>() <= TITLED_CELLS
    }

    /// The name above the block: `c01` for a cluster, `c01 · etcd-0` for a member.
    pub(super) fn name(line: &Line, shown: impl Fn(&str) -> String) -> String {
        match &line.member {
            Some(member) => format!("{} · {}", shown(&line.cluster), shown(member)),
            None => shown(&line.cluster),
        }
    }

    pub(super) fn draw(&self, svg: &mut String) {
        let layout = &self.drawing.layout;
        let (x, y) = self.corner;
        let cells = self.placed();
        let full = Self::name(self.line, |name| legible(name, self.medium));
        let em = f64::from(layout.block_width()) / 17.0 / if self.line.member.is_some() { 2.1 } else { 1.0 };
        let name = Self::name(self.line, |name| shortened(name, self.medium, em));
        let _ = writeln!(
            svg,
            "<g class=\"block\" transform=\"translate({x} {y})\"><title>{}</title>\
             <text xml:space=\"preserve\" y=\"14\" font-size=\"17\" fill=\"{INK}\">{}</text>\
             <text y=\"32\" font-size=\"11.5\" fill=\"{QUIET}\">{}</text>",
            xml_escaped(&full),
            xml_escaped(&name),
            xml_escaped(&Summary::of(&self.line.cells).to_string())
        );
        self.axes(svg);
        let (left, top, slot, row) = (layout.size.label, BLOCK_HEAD, layout.slot(), layout.size.row);
        let _ = write!(
            svg,
            "<g class=\"cells\" transform=\"translate({left} {top}) scale({slot} {row})\" shape-rendering=\"crispEdges\">"
        );
        for (fill, path) in paths(&cells, self.drawing.scale) {
            let _ = write!(svg, "<path fill=\"{fill}\" d=\"{path}\"/>");
        }
        let _ = writeln!(svg, "</g><g transform=\"translate({left} {top})\">");
        self.marks(svg, &cells);
        if layout.has_digits() {
            self.digits(svg, &cells);
        }
        if self.titled {
            self.titles(svg, &cells);
        }
        svg.push_str("</g></g>\n");
    }

    fn placed(&self) -> Vec<Placed<'_>> {
        let layout = &self.drawing.layout;
        let place = |(cell, slot, part): (_, u32, Part)| {
            let cell: &Cell = cell;
            let row = u32::try_from(days_between(layout.first, cell.date)).ok().filter(|row| *row < layout.days)?;
            (slot < layout.slots).then_some(Placed { cell, slot, row, part })
        };
        places(&self.line.cells, self.drawing.folding.width).filter_map(place).collect()
    }

    /// The labels of hours above the cells and of days beside them.
    fn axes(&self, svg: &mut String) {
        let size = self.drawing.layout.size;
        let every = if size.hour >= 26 { 1 } else { 3 };
        let _ = write!(svg, "<g font-size=\"10.5\" fill=\"{QUIET}\">");
        for hour in (0..24).step_by(every) {
            let (x, y) = (size.label + hour * size.hour + if every == 1 { size.hour / 2 } else { 0 }, BLOCK_HEAD - 6);
            let anchor = if every == 1 { " text-anchor=\"middle\"" } else { "" };
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\"{anchor}>{hour:02}</text>");
        }
        for (row, name) in self.day_names() {
            let y = BLOCK_HEAD + row * size.row + size.row.min(20) / 2 + 4;
            let x = size.label - 10;
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{name}</text>");
        }
        svg.push_str("</g>\n");
    }

    /// The labels of days, with their rows: every day, every Monday, the first of each month, or January 1, depending
    /// on the height of a row.
    fn day_names(&self) -> Vec<(u32, String)> {
        let layout = &self.drawing.layout;
        let day = |row: u32| UtcDay::of(layout.first.start_ms() + i64::from(row) * DAY_MS);
        // 1970-01-01 was a Thursday.
        let weekday = |day: UtcDay| (day.start_ms() / DAY_MS).rem_euclid(7) as usize;
        let named = |row: u32| {
            let date = day(row).to_string();
            let name = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][weekday(day(row))];
            let month = if layout.size.row >= 2 { date.ends_with("-01") } else { date.ends_with("-01-01") };
            match layout.size.row {
                ROW_OF_TEXT.. => Some((row, format!("{name} {date}"))),
                8.. => (name == "Mon").then(|| (row, format!("{name} {date}"))),
                _ => month.then(|| (row, date[..7].to_owned())),
            }
        };
        (0..layout.days).filter_map(named).collect()
    }

    /// Marks the corner of each uncertain cell that has a score. If rows are high enough,
    /// also draws lines between days and hours.
    fn marks(&self, svg: &mut String, cells: &[Placed<'_>]) {
        let layout = &self.drawing.layout;
        let (slot, row) = (layout.slot(), layout.size.row);
        let mut corners = String::new();
        for placed in cells.iter().filter(|placed| placed.cell.uncertain && placed.cell.mean.is_some()) {
            let (y, height) = placed.vertical(row);
            let size = (slot as f32 / 2.0).min(height).min(7.0);
            let _ = write!(corners, "M{} {y}v{size}l-{size}-{size}z", (placed.slot + 1) * slot);
        }
        if !corners.is_empty() {
            let _ = writeln!(svg, "<path class=\"uncertain\" d=\"{corners}\" fill=\"{INK}\"/>");
        }
        if row >= ROW_OF_TEXT {
            let (wide, high) = (layout.size.hour * 24, layout.days_height());
            let across = (0..=24).map(|hour| format!("M{} 0v{high}", hour * layout.size.hour));
            let down = (0..=layout.days).map(|day| format!("M0 {}h{wide}", day * row));
            let lines: String = across.chain(down).collect();
            let _ = writeln!(svg, "<path d=\"{lines}\" stroke=\"#fff\" stroke-width=\"1.5\" fill=\"none\"/>");
        }
    }

    /// Writes the score into each cell with a place of its own, rounded down, so that 10 means that no point was
    /// lost. Scores of 10 are paler, because they need no attention.
    fn digits(&self, svg: &mut String, cells: &[Placed<'_>]) {
        let (slot, row) = (self.drawing.layout.slot(), self.drawing.layout.size.row);
        svg.push_str("<g font-size=\"11\" text-anchor=\"middle\">");
        for placed in cells.iter().filter(|placed| placed.part == Part::Whole) {
            let Some(mean) = placed.cell.mean else { continue };
            let (x, y) = (placed.slot * slot + slot / 2, placed.row * row + row / 2 + 4);
            let background = self.drawing.scale.color(f64::from(score_parts(mean, 10)) / 10.0);
            let (ink, quiet) = (ink(background), if mean >= 10.0 { " fill-opacity=\".6\"" } else { "" });
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{ink}\"{quiet}>{}</text>", score_points(mean));
        }
        svg.push_str("</g>\n");
    }

    fn titles(&self, svg: &mut String, cells: &[Placed<'_>]) {
        let (slot, row) = (self.drawing.layout.slot(), self.drawing.layout.size.row);
        svg.push_str("<g class=\"titles\" fill=\"none\" pointer-events=\"all\">");
        for placed in cells {
            let (y, height) = placed.vertical(row);
            let cell = placed.cell;
            let offset = cell.offset_minutes;
            let sign = if offset < 0 { '-' } else { '+' };
            let offset = offset.unsigned_abs();
            let _ = write!(
                svg,
                "<rect x=\"{}\" y=\"{y}\" width=\"{slot}\" height=\"{height}\"><title>{} {:02}:{:02} \
                 UTC{sign}{:02}:{:02}: {}</title></rect>",
                placed.slot * slot,
                cell.date,
                cell.hour,
                cell.minute,
                offset / 60,
                offset % 60,
                Summary::of(std::slice::from_ref(cell))
            );
        }
        svg.push_str("</g>\n");
    }
}

impl Placed<'_> {
    /// Top and height of the cell, if each day is a row of height `row`.
    fn vertical(&self, row: u32) -> (f32, f32) {
        let (top, row) = ((self.row * row) as f32, row as f32);
        match self.part {
            Part::Whole => (top, row),
            Part::First => (top, row / 2.0),
            Part::Second => (top + row / 2.0, row / 2.0),
        }
    }
}

/// What a cell is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fill {
    Unknown,
    Idle,
    /// The mean score in tenths of a point, rounded down. Tenths select the color: smaller differences are not visible,
    /// and only a cell without any loss gets the color of 10.
    Tenths(u32),
}

impl Fill {
    fn of(cell: &Cell) -> Self {
        match cell.mean {
            Some(mean) => Self::Tenths(score_parts(mean, 10)),
            None if cell.is_idle() => Self::Idle,
            None => Self::Unknown,
        }
    }

    /// The value of the attribute `fill`.
    fn paint(self, scale: Scale) -> String {
        match self {
            Self::Unknown => "url(#unknown)".to_owned(),
            Self::Idle => "url(#idle)".to_owned(),
            Self::Tenths(tenths) => hex(scale.color(f64::from(tenths) / 10.0)),
        }
    }
}

/// One SVG path for each fill, in units of columns and days from the upper left corner. Adjacent cells of equal color
/// become one rectangle, which keeps the file small.
fn paths(cells: &[Placed<'_>], scale: Scale) -> BTreeMap<String, String> {
    let mut paths = Paths { scale, of: BTreeMap::new() };
    let mut open: BTreeMap<(u32, u32, Fill), Area> = BTreeMap::new();
    let colour = |placed: &Placed<'_>| Fill::of(placed.cell);
    let joins = |a: &Placed<'_>, b: &Placed<'_>| {
        a.row == b.row
            && a.slot + 1 == b.slot
            && colour(a) == colour(b)
            && a.part == Part::Whole
            && b.part == Part::Whole
    };
    for day in cells.chunk_by(|a, b| a.row == b.row) {
        let row = day[0].row;
        // A rectangle cannot continue across rows without cells, so finish all open ones.
        if open.values().any(|area| area.row + area.rows < row) {
            std::mem::take(&mut open).into_iter().for_each(|(key, area)| paths.finish(key, area));
        }
        let mut seen = BTreeMap::new();
        for run in day.chunk_by(|a, b| joins(a, b)) {
            let (first, wide) = (&run[0], run.len() as u32);
            if first.part != Part::Whole {
                let (y, height) = first.vertical(1);
                paths.rectangle(colour(first), first.slot, 1, y, height);
                continue;
            }
            let key = (first.slot, wide, colour(first));
            let above = open.remove(&key);
            let area = above.map_or(Area { row, rows: 1 }, |area| Area { rows: area.rows + 1, ..area });
            seen.insert(key, area);
        }
        // Finish the open rectangles that this row does not continue.
        for (key, area) in std::mem::replace(&mut open, seen) {
            paths.finish(key, area);
        }
    }
    for (key, area) in open {
        paths.finish(key, area);
    }
    paths.of
}

/// The path of each fill.
struct Paths {
    scale: Scale,
    of: BTreeMap<String, String>,
}

impl Paths {
    fn finish(&mut self, (slot, wide, fill): (u32, u32, Fill), area: Area) {
        self.rectangle(fill, slot, wide, area.row as f32, area.rows as f32);
    }

    fn rectangle(&mut self, fill: Fill, x: u32, wide: u32, y: f32, high: f32) {
        let path = self.of.entry(fill.paint(self.scale)).or_default();
        let _ = write!(path, "M{x} {y}h{wide}v{high}h-{wide}z");
    }
}
