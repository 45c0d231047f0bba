//! The colors of scores for every output, and the scores that count as red, low or green.

use super::named::named;

/// Red, green and blue, 0 to 255 each.
pub(crate) type Rgb = [u8; 3];

/// A score below this is called red.
pub(crate) const RED_BELOW: f64 = 5.0;
/// Hours with a score below this are counted as low.
pub(crate) const LOW_BELOW: f64 = 7.0;
/// A score of at least this is called green: it loses at most one of ten points.
pub(crate) const GREEN_FROM: f64 = 9.0;

/// The color of a cell without a score.
pub(crate) const GREY: Rgb = [158, 158, 158];
/// The color of a cell without a score because its members were idle.
pub(crate) const IDLE: Rgb = [168, 186, 214];
/// The colors of 0 (`RED`), 5 (`YELLOW`) and 10 points (`GREEN`).
pub(crate) const RED: Rgb = [215, 48, 39];
pub(crate) const YELLOW: Rgb = [254, 224, 100];
pub(crate) const GREEN: Rgb = [70, 170, 90];

/// The alternative colors of 0 (`ORANGE`), 5 (`PALE`) and 10 points (`BLUE`), which people
/// with any kind of color blindness can tell apart.
const ORANGE: Rgb = [196, 84, 0];
const PALE: Rgb = [247, 234, 208];
const BLUE: Rgb = [43, 116, 189];

/// The color of a score from red through yellow to green. It is absolute: it does not depend on other cells.
pub(crate) fn red_to_green(score: f64) -> Rgb {
    between([RED, YELLOW, GREEN], score)
}

/// The color of a score in the alternative scale, from orange through a pale tone to blue.
pub(crate) fn orange_to_blue(score: f64) -> Rgb {
    between([ORANGE, PALE, BLUE], score)
}

/// Interpolates linearly between the colors of 0, 5 and 10 points.
fn between([worst, middle, best]: [Rgb; 3], score: f64) -> Rgb {
    let (from, to, share) =
        if score < 5.0 { (worst, middle, score / 5.0) } else { (middle, best, (score - 5.0) / 5.0) };
    std::array::from_fn(|i| {
        (f64::from(from[i]) + (f64::from(to[i]) - f64::from(from[i])) * share.clamp(0.0, 1.0)).round() as u8
    })
}

named! {
    /// A color scale for scores; the setting `palette`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum Scale {
        #[default]
        RedGreen = "red-green",
        /// Orange to blue, which people with any kind of color blindness can tell apart.
        OrangeBlue = "orange-blue",
    }
    parsed "unknown palette"
}

impl Scale {
    /// The color of a score, 0 to 10.
    pub(crate) fn color(self, score: f64) -> Rgb {
        match self {
            Self::RedGreen => red_to_green(score),
            Self::OrangeBlue => orange_to_blue(score),
        }
    }

    /// The names of the colors of 0 and of 10 points.
    pub(crate) fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::RedGreen => ("red", "green"),
            Self::OrangeBlue => ("orange", "blue"),
        }
    }

    /// The 256-color terminal code for whole points. Chosen by eye among codes whose color moves in one direction with
    /// the points, which the arithmetically nearest colors do not.
    pub(crate) fn code_256(self, points: u32) -> u8 {
        let codes: [u8; 11] = match self {
            Self::RedGreen => [160, 166, 208, 214, 221, 220, 185, 149, 113, 78, 35],
            Self::OrangeBlue => [166, 209, 216, 223, 230, 231, 152, 110, 74, 68, 32],
        };
        codes[(points as usize).min(codes.len() - 1)]
    }
}

/// [`GREY`] and [`IDLE`] as 256-color terminal codes.
pub(crate) const GREY_256: u8 = 247;
pub(crate) const IDLE_256: u8 = 146;

/// Black or white, whichever contrasts more with the background. One of the two always has a contrast of at least 4.5.
pub(crate) fn ink(background: Rgb) -> &'static str {
    if luminance(background) > 0.1791 { "#000" } else { "#fff" }
}

/// The color in the notation of HTML and SVG: `#d73027`.
pub(crate) fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Relative luminance, 0 to 1, by the formula of WCAG 2.
fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_interpolated_between_zero_five_and_ten_points() {
        assert_eq!([0.0, 5.0, 10.0].map(red_to_green), [RED, YELLOW, GREEN]);
        assert_eq!([0.0, 5.0, 10.0].map(orange_to_blue), [ORANGE, PALE, BLUE]);
        // Halfway between yellow and green in each channel: 254 to 70, 224 to 170 and 100 to 90.
        assert_eq!(red_to_green(7.5), [162, 197, 95]);
        assert_eq!([-1.0, 11.0].map(red_to_green), [RED, GREEN]);
    }

    /// The axes of CIELAB for a color: a* is negative for green and positive for red, b* negative for blue and
    /// positive for yellow.
    fn lab_axes(rgb: Rgb) -> [f64; 2] {
        let [r, g, b] = rgb.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        let root = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
        let y = root(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
        [500.0 * (x - y), 200.0 * (y - z)]
    }

    /// The color of a code of the 6 × 6 × 6 cube, by xterm's levels.
    fn cube(code: u8) -> Rgb {
        const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let place = usize::from(code - 16);
        [LEVELS[place / 36], LEVELS[place / 6 % 6], LEVELS[place % 6]]
    }

    #[test]
    fn a_higher_score_is_always_greener_or_in_the_alternative_scale_bluer() {
        for (scale, axis) in [(Scale::RedGreen, 0), (Scale::OrangeBlue, 1)] {
            let codes: Vec<f64> = (0..=10).map(|points| lab_axes(cube(scale.code_256(points)))[axis]).collect();
            let colors: Vec<f64> =
                (0..=100).map(|tenths| lab_axes(scale.color(f64::from(tenths) / 10.0))[axis]).collect();
            for values in [codes, colors] {
                assert!(values.is_sorted_by(|lower, higher| higher < lower), "{scale}: {values:?}");
            }
        }
        // The palette before: 9 points (87af5f) were less green than 8 (87d75f).
        assert!(lab_axes(cube(107))[0] > lab_axes(cube(113))[0]);
    }

    /// Contrasts by the formula of WCAG 2: black on yellow has 16.1, white on [140, 20, 20] has 9.4.
    #[test]
    fn text_is_black_on_bright_colors_and_white_on_dark_ones() {
        assert_eq!([YELLOW, GREEN, GREY, IDLE, PALE].map(ink), ["#000"; 5]);
        assert_eq!([[0, 0, 0], [140, 20, 20], [20, 60, 120]].map(ink), ["#fff"; 3]);
    }
}
