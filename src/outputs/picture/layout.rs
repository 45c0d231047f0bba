//! Sizes and positions in the drawing, in pixels. All are whole numbers, so that no edge is blurred.

use crate::heatmap::Line;
use crate::outputs::shared::calendar::days_between;
use crate::time::{CellWidth, UtcDay};

/// Margin on each side of the drawing.
pub(super) const MARGIN: u32 = 24;
/// Height of title, subtitle and legend.
pub(super) const HEAD: u32 = 112;
/// Height of name, summary and hours above a block's cells.
pub(super) const BLOCK_HEAD: u32 = 62;
/// Distance between blocks, vertically and horizontally.
const BLOCK_GAP: u32 = 34;
/// Height of a line of the notes at the end.
pub(super) const NOTE: u32 = 18;
/// Maximum number of lines of notes.
const NOTES: u32 = 5;
/// Maximum height of the drawing and of the PNG, so that viewers can open them. A drawing may exceed it to show
/// [`MIN_DAYS`] days; its PNG is then scaled down.
const MAX_HEIGHT: u32 = 16_000;
/// If one column of blocks would exceed this height, blocks are placed side by side.
const COMFORTABLE_HEIGHT: u32 = 6_000;
/// Maximum number of pixels of a PNG; at 4 bytes each they take 122 MiB while it is drawn.
const MAX_PIXELS: f64 = 32e6;
/// At least this many days are shown, whatever the height.
const MIN_DAYS: u32 = 31;

/// Sizes for drawings with up to `days` days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Maximum number of days for which these sizes are used.
    days: u32,
    /// Width of an hour, a multiple of four, so that a cell of 15 minutes has a whole number of pixels.
    pub(super) hour: u32,
    /// Height of the row of a day.
    pub(super) row: u32,
    /// Maximum number of blocks side by side.
    columns: u32,
    /// Width of the labels of days.
    pub(super) label: u32,
}

/// Maximum number of days with digits in the cells.
pub(super) const DAYS_WITH_DIGITS: u32 = 45;

const SIZES: [Size; 6] = [
    Size { days: DAYS_WITH_DIGITS, hour: 28, row: 20, columns: 3, label: 104 },
    Size { days: 124, hour: 28, row: 10, columns: 3, label: 104 },
    Size { days: 250, hour: 20, row: 4, columns: 4, label: 64 },
    Size { days: 750, hour: 20, row: 3, columns: 4, label: 64 },
    Size { days: 1500, hour: 20, row: 2, columns: 6, label: 64 },
    Size { days: u32::MAX, hour: 20, row: 1, columns: 8, label: 64 },
];

/// Sizes and positions of one drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: Size,
    /// Number of cells in a day of 24 hours.
    pub(super) slots: u32,
    /// First day that is shown.
    pub(super) first: UtcDay,
    /// Number of days that are shown.
    pub(super) days: u32,
    /// Number of earlier days that are left out.
    pub(super) hidden: u32,
    columns: u32,
    blocks: u32,
}

impl Layout {
    /// Chooses the largest cells with which all days fit into [`MAX_HEIGHT`]. If none fit, the smallest
    /// cells show the latest days.
    pub(super) fn of(lines: &[&Line], width: CellWidth) -> Self {
        let dates = || lines.iter().flat_map(|line| [line.cells.first(), line.cells.last()]).flatten().map(|c| c.date);
        let first = dates().min().unwrap_or(UtcDay::from_days(0));
        let last = dates().max().unwrap_or(first);
        let days = u32::try_from(days_between(first, last)).unwrap_or(0) + 1;
        let slots = 1440 / width.minutes();
        let blocks = u32::try_from(lines.len()).unwrap_or(u32::MAX).max(1);
        let with = |size: Size, columns| Self { size, slots, first, days, hidden: 0, columns, blocks };
        for size in SIZES.into_iter().filter(|size| days <= size.days) {
            let most = size.columns.min(blocks);
            let comfortable = |columns: &u32| with(size, *columns).height() <= COMFORTABLE_HEIGHT;
            let layout = with(size, (1..most).find(comfortable).unwrap_or(most));
            if layout.height() <= MAX_HEIGHT {
                return layout.widened();
            }
        }
        let smallest = SIZES[SIZES.len() - 1];
        with(smallest, smallest.columns.min(blocks)).cut(last)
    }

    /// Makes hours as wide as in the largest size if there is only one column of blocks.
    fn widened(mut self) -> Self {
        if self.columns == 1 {
            self.size.hour = SIZES[0].hour;
        }
        self
    }

    /// Keeps as many of the latest days as fit, but at least [`MIN_DAYS`].
    fn cut(mut self, last: UtcDay) -> Self {
        let frame = MARGIN * 2 + HEAD + NOTE * NOTES;
        let room = (MAX_HEIGHT - frame) / self.blocks_down();
        let days = room.saturating_sub(BLOCK_HEAD + BLOCK_GAP) / self.size.row;
        let days = days.max(MIN_DAYS).min(self.days);
        self.hidden = self.days - days;
        self.days = days;
        let first = days_between(UtcDay::from_days(0), last) - i64::from(days) + 1;
        self.first = UtcDay::from_days(i32::try_from(first).unwrap_or(0));
        self
    }

    fn blocks_down(&self) -> u32 {
        self.blocks.div_ceil(self.columns)
    }

    /// Width of a cell in pixels.
    pub(super) fn slot(&self) -> u32 {
        self.size.hour * 24 / self.slots
    }

    /// Width of a block with the labels of its days.
    pub(super) fn block_width(&self) -> u32 {
        self.size.label + self.size.hour * 24
    }

    /// Height of a block's cells.
    pub(super) fn days_height(&self) -> u32 {
        self.size.row.saturating_mul(self.days)
    }

    /// Width of the whole drawing.
    pub(super) fn width(&self) -> u32 {
        MARGIN * 2 + self.columns * (self.block_width() + BLOCK_GAP) - BLOCK_GAP
    }

    /// Vertical position of the first note.
    pub(super) fn notes_top(&self) -> u32 {
        let block = self.days_height().saturating_add(BLOCK_HEAD + BLOCK_GAP);
        block.saturating_mul(self.blocks_down()).saturating_add(MARGIN + HEAD)
    }

    /// Height of the drawing with the maximum number of notes.
    fn height(&self) -> u32 {
        self.height_with(NOTES)
    }

    /// Height of the drawing with this number of notes.
    pub(super) fn height_with(&self, notes: u32) -> u32 {
        self.notes_top().saturating_add(NOTE * notes.saturating_sub(1) + MARGIN)
    }

    /// Upper left corner of the block with this index.
    pub(super) fn place(&self, block: u32) -> (u32, u32) {
        let (across, down) = (block % self.columns, block / self.columns);
        let x = MARGIN + across * (self.block_width() + BLOCK_GAP);
        (x, MARGIN + HEAD + down * (self.days_height() + BLOCK_HEAD + BLOCK_GAP))
    }

    /// Scale of the PNG: 2 if the PNG then stays within the maximum size, else at most 1.
    pub(super) fn png_scale(&self) -> f64 {
        let (width, height) = (f64::from(self.width()), f64::from(self.height()));
        let most = (f64::from(MAX_HEIGHT) / height).min((MAX_PIXELS / (width * height)).sqrt());
        // A scale between 1 and 2 would blur edges.
        if most >= 2.0 { 2.0 } else { most.min(1.0) }
    }

    /// Whether a drawing of the latest [`DAYS_WITH_DIGITS`] days would have digits.
    pub(super) fn fewer_days_have_digits(&self) -> bool {
        let size = SIZES[0];
        let fewer = Self { size, days: size.days, columns: size.columns.min(self.blocks), ..*self };
        self.days > size.days && fewer.has_digits() && fewer.height() <= MAX_HEIGHT
    }

    /// Whether cells are large enough for digits.
    pub(super) fn has_digits(&self) -> bool {
        self.size.row >= 20 && self.slots <= 24
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Cell;

    fn line(days: i32) -> Line {
        let cell = |day| Cell { date: UtcDay::from_days(day), expected: 1, uncertain: true, ..Cell::BLANK };
        Line { cluster: "c".into(), member: None, cells: vec![cell(20_000), cell(20_000 + days - 1)] }
    }

    #[test]
    fn drawings_stay_within_the_maximum_size_and_count_the_days_left_out() {
        for blocks in [1, 3, 20, 100, 1000] {
            for days in [1, 14, 31, 46, 125, 365, 3650, 20_000] {
                let line = line(days);
                let layout = Layout::of(&vec![&line; blocks], CellWidth::default());
                assert_eq!(i64::from(layout.days + layout.hidden), i64::from(days));
                assert_eq!(days_between(layout.first, UtcDay::from_days(20_000 + days)), i64::from(layout.days));
                let scale = layout.png_scale();
                let (width, height) = (f64::from(layout.width()) * scale, f64::from(layout.height()) * scale);
                assert!(height <= 16_000.5 && width * height <= 32.1e6, "{blocks} blocks of {days} days: {layout:?}");
                assert!(
                    layout.height() <= 16_000 || layout.days <= MIN_DAYS,
                    "{blocks} blocks of {days} days: {layout:?}"
                );
            }
        }
    }

    #[test]
    fn a_year_of_up_to_twenty_clusters_is_drawn_in_full_and_not_scaled_down() {
        let line = line(365);
        for blocks in [1, 20] {
            let layout = Layout::of(&vec![&line; blocks], CellWidth::default());
            assert_eq!((layout.hidden, layout.png_scale() >= 1.0), (0, true), "{layout:?}");
        }
    }
}
