//! The version of an etcd as a number, so that it fits a column of readings.

/// Parts above the last are multiples of this: 3.5.1 is 3005001.
const PART: u64 = 1000;

/// The number of a version: major, minor and patch, without what follows, such as `-rc.1`. `None` if the text is no version,
/// such as the `not_decided` of a cluster that has just begun.
pub(crate) fn version_number(text: &str) -> Option<f64> {
    let release = text.trim().trim_start_matches('v').split(['-', '+']).next()?;
    let parts: Vec<u64> = release.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [major, minor, patch] if *minor < PART && *patch < PART && *major < PART => {
            Some(((major * PART + minor) * PART + patch) as f64)
        }
        _ => None,
    }
}

/// The version that a number stands for: `3.5.1`.
pub(crate) fn version_text(number: f64) -> String {
    let number = number as u64;
    format!("{}.{}.{}", number / (PART * PART), number / PART % PART, number % PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_keep_their_order_as_numbers() {
        assert_eq!(version_number("3.5.1"), Some(3_005_001.0));
        assert_eq!(version_number("v3.6.0-rc.1"), Some(3_006_000.0));
        assert!(version_number("3.10.0") > version_number("3.9.99"));
        for (text, shown) in [("3.5.1", "3.5.1"), ("3.4.23", "3.4.23"), ("3.6.0-alpha.0+git", "3.6.0")] {
            assert_eq!(version_number(text).map(version_text).as_deref(), Some(shown));
        }
        for wrong in ["", "not_decided", "3.5", "3.5.1.2", "3.x.1", "3.5.1000", "-1.0.0"] {
            assert_eq!(version_number(wrong), None, "{wrong}");
        }
    }
}
