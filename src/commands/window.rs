//! The window in which standard output is shown.

use std::io::{IsTerminal, stdout};

use terminal_size::{Height, Width, terminal_size_of};

/// Width of a terminal that does not report one.
const TERMINAL: usize = 80;

/// Size of the window in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The width of the terminal, else `COLUMNS`, else 80; `None` if the output is not a terminal and `COLUMNS` is not set.
    pub(super) width: Option<usize>,
    /// The height of the terminal, if it reports one.
    pub(super) height: Option<usize>,
}

impl Window {
    pub(super) fn of_stdout() -> Self {
        let stdout = stdout();
        let size = terminal_size_of(&stdout).map(|(Width(w), Height(h))| (usize::from(w), usize::from(h)));
        let columns = std::env::var("COLUMNS").ok();
        Self {
            width: width(size.map(|(width, _)| width), columns.as_deref(), stdout.is_terminal()),
            height: size.map(|(_, height)| height),
        }
    }
}

fn width(reported: Option<usize>, columns: Option<&str>, is_terminal: bool) -> Option<usize> {
    let set = || columns?.trim().parse().ok().filter(|columns| *columns > 0);
    reported.filter(|width| *width > 0).or_else(set).or(is_terminal.then_some(TERMINAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_terminal_else_columns_else_80_on_a_terminal() {
        for (reported, columns, is_terminal, expected) in [
            (Some(120), Some("60"), true, Some(120)),
            (Some(0), Some("60"), true, Some(60)),
            (None, None, true, Some(80)),
            (None, Some("60"), false, Some(60)),
            (None, Some("0"), false, None),
            (None, Some("wide"), true, Some(80)),
            (None, None, false, None),
        ] {
            assert_eq!(width(reported, columns, is_terminal), expected, "{reported:?} {columns:?} {is_terminal}");
        }
    }
}
