//! The colours of the heat map.

/// What is unknown.
pub(super) const GREY: [u8; 3] = [158, 158, 158];
const RED: [u8; 3] = [215, 48, 39];
const YELLOW: [u8; 3] = [254, 224, 100];
const GREEN: [u8; 3] = [70, 170, 90];

/// Absolute: 0 is red, 5 yellow, 10 green, whatever else the picture holds.
pub(super) fn heat(score: f64) -> [u8; 3] {
    let (from, to, share) = if score < 5.0 { (RED, YELLOW, score / 5.0) } else { (YELLOW, GREEN, (score - 5.0) / 5.0) };
    std::array::from_fn(|i| {
        (f64::from(from[i]) + (f64::from(to[i]) - f64::from(from[i])) * share.clamp(0.0, 1.0)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_absolute() {
        assert_eq!((heat(0.0), heat(5.0), heat(10.0)), (RED, YELLOW, GREEN));
    }
}
