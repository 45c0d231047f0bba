//! The interval between two evaluations.

use std::fmt;
use std::str::FromStr;

use super::{HOUR_MS, TimeError};

/// The interval between two evaluations: whole seconds, from one second to one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub(super) i64);

impl Step {
    /// The first multiple of the step that is not before this instant.
    pub(super) fn align_up(self, ms: i64) -> i64 {
        ms + (-ms).rem_euclid(self.0)
    }

    /// A step of `millis` milliseconds. Fails unless that is a whole number of seconds from 1 s to 1 h.
    pub fn from_millis(millis: i64) -> Result<Self, TimeError> {
        if millis % 1000 == 0 && (1000..=HOUR_MS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(TimeError::StepOutOfRange(format!("{}s", millis as f64 / 1000.0)))
        }
    }

    /// The length of the step in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The length of the step in seconds.
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }
}

impl FromStr for Step {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let duration = humantime::parse_duration(text.trim()).map_err(|_| TimeError::NotAStep(text.to_owned()))?;
        if duration.subsec_nanos() != 0 {
            return Err(TimeError::StepOutOfRange(text.to_owned()));
        }
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(millis).map_err(|_| TimeError::StepOutOfRange(text.to_owned()))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds() {
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    #[test]
    fn a_step_is_a_whole_number_of_seconds_up_to_an_hour() {
        assert_eq!("15s".parse::<Step>().unwrap().seconds(), 15);
        assert_eq!("5m".parse::<Step>().unwrap().to_string(), "5m");
        for text in ["0s", "500ms", "1500ms", "2h"] {
            assert!(matches!(text.parse::<Step>(), Err(TimeError::StepOutOfRange(_))), "{text}");
        }
        assert!(matches!("often".parse::<Step>(), Err(TimeError::NotAStep(_))));
    }
}
