//! ULIDs, the names of TSDB blocks.
//!
//! The `ulid` crate (3.0) is not used, because it would only save two loops over digits. It makes ULIDs from the
//! clock and random numbers rather than from a hash, and accepts a first digit above 7, which Prometheus rejects.

use std::fmt;

use sha2::{Digest, Sha256};

/// The digits of Crockford's base 32, which omits I, L, O and U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;
/// The time is in the upper 48 bits, the unique part in the lower 80.
const TIME_SHIFT: u32 = 80;

/// The name of a TSDB block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ulid(u128);

impl Ulid {
    /// The ULID of the block made from a file. It consists of the time of the file's last sample and 80 bits derived
    /// from the file's hash, so the same file always gets the same name.
    pub(crate) fn of_file(last_ms: i64, sha256: &str) -> Self {
        let digest = Sha256::digest(sha256.as_bytes());
        let unique = digest.iter().take(10).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        let time = u128::try_from(last_ms).unwrap_or(0) & ((1 << 48) - 1);
        Self(time << TIME_SHIFT | unique)
    }

    /// Parses a block name as Prometheus does; `None` if it is not a ULID.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // 26 digits of 5 bits are 130 bits, but a ULID has 128, so the first digit is at most 7.
        if text.len() != LENGTH || text.as_bytes()[0] > b'7' {
            return None;
        }
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte.to_ascii_uppercase());
        text.bytes().try_fold(0_u128, |sum, byte| Some(sum << 5 | digit(byte)? as u128)).map(Self)
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = (0..LENGTH).rev().map(|place| char::from(DIGITS[(self.0 >> (5 * place)) as usize & 31]));
        f.pad(&digits.collect::<String>())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn ulids_are_parsed_and_formatted() {
        // The example of the ULID specification with its time, then the largest ULID and zero.
        let time = |text: &str| (Ulid::parse(text).unwrap().0 >> TIME_SHIFT) as u64;
        assert_eq!(time("01ARYZ6S41TSV4RRFFQ69G5FAV"), 1_469_918_176_385);
        assert_eq!(Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), Some(Ulid(u128::MAX)));
        for text in ["01ARYZ6S41TSV4RRFFQ69G5FAV", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "00000000000000000000000000"] {
            assert_eq!(Ulid::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "wal", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARYZ6S41TSV4RRFFQ69G5FAU", "chunks_head_______________"]
        {
            assert_eq!(Ulid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_ulid_of_a_file_depends_on_its_time_and_hash() {
        // First ten bytes of `printf abc | sha256sum`: ba7816bf8f01cfea4141.
        let ulid = Ulid::of_file(1_469_918_176_385, "abc");
        assert_eq!(ulid.0 & ((1 << TIME_SHIFT) - 1), 0xba78_16bf_8f01_cfea_4141);
        assert!(ulid.to_string().starts_with("01ARYZ6S41"));
        assert_ne!(ulid, Ulid::of_file(1_469_918_176_385, "abd"));
    }
}
