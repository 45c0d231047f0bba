//! The colors of scores as a style sheet: one class for each tenth of a point, in two palettes.

use std::fmt::Write;

use crate::text::palette::{Rgb, hex, ink, orange_to_blue, red_to_green};
use crate::text::rounding::score_parts;

/// The highest score, 10, in tenths of a point: the classes are `s0` to `s100`.
const TENTHS: u32 = 100;

/// The class of a score, rounded down, so that only a score without any loss has the color of 10.
pub(super) fn class(score: f64) -> String {
    format!("s{}", score_parts(score, TENTHS / 10))
}

/// The style sheet with both palettes; the orange-to-blue palette applies within `data-palette="blue"`.
pub(super) fn sheet() -> String {
    let mut css = String::new();
    for tenth in 0..=TENTHS {
        let score = f64::from(tenth) / 10.0;
        let _ = write!(css, ".s{tenth}{{{}}}", declarations(red_to_green(score)));
        let _ = write!(css, "[data-palette=blue] .s{tenth}{{{}}}", declarations(orange_to_blue(score)));
    }
    css
}

fn declarations(background: Rgb) -> String {
    format!("background-color:{};color:{}", hex(background), ink(background))
}
