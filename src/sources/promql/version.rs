//! The version of Prometheus whose results are computed, and the changes between versions that affect them.

use std::fmt;
use std::str::FromStr;

/// A version of Prometheus: major and minor. Patch releases give equal results.
///
/// Before 2.32 (2021), `rate` added up counter resets on their own before it added them to the increase. Its last
/// bit can therefore differ from the one computed for such a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
}

/// A text that is not a version of Prometheus.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a version of Prometheus: write it as 2.53, 2.53.1 or 3")]
pub struct VersionError(String);

impl Version {
    /// `histogram_quantile` ignores relative differences below 1e-12 between counts of neighboring buckets, which
    /// come from rounding. From 2.49 on.
    pub fn ignores_small_bucket_differences(self) -> bool {
        self >= Self { major: 2, minor: 49 }
    }

    /// `rate` shortens the extrapolation of a series that starts within the range to half a sample interval, and then
    /// to the time at which the counter was zero. Before 2.51 the zero point came first, and one up to 1.1 intervals
    /// away replaced the half interval. From 2.51 on.
    pub fn limits_extrapolation_before_zero_point(self) -> bool {
        self >= Self { major: 2, minor: 51 }
    }

    /// `sum` carries the rounding error along (Kahan and Neumaier). From 2.54 on.
    pub fn compensates_sums(self) -> bool {
        self >= Self { major: 2, minor: 54 }
    }

    /// Ranges and the look-back are left-open: a sample exactly at their start is outside. From 3.0 on.
    pub fn has_left_open_ranges(self) -> bool {
        self >= Self { major: 3, minor: 0 }
    }
}

impl Default for Version {
    /// Version 3.0, whose results all later versions share.
    fn default() -> Self {
        Self { major: 3, minor: 0 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `3`, `2.42`, `v2.53.1`, and builds such as `3.0.0-rc.0` and `2.42.0+ds`. A missing minor version is 0.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = text.trim();
        let number = number.strip_prefix(['v', 'V']).unwrap_or(number);
        let release = number.split(['-', '+']).next().unwrap_or_default();
        let parts: Option<Vec<u32>> = release.split('.').map(whole_number).collect();
        match parts.as_deref() {
            Some([major]) => Ok(Self { major: *major, minor: 0 }),
            Some([major, minor] | [major, minor, _]) => Ok(Self { major: *major, minor: *minor }),
            _ => Err(VersionError(text.to_owned())),
        }
    }
}

/// Digits only: `u32::from_str` would also accept a plus sign.
fn whole_number(part: &str) -> Option<u32> {
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn rules(text: &str) -> [bool; 4] {
        let version: Version = text.parse().unwrap();
        [
            version.ignores_small_bucket_differences(),
            version.limits_extrapolation_before_zero_point(),
            version.compensates_sums(),
            version.has_left_open_ranges(),
        ]
    }

    #[test]
    fn each_change_applies_from_its_version_on() {
        for (text, expected) in [
            ("2", [false; 4]),
            ("2.42", [false; 4]),
            ("2.42.0+ds-5", [false; 4]),
            ("v2.48.1", [false; 4]),
            ("2.49.0", [true, false, false, false]),
            ("v2.50", [true, false, false, false]),
            ("2.51", [true, true, false, false]),
            ("v2.53.1", [true, true, false, false]),
            ("2.54.0-rc.1", [true, true, true, false]),
            ("2.55.1", [true, true, true, false]),
            ("3", [true; 4]),
            ("3.0.0-beta.0", [true; 4]),
            (" V3.14 ", [true; 4]),
            ("4.1", [true; 4]),
        ] {
            assert_eq!(rules(text), expected, "{text}");
        }
        assert_eq!(rules(&Version::default().to_string()), [true; 4]);
    }

    #[test]
    fn other_texts_are_errors() {
        for text in ["", "v", "2.", ".42", "2.x", "2.42.0.1", "+3", "-3", "latest", "99999999999"] {
            let error = text.parse::<Version>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("'{text}' is not a version")), "{error}");
        }
    }
}
