//! Paints rows of hours in a terminal window of any width.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Hour, Joined, Palette, paint_hour};
use crate::heatmap::{Line, WHY_IDLE};
use crate::outputs::shared::calendar::minute_of_day;
use crate::outputs::shared::summary::Summary;
use crate::text::terminal::terminal_label;
use crate::text::wrap::{columns, wrapped};
use crate::time::{UtcDay, Zone};

/// Width of the column of dates, `2026-10-01 `; and in a narrow window, `10-01 `.
const LABELS: [usize; 2] = [11, 6];
/// Possible widths of a column in minutes; each divides a day.
const WIDER: [u32; 8] = [15, 30, 60, 120, 180, 240, 360, 720];
/// Width in columns when the output is not a window.
const NO_WINDOW: usize = 100;
/// Indent of lines that continue a sentence.
const HANG: usize = 4;

/// Properties of the window and of the cells to paint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) palette: Palette,
    /// Width of the window in characters; `None` if the output is not a window, which leaves sentences on one line.
    pub(crate) width: Option<usize>,
    /// Time zone of days and hours.
    pub(crate) zone: Zone,
    /// Shortest time of a column in minutes: the width of the cells to paint.
    pub(crate) cell_minutes: u32,
    /// Minimum coverage: a place with a smaller share of scored steps is marked uncertain.
    pub(crate) min_coverage: f64,
}

/// How the days of a heat map are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outputs) struct Column {
    /// Time of a column in minutes.
    pub(super) minutes: u32,
    /// Characters of a column, 1 to 3.
    pub(in crate::outputs) wide: usize,
    /// Characters of the labels before the first column.
    pub(in crate::outputs) label: usize,
}

/// The days of one cluster or member, with a place for each column.
pub(super) type Rows = BTreeMap<UtcDay, Vec<Option<Joined>>>;

/// One cluster or member to paint.
pub(super) struct Block {
    /// The name, and its summary.
    pub(super) title: String,
    /// A note about days that are left out.
    pub(super) note: Option<String>,
    pub(super) rows: Rows,
}

impl Screen {
    /// Paints the latest `days` of each cluster or member (`None` for all days), then a legend.
    pub(crate) fn paint(&self, lines: &[&Line], days: Option<usize>) -> String {
        let minutes = self.column().minutes;
        let blocks: Vec<Block> = lines.iter().map(|line| block(line, minutes, days)).collect();
        let is_twice = |line: &&Line| line.cells.windows(2).any(|two| two[0].offset_minutes > two[1].offset_minutes);
        let twice = lines.iter().any(is_twice).then_some("hours that the clock showed twice share one place");
        self.paint_blocks(&blocks, twice)
    }

    /// Paints blocks whose rows have the places of [`Self::column`], then a legend and a note.
    pub(super) fn paint_blocks(&self, blocks: &[Block], note: Option<&str>) -> String {
        let mut text = String::new();
        let column = self.column();
        for block in blocks {
            self.sentence(&mut text, &block.title);
            block.note.iter().for_each(|note| self.sentence(&mut text, note));
            self.head(&mut text, "", column);
            for (day, places) in &block.rows {
                let date = day.to_string();
                let label = if column.label == LABELS[0] { &date } else { &date[5..] };
                let hour = |joined: &Option<Joined>| joined.map_or(Hour::Nothing, |j| j.hour(self.min_coverage));
                self.row(&mut text, label, places.iter().map(hour), column);
            }
            text.push('\n');
        }
        if !blocks.is_empty() {
            self.explain(&mut text, blocks, column);
            note.iter().for_each(|note| self.sentence(&mut text, note));
        }
        text
    }

    /// Chooses the shortest time of a column at which a whole day fits into the window.
    pub(super) fn column(&self) -> Column {
        let times = WIDER.into_iter().filter(|minutes| *minutes >= self.cell_minutes);
        self.fitting(times, &LABELS).unwrap_or(Column { minutes: 720, wide: 1, label: LABELS[1] })
    }

    /// A row of 24 hours with labels of the first of these widths that fits, each hour as wide as fits.
    pub(in crate::outputs) fn hours(&self, labels: [usize; 2]) -> Column {
        self.fitting(std::iter::once(60), &labels).unwrap_or(Column { minutes: 60, wide: 1, label: labels[1] })
    }

    /// The first of `times` that fits the window, with columns as wide as fits and the first of `labels` that fits then.
    fn fitting(&self, mut times: impl Iterator<Item = u32>, labels: &[usize]) -> Option<Column> {
        let width = self.width.unwrap_or(NO_WINDOW);
        times.find_map(|minutes| {
            (1..=3).rev().find_map(|wide| {
                let label = labels.iter().find(|label| *label + wide * (1440 / minutes) as usize <= width)?;
                Some(Column { minutes, wide, label: *label })
            })
        })
    }

    /// Writes the row of hours, each above the column in which it begins. Hours without room are left out. `indent`
    /// stands before the label of the row.
    pub(in crate::outputs) fn head(&self, text: &mut String, indent: &str, column: Column) {
        // Write `local` instead of the time zone, whose name may be too long for the column of dates.
        let zone = if self.zone == Zone::default() { "UTC" } else { "local" };
        let mut head = format!("{:<label$}", format!("{indent}{zone}"), label = column.label);
        for place in 0..(1440 / column.minutes) {
            let at = column.label + place as usize * column.wide;
            let has_room = place == 0 || at > head.len();
            if (place * column.minutes).is_multiple_of(60) && has_room && at + 2 <= self.width.unwrap_or(NO_WINDOW) {
                let _ = write!(head, "{:at$}{:02}", "", place * column.minutes / 60, at = at - head.len());
            }
        }
        let _ = writeln!(text, "{}", head.trim_end());
    }

    /// Writes a row: its label and its hours.
    pub(in crate::outputs) fn row(
        &self,
        text: &mut String,
        label: &str,
        hours: impl Iterator<Item = Hour>,
        column: Column,
    ) {
        let mut row = format!("{label:<width$}", width = column.label);
        hours.for_each(|hour| paint_hour(&mut row, hour, column.wide, self.palette));
        let _ = writeln!(text, "{}", row.trim_end());
    }

    /// The legend of a heat map.
    fn explain(&self, text: &mut String, blocks: &[Block], column: Column) {
        let time = match column.minutes {
            minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
            minutes => format!("{minutes} min"),
        };
        let dates = || blocks.iter().flat_map(|block| block.rows.keys());
        let range = match (dates().min(), dates().max()) {
            (Some(first), Some(last)) if column.label != LABELS[0] => format!(", {first} to {last}"),
            _ => String::new(),
        };
        let zone = self.zone;
        self.sentence(text, &format!("mean score of {time} ({zone}){range}; blank: no member expected"));
        let places = || blocks.iter().flat_map(|block| block.rows.values()).flatten().flatten();
        let any_idle = places().any(|joined| joined.hour(self.min_coverage) == Hour::Idle);
        self.legend(text, column.wide, any_idle);
    }

    /// Explains colors and signs. Idle hours are rare, so only a picture that has any explains them.
    pub(in crate::outputs) fn legend(&self, text: &mut String, wide: usize, any_idle: bool) {
        let painted = |hours: &mut dyn Iterator<Item = Hour>| {
            let mut text = String::new();
            hours.for_each(|hour| paint_hour(&mut text, hour, wide, self.palette));
            text
        };
        let scored = |score: u8| Hour::Scored { mean: f64::from(score), uncertain: false };
        let ten = if wide < 3 { ", + is 10" } else { "" };
        let mut parts = vec![
            painted(&mut (0..=10).map(scored)),
            format!("rounded down{ten}"),
            format!("unknown {}", painted(&mut std::iter::once(Hour::Unknown))),
        ];
        if any_idle {
            parts.push(format!("idle {}", painted(&mut std::iter::once(Hour::Idle))));
        }
        parts.push("?: too few steps scored".to_owned());
        let mut line = String::new();
        for part in parts {
            let is_full = self.width.is_some_and(|width| columns(&line) + 2 + columns(&part) > width);
            match line.is_empty() {
                false if is_full => {
                    let _ = writeln!(text, "{}", line.trim_end());
                    line.clear();
                }
                false => line.push_str("  "),
                true => {}
            }
            line.push_str(&part);
        }
        let _ = writeln!(text, "{line}");
        if any_idle {
            self.sentence(text, &format!("idle: {WHY_IDLE}"));
        }
    }

    /// Writes a sentence, wrapped in a window.
    fn sentence(&self, text: &mut String, sentence: &str) {
        text.push_str(&wrapped(sentence, self.width, HANG));
        text.push('\n');
    }
}

/// The latest `days` of a cluster or member, in columns of these minutes.
fn block(line: &Line, minutes: u32, days: Option<usize>) -> Block {
    let member = line.member.as_ref().map(|member| format!(" · {}", terminal_label(member))).unwrap_or_default();
    let title = format!("{}{member}: {}", terminal_label(&line.cluster), Summary::of(&line.cells));
    let mut rows = Rows::new();
    for cell in &line.cells {
        let places = rows.entry(cell.date).or_insert_with(|| vec![None; (1440 / minutes) as usize]);
        if let Some(place) = places.get_mut((minute_of_day(cell) / minutes) as usize) {
            place.get_or_insert_with(Joined::default).add(cell.into());
        }
    }
    let all = rows.len();
    let hidden = all.saturating_sub(days.unwrap_or(usize::MAX));
    let (verb, them) = if hidden == 1 { ("day is", "it") } else { ("days are", "them") };
    let note = format!("{hidden} earlier {verb} in heatmap.parquet: --days {all} shows {them}");
    (0..hidden).for_each(|_| drop(rows.pop_first()));
    Block { title, note: (hidden > 0).then_some(note), rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_as_wide_as_fits_and_dates_are_shortened_before_hours_are_joined() {
        let palette = Palette::plain();
        let column = |width| {
            let screen = Screen { palette, width, zone: Zone::default(), cell_minutes: 60, min_coverage: 0.5 };
            let Column { minutes, wide, label } = screen.column();
            (minutes, wide, label)
        };
        assert_eq!(column(None), (60, 3, 11));
        // By hand: 24 × 3 + 11 = 83, 24 × 3 + 6 = 78, 24 × 2 + 11 = 59, 24 × 2 + 6 = 54, 24 + 11 = 35.
        for (width, expected) in [
            (83, (60, 3, 11)),
            (82, (60, 3, 6)),
            (78, (60, 3, 6)),
            (77, (60, 2, 11)),
            (59, (60, 2, 11)),
            (58, (60, 2, 6)),
            (53, (60, 1, 11)),
            (34, (60, 1, 6)),
            (29, (120, 1, 11)),
            (1, (720, 1, 6)),
        ] {
            assert_eq!(column(Some(width)), expected, "{width}");
        }
    }
}
