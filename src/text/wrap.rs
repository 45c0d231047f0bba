//! Wraps text between words, for terminals.

use unicode_width::UnicodeWidthChar;

/// Units that stay on the line of the number before them.
const UNITS: [&str; 10] = ["%", "ms", "s", "min", "h", "d", "KiB", "KiB/s", "MiB", "GiB"];
/// At most this much of a line's own indent is repeated on the lines that continue it.
const OWN_INDENT: usize = 4;

/// Breaks each line that is wider than `width` columns. `None` leaves all lines as they are.
///
/// Lines break between words, never within one: a word wider than `width` has a line of its own. A number stays with its
/// unit. Fields, which two or more spaces separate, stay whole if they fit on a line. Lines that continue another
/// begin with its indent and `hang` more spaces. Escape sequences of colors take no columns.
pub(crate) fn wrapped(text: &str, width: Option<usize>, hang: usize) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if columns(line) <= width {
            out.push_str(line);
        } else {
            wrap_line(&mut out, line, width, hang);
        }
        out.push_str(end);
    }
    out
}

/// The number of columns that a line takes in a terminal. East Asian characters take two, combining accents none.
pub(crate) fn columns(line: &str) -> usize {
    let mut in_escape = false;
    let mut columns = 0;
    for c in line.chars() {
        match c {
            '\x1b' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            _ => columns += c.width().unwrap_or(0),
        }
    }
    columns
}

fn wrap_line(out: &mut String, line: &str, width: usize, hang: usize) {
    let text = line.trim_start_matches(' ');
    let own = line.len() - text.len();
    let mut flow = Flow { out, width, indent: own.min(OWN_INDENT) + hang, used: own, is_empty: true };
    flow.out.push_str(&line[..own]);
    for (gap, field) in fields(text) {
        let wide = columns(field);
        if flow.fits(gap + wide) || flow.indent + wide <= width {
            flow.push(gap, field);
            continue;
        }
        // A field that needs several lines begins here if much of this line is left.
        if flow.used + gap > width / 2 {
            flow.next_line();
        }
        for (place, word) in words(field).enumerate() {
            flow.push(if place == 0 { gap } else { 1 }, word);
        }
    }
}

/// The lines that a wide line becomes.
struct Flow<'a> {
    out: &'a mut String,
    width: usize,
    /// Indent of all lines but the first.
    indent: usize,
    /// Columns used in the current line.
    used: usize,
    /// Whether the current line has only its indent.
    is_empty: bool,
}

impl Flow<'_> {
    fn fits(&self, columns: usize) -> bool {
        self.used + columns <= self.width
    }

    fn next_line(&mut self) {
        if !self.is_empty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.used = self.indent;
            self.is_empty = true;
        }
    }

    /// Adds a piece after `gap` spaces, or on the next line if it does not fit.
    fn push(&mut self, gap: usize, piece: &str) {
        let wide = columns(piece);
        if !self.is_empty && !self.fits(gap + wide) {
            self.next_line();
        }
        let gap = if self.is_empty { 0 } else { gap };
        self.out.extend(std::iter::repeat_n(' ', gap));
        self.out.push_str(piece);
        self.used += gap + wide;
        self.is_empty = false;
    }
}

/// The parts between runs of two or more spaces, each with the number of spaces before it.
fn fields(text: &str) -> Vec<(usize, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_end_matches(' ');
    let mut gap = 0;
    while let Some(end) = rest.find("  ") {
        fields.push((gap, &rest[..end]));
        let after = rest[end..].trim_start_matches(' ');
        gap = rest.len() - end - after.len();
        rest = after;
    }
    fields.push((gap, rest));
    fields
}

/// The words of a field; a number and its unit are one word.
fn words(field: &str) -> impl Iterator<Item = &str> {
    let mut rest = field;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.find(' ').unwrap_or(rest.len());
        if rest[..end].ends_with(|c: char| c.is_ascii_digit()) && end < rest.len() {
            let next = rest[end + 1..].split(' ').next().unwrap_or_default();
            if UNITS.contains(&next.trim_end_matches([',', ';', ')', '.', ':'])) {
                end += 1 + next.len();
            }
        }
        let word = &rest[..end];
        rest = rest[end..].strip_prefix(' ').unwrap_or_default();
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(width: usize, text: &str) -> String {
        wrapped(text, Some(width), 2)
    }

    #[test]
    fn lines_that_fit_and_lines_without_a_window_stay_as_they_are() {
        let text = "one two\n\n    a   b\n";
        assert_eq!(at(9, text), text);
        assert_eq!(wrapped("one two three", None, 2), "one two three");
    }

    #[test]
    fn lines_break_between_words_and_continue_with_a_hanging_indent() {
        assert_eq!(at(9, "one two three four"), "one two\n  three\n  four");
        assert_eq!(at(11, "  one two three\nfour"), "  one two\n    three\nfour");
        assert_eq!(wrapped("note     one two three", Some(20), 9), "note     one two\n         three");
    }

    #[test]
    fn a_word_that_is_wider_than_the_window_is_not_broken() {
        assert_eq!(at(5, "a abcdefghi b"), "a\n  abcdefghi\n  b");
        assert_eq!(at(5, "abcdefghi b"), "abcdefghi\n  b");
    }

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(at(12, "highest 10.5 ms, lowest"), "highest\n  10.5 ms,\n  lowest");
        assert_eq!(at(12, "hours below 7 points"), "hours below\n  7 points");
    }

    #[test]
    fn fields_of_a_table_stay_whole_if_they_fit_on_a_line() {
        assert_eq!(at(24, "  name      12   10 at 11; 0 at 1"), "  name      12\n    10 at 11; 0 at 1");
        let long = "  name      12   10 at 11; 0 at 1 (above 10 ms)";
        assert_eq!(at(24, long), "  name      12\n    10 at 11; 0 at 1\n    (above 10 ms)");
    }

    #[test]
    fn widths_are_those_of_the_terminal() {
        // East Asian characters take two columns, a combining accent and colors none.
        assert_eq!(at(8, "東京都 a 大阪府"), "東京都 a\n  大阪府");
        assert_eq!(at(5, "e\u{301}e\u{301}e\u{301} a"), "e\u{301}e\u{301}e\u{301} a");
        assert_eq!(columns("\x1b[30;48;5;71m10 \x1b[0m"), 3);
    }

    #[test]
    fn at_any_width_the_words_stay_the_same() {
        let text = "  wal_fsync      3.00 ms      12.00 ms     12/12   0.300   0.92  10 at 11; 0 at 1 (above 10.00 ms)\n\
                    note     the server keeps 15 d, and the range begins 30 d ago: use --start 2026-10-01\n";
        for width in 20..120 {
            let narrow = at(width, text);
            assert!(narrow.lines().all(|line| columns(line) <= width), "{width}: {narrow}");
            assert_eq!(
                narrow.split_whitespace().collect::<Vec<_>>(),
                text.split_whitespace().collect::<Vec<_>>(),
                "{width}"
            );
        }
    }
}
