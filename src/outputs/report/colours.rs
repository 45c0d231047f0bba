//! The colours of scores as a style sheet: a class for each tenth of a point, in two palettes.

use std::fmt::Write;

use crate::outputs::heat::heat;

type Rgb = [u8; 3];

/// Classes `s0` to `s100`.
const TENTHS: u32 = 100;

/// Orange, pale, blue: told apart with every kind of colour blindness.
const ORANGE: Rgb = [196, 84, 0];
const PALE: Rgb = [247, 234, 208];
const BLUE: Rgb = [43, 116, 189];

/// The class of a score, rounded down: only a faultless one has the colour of 10.
pub(super) fn class(score: f64) -> String {
    format!("s{}", super::heat_cell::round_down(score, f64::from(TENTHS) / 10.0).min(TENTHS))
}

/// Both palettes; the second holds below `data-palette="blue"`.
pub(super) fn sheet() -> String {
    let mut css = String::new();
    for tenth in 0..=TENTHS {
        let score = f64::from(tenth) / 10.0;
        let _ = write!(css, ".s{tenth}{{{}}}", declarations(heat(score)));
        let _ = write!(css, "[data-palette=blue] .s{tenth}{{{}}}", declarations(orange_to_blue(score)));
    }
    css
}

fn orange_to_blue(score: f64) -> Rgb {
    let (from, to, share) = if score < 5.0 { (ORANGE, PALE, score / 5.0) } else { (PALE, BLUE, (score - 5.0) / 5.0) };
    std::array::from_fn(|i| (f64::from(from[i]) + (f64::from(to[i]) - f64::from(from[i])) * share).round() as u8)
}

fn declarations(background: Rgb) -> String {
    let [r, g, b] = background;
    // Black has a contrast of at least 4.5 wherever white has less: one of the two always does.
    let text = if luminance(background) > 0.1791 { "#000" } else { "#fff" };
    format!("background-color:#{r:02x}{g:02x}{b:02x};color:{text}")
}

/// Relative luminance as WCAG 2 defines it.
fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}
