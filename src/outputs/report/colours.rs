//! The colors of scores as a style sheet: one class for each tenth of a point. By default a class has the color of its
//! band, with `data-coloring="gradient"` that of its score; both exist in two palettes.

use std::fmt::Write;

use crate::analysis::findings::ClusterHealth;
use crate::text::palette::{LOW_BELOW, RED_BELOW, Rgb, hex, ink, orange_to_blue, red_to_green};
use crate::text::rounding::score_parts;

/// The highest score, 10, in tenths of a point: the classes are `s0` to `s100`.
const TENTHS: u32 = 100;
/// Scores from here on are ok.
const OK_FROM: f64 = 9.5;
/// A cluster is called by the band that at least this share of its hours falls to.
const NAMED_BY_SHARE: f64 = 0.01;

/// A named range of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Band {
    Ok,
    Degraded,
    Bad,
    Critical,
}

impl Band {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Degraded, Self::Bad, Self::Critical];

    fn of(score: f64) -> Self {
        let is_within = |band: &Self| score >= band.from();
        Self::ALL.into_iter().find(is_within).unwrap_or(Self::Critical)
    }

    /// The band of a cluster: the lowest one that holds at least 1 % of its hours, and at least bad if a member was
    /// missing for as long. A cluster that was never seen is critical.
    pub(super) fn of_cluster(health: &ClusterHealth, missing_hours: f64) -> Self {
        let is_share = |hours: f64| hours >= NAMED_BY_SHARE * health.hours as f64 && hours > 0.0;
        match health.mean {
            None => Self::Critical,
            Some(_) if is_share(health.below_5 as f64) => Self::Critical,
            Some(_) if is_share(health.below_7 as f64) || is_share(missing_hours) => Self::Bad,
            Some(mean) if health.needs_attention || mean < OK_FROM => Self::Degraded,
            Some(_) => Self::Ok,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Bad => "bad",
            Self::Critical => "critical",
        }
    }

    /// The lowest score of the band.
    pub(super) const fn from(self) -> f64 {
        match self {
            Self::Ok => OK_FROM,
            Self::Degraded => LOW_BELOW,
            Self::Bad => RED_BELOW,
            Self::Critical => 0.0,
        }
    }

    /// The color from green to dark red. Each band is darker than the better ones, so that they differ in print too.
    const fn red(self) -> Rgb {
        match self {
            Self::Ok => [134, 203, 150],
            Self::Degraded => [247, 205, 78],
            Self::Bad => [233, 122, 42],
            Self::Critical => [168, 26, 32],
        }
    }

    /// The color from blue to brown, which people with any kind of color blindness can tell apart.
    const fn blue(self) -> Rgb {
        match self {
            Self::Ok => [128, 180, 228],
            Self::Degraded => [250, 232, 190],
            Self::Bad => [224, 140, 40],
            Self::Critical => [122, 46, 0],
        }
    }
}

/// The class of a score, rounded down, so that only a score without any loss has the color of 10.
pub(super) fn class(score: f64) -> String {
    format!("s{}", score_parts(score, TENTHS / 10))
}

/// The style sheet of scores (`s0` to `s100`) and bands (`band-ok` …), in both colorings and both palettes.
pub(super) fn sheet() -> String {
    let mut css = String::new();
    for (scope, of_band, of_score) in [
        ("", Band::red as fn(Band) -> Rgb, red_to_green as fn(f64) -> Rgb),
        ("[data-palette=blue]", Band::blue, orange_to_blue),
    ] {
        for band in Band::ALL {
            let of_this = (0..=TENTHS).filter(|tenth| Band::of(f64::from(*tenth) / 10.0) == band);
            let mut selectors: Vec<String> = of_this.map(|tenth| format!("{scope} .s{tenth}")).collect();
            selectors.push(format!("{scope} .band-{}", band.name()));
            let _ = write!(css, "{}{{{}}}", selectors.join(","), declarations(of_band(band)));
        }
        for tenth in 0..=TENTHS {
            let color = declarations(of_score(f64::from(tenth) / 10.0));
            let _ = write!(css, "{scope}[data-coloring=gradient] .s{tenth}{{{color}}}");
        }
    }
    css
}

fn declarations(background: Rgb) -> String {
    format!("background-color:{};color:{}", hex(background), ink(background))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_begin_at_their_lowest_score() {
        let bands = [10.0, 9.5, 9.49, 7.0, 6.99, 5.0, 4.99, 0.0].map(Band::of);
        use Band::{Bad, Critical, Degraded, Ok};
        assert_eq!(bands, [Ok, Ok, Degraded, Degraded, Bad, Bad, Critical, Critical]);
    }
}
