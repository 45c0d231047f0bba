//! The hash of an object's content, recorded with the object by the run that wrote it.
//!
//! Stores have hashes of their own kinds. With this one, a run that has the manifest knows the content of an object without
//! reading it.

use object_store::{Attribute, Attributes};

/// The name of the metadata. Azure allows no hyphens, and some proxies drop headers with underscores.
const NAME: &str = "sha256";

/// What is recorded with an object.
pub(super) fn with_hash(sha256: String) -> Attributes {
    Attributes::from_iter([(Attribute::Metadata(NAME.into()), sha256)])
}

/// The hash that was recorded with an object, in hexadecimal; `None` if another program wrote it.
pub(super) fn hash_of(attributes: &Attributes) -> Option<String> {
    let recorded = attributes.get(&Attribute::Metadata(NAME.into()))?;
    let is_hash = recorded.len() == 64 && recorded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then(|| recorded.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_in_our_notation_counts_as_recorded() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(hash_of(&with_hash(hash.clone())), Some(hash.clone()));
        for other in ["", "0123", &hash.to_uppercase(), &hash.replace('0', "g"), &format!("{hash}0")] {
            assert_eq!(hash_of(&with_hash(other.to_owned())), None, "{other}");
        }
        assert_eq!(hash_of(&Attributes::new()), None);
    }
}
