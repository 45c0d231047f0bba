//! Paints the cells of a scored folder in a terminal window of any width, for `show`.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Hour, Palette, paint_digits};
use crate::heatmap::{Cell, Line, WHY_IDLE, is_idle};
use crate::outputs::shared::calendar::minute_of_day;
use crate::outputs::shared::summary::Summary;
use crate::text::rounding::score_points;
use crate::text::terminal::terminal_label;
use crate::time::{CellWidth, UtcDay, Zone};

/// Width of the column of dates: a date and a space.
const LABEL: usize = 11;
/// Possible widths of a column in minutes; each divides a day.
const WIDER: [u32; 8] = [15, 30, 60, 120, 180, 240, 360, 720];

/// Properties of the window and of the cells to paint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) palette: Palette,
    /// Width of the window in characters.
    pub(crate) width: usize,
    /// Time zone of days and hours.
    pub(crate) zone: Zone,
    /// Width of the cells in the folder.
    pub(crate) cell: CellWidth,
    /// Minimum coverage: a place with a smaller share of scored steps is marked uncertain.
    pub(crate) min_coverage: f64,
}

/// Width of a column of the heat map in minutes and in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    minutes: u32,
    wide: usize,
}

/// One place of the heat map (a column on a day), with sums over the steps of all cells that fall into it.
#[derive(Clone, Copy, Debug, Default)]
struct Joined {
    sum: f64,
    scored: u32,
    expected: u32,
    idle: u32,
}

impl Joined {
    fn add(&mut self, cell: &Cell) {
        self.sum += cell.mean.unwrap_or(0.0) * f64::from(cell.scored);
        self.scored += cell.scored;
        self.expected += cell.expected;
        self.idle += cell.idle;
    }

    fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.sum / f64::from(self.scored))
    }

    fn is_idle(&self) -> bool {
        is_idle(self.scored.into(), self.expected.into(), self.idle.into())
    }
}

impl Screen {
    /// Paints the latest `days` of each cluster or member (`None` for all days), then a legend.
    pub(crate) fn paint(&self, lines: &[&Line], days: Option<usize>) -> String {
        let mut text = String::new();
        let column = self.column();
        let (mut twice, mut any_idle) = (false, false);
        for line in lines {
            let member =
                line.member.as_ref().map(|member| format!(" · {}", terminal_label(member))).unwrap_or_default();
            self.wrap(&mut text, &format!("{}{member}: {}", terminal_label(&line.cluster), Summary::of(&line.cells)));
            let rows = self.rows(line, column);
            let hidden = rows.len().saturating_sub(days.unwrap_or(usize::MAX));
            if hidden > 0 {
                let all = rows.len();
                let (days, them) = if hidden == 1 { ("day is", "it") } else { ("days are", "them") };
                let note = format!("{hidden} earlier {days} in heatmap.parquet: --days {all} shows {them}");
                self.wrap(&mut text, &note);
            }
            self.head(&mut text, column);
            for (day, places) in rows.iter().skip(hidden) {
                let _ = write!(text, "{day} ");
                places.iter().for_each(|joined| self.place(&mut text, joined.as_ref(), column.wide));
                any_idle |= places.iter().flatten().any(Joined::is_idle);
                text.push('\n');
            }
            text.push('\n');
            twice |= line.cells.windows(2).any(|pair| pair[0].offset_minutes > pair[1].offset_minutes);
        }
        self.legend(&mut text, column, any_idle);
        if twice {
            self.wrap(&mut text, "hours that the clock showed twice share one place");
        }
        text
    }

    /// Chooses the shortest time per column at which a whole day fits into the window. A column
    /// is one to three characters wide.
    fn column(&self) -> Column {
        let room = self.width.saturating_sub(LABEL);
        let fits = |minutes: u32| (1..=3).rev().find(|wide| wide * (1440 / minutes) as usize <= room);
        let times = WIDER.into_iter().filter(|minutes| *minutes >= self.cell.minutes());
        let found = times.filter_map(|minutes| Some(Column { minutes, wide: fits(minutes)? })).next();
        found.unwrap_or(Column { minutes: 720, wide: 1 })
    }

    fn rows(&self, line: &Line, column: Column) -> BTreeMap<UtcDay, Vec<Option<Joined>>> {
        let mut rows = BTreeMap::new();
        for cell in &line.cells {
            let places = rows.entry(cell.date).or_insert_with(|| vec![None; (1440 / column.minutes) as usize]);
            if let Some(place) = places.get_mut((minute_of_day(cell) / column.minutes) as usize) {
                place.get_or_insert_with(Joined::default).add(cell);
            }
        }
        rows
    }

    /// Writes the row of hours, each above the column in which it begins. Hours without room are left out.
    fn head(&self, text: &mut String, column: Column) {
        // Write `local` instead of the time zone, whose name may be too long for the column of dates.
        let mut head = format!("{:<LABEL$}", if self.zone == Zone::default() { "UTC" } else { "local" });
        for place in 0..(1440 / column.minutes) {
            let at = LABEL + place as usize * column.wide + column.wide.saturating_sub(2);
            if (place * column.minutes).is_multiple_of(60) && (place == 0 || at > head.len()) && at + 2 <= self.width {
                let _ = write!(head, "{:at$}{:02}", "", place * column.minutes / 60, at = at - head.len());
            }
        }
        let _ = writeln!(text, "{}", head.trim_end());
    }

    /// Paints one place. The score is rounded down, so that 10 means that no point was lost.
    fn place(&self, text: &mut String, joined: Option<&Joined>, wide: usize) {
        let Some(joined) = joined else { return text.extend(std::iter::repeat_n(' ', wide)) };
        let uncertain = f64::from(joined.scored) < self.min_coverage * f64::from(joined.expected);
        let Some(mean) = joined.mean() else {
            let (sign, hour) = if joined.is_idle() { ("-", Hour::Idle) } else { ("·", Hour::Unknown) };
            return paint_digits(text, &format!("{:>wide$}", sign.repeat(wide.min(2))), hour, self.palette);
        };
        let digits = match (score_points(mean) as u8, wide) {
            (score, 3) => format!("{}{score:>2}", if uncertain { '?' } else { ' ' }),
            (score, _) => {
                let score = if score >= 10 { '+' } else { char::from(b'0' + score) };
                match (wide, uncertain) {
                    (1, true) => "?".to_owned(),
                    (1, false) => score.to_string(),
                    (_, true) => format!("?{score}"),
                    (_, false) => format!(" {score}"),
                }
            }
        };
        paint_digits(text, &digits, Hour::Scored { mean, uncertain }, self.palette);
    }

    fn legend(&self, text: &mut String, column: Column, any_idle: bool) {
        let time = match column.minutes {
            minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
            minutes => format!("{minutes} min"),
        };
        let ten = if column.wide < 3 { ", + is 10" } else { "" };
        self.wrap(text, &format!("mean score of {time} ({}), rounded down{ten}; blank: no member expected", self.zone));
        for score in 0..=10 {
            let joined = Joined { sum: f64::from(score), scored: 1, expected: 1, idle: 0 };
            self.place(text, Some(&joined), column.wide);
        }
        text.push_str("  unknown ");
        let without_score = |idle| Joined { sum: 0.0, scored: 0, expected: 1, idle };
        self.place(text, Some(&without_score(0)), column.wide);
        if any_idle {
            text.push_str("  idle ");
            self.place(text, Some(&without_score(1)), column.wide);
        }
        if self.width < 72 {
            text.push('\n');
        } else {
            text.push_str("  ");
        }
        text.push_str("?: too few steps scored\n");
        if any_idle {
            self.wrap(text, &format!("idle: {WHY_IDLE}"));
        }
    }

    /// Wraps a sentence between words; a word wider than the window is broken.
    fn wrap(&self, text: &mut String, sentence: &str) {
        let width = self.width.max(1);
        let mut used = 0;
        for word in sentence.split(' ') {
            if used > 0 {
                let fits = used + 1 + word.width() <= width;
                text.push(if fits { ' ' } else { '\n' });
                used = if fits { used + 1 } else { 0 };
            }
            for letter in word.chars() {
                let wide = letter.width().unwrap_or(0);
                if used > 0 && used + wide > width {
                    text.push('\n');
                    used = 0;
                }
                text.push(letter);
                used += wide;
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(width: usize, sentence: &str) -> String {
        let (zone, cell) = (Zone::default(), CellWidth::default());
        let mut text = String::new();
        Screen { palette: Palette::Plain, width, zone, cell, min_coverage: 0.5 }.wrap(&mut text, sentence);
        text
    }

    #[test]
    fn sentences_wrap_by_the_display_width_of_characters() {
        assert_eq!(wrapped(7, "one two three"), "one two\nthree\n");
        assert_eq!(wrapped(4, "abcdefghi"), "abcd\nefgh\ni\n");
        // East Asian characters take two columns, and a combining accent takes none.
        assert_eq!(wrapped(8, "東京都 a 大阪府"), "東京都 a\n大阪府\n");
        assert_eq!(wrapped(5, "大阪府庁"), "大阪\n府庁\n");
        assert_eq!(wrapped(5, "e\u{301}e\u{301}e\u{301} a"), "e\u{301}e\u{301}e\u{301} a\n");
        assert_eq!(wrapped(1, "京"), "京\n");
    }
}
