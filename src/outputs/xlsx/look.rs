//! Formats and color scales that all sheets share. A color always stands for the same value, whatever the data.
//! Dates are in ISO format, and cells without a score are hatched, or dotted if they are idle.

use rust_xlsxwriter::{
    Color, ConditionalFormat2ColorScale, ConditionalFormat3ColorScale, ConditionalFormatType, Format, FormatAlign,
    FormatBorder, FormatDiagonalBorder, FormatPattern, FormatUnderline,
};

use crate::text::palette::{GREEN, GREY, IDLE, RED, Rgb, YELLOW};

const PALE: Color = Color::RGB(0x00E6_E6E6);

fn color([r, g, b]: Rgb) -> Color {
    Color::RGB(u32::from_be_bytes([0, r, g, b]))
}

/// The formats, created once and used by all sheets.
pub(super) struct Look {
    pub(super) title: Format,
    pub(super) heading: Format,
    /// Headings of tables: left-aligned, because the filter's arrow would cover a centered heading.
    pub(super) table_heading: Format,
    pub(super) text: Format,
    /// Text that Excel would turn into a formula when someone edits its cell.
    pub(super) quoted: Format,
    pub(super) link: Format,
    pub(super) date: Format,
    pub(super) instant: Format,
    pub(super) score: Format,
    pub(super) uncertain: Format,
    pub(super) unknown: Format,
    pub(super) idle: Format,
    pub(super) precise: Format,
    pub(super) plain: Format,
    pub(super) whole: Format,
    pub(super) share: Format,
}

impl Look {
    pub(super) fn new() -> Self {
        let top = || Format::new().set_align(FormatAlign::Top);
        let number = |format: &str| top().set_num_format(format);
        // The indent separates the text from right-aligned numbers in the column before it.
        let left = || top().set_align(FormatAlign::Left).set_indent(1);
        let heading = Format::new().set_bold().set_background_color(PALE).set_border_bottom(FormatBorder::Thin);
        let hour = |format: &str| number(format).set_align(FormatAlign::Center);
        Self {
            title: Format::new().set_bold().set_font_size(14),
            table_heading: heading
                .clone()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_align(FormatAlign::Left)
                .set_indent(1),
            heading: heading.set_align(FormatAlign::Center),
            text: left().set_text_wrap(),
            quoted: left().set_text_wrap().set_quote_prefix(),
            link: left()
                .set_text_wrap()
                .set_quote_prefix()
                .set_font_color(Color::RGB(0x0005_63C1))
                .set_underline(FormatUnderline::Single),
            date: left().set_num_format("yyyy-mm-dd ddd"),
            instant: left().set_num_format("yyyy-mm-dd hh:mm:ss"),
            score: hour("0.00"),
            uncertain: hour("\"~\"0.00").set_italic(),
            // LibreOffice does not draw the hatch pattern, so the cell gets a diagonal line as well.
            unknown: Format::new()
                .set_border_diagonal(FormatBorder::Thin)
                .set_border_diagonal_type(FormatDiagonalBorder::BorderUp)
                .set_border_diagonal_color(color(GREY))
                .set_pattern(FormatPattern::LightUp)
                .set_foreground_color(color(GREY))
                .set_background_color(PALE),
            idle: Format::new()
                .set_pattern(FormatPattern::Gray125)
                .set_foreground_color(Color::RGB(0x004F_6184))
                .set_background_color(color(IDLE)),
            precise: number("0.00"),
            plain: number("General"),
            whole: number("0"),
            share: number("0.0%"),
        }
    }
}

/// Color scale of scores: red at 0, yellow at 5, green at 10, whatever values the sheet has.
pub(super) fn heat() -> ConditionalFormat3ColorScale {
    ConditionalFormat3ColorScale::new()
        .set_minimum(ConditionalFormatType::Number, 0)
        .set_midpoint(ConditionalFormatType::Number, 5)
        .set_maximum(ConditionalFormatType::Number, 10)
        .set_minimum_color(color(RED))
        .set_midpoint_color(color(YELLOW))
        .set_maximum_color(color(GREEN))
}

/// Color scale of coverage: gray at 0, white at 100 %.
pub(super) fn coverage() -> ConditionalFormat2ColorScale {
    ConditionalFormat2ColorScale::new()
        .set_minimum(ConditionalFormatType::Number, 0)
        .set_maximum(ConditionalFormatType::Number, 1)
        .set_minimum_color(color(GREY))
        .set_maximum_color(Color::White)
}
