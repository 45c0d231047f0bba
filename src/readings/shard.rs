//! Shards: shares of the clusters of a source, so that several runs can pull one history.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The most shards of a history.
const MOST: u32 = 10_000;

/// One of several shares, such as the third of sixteen. Every cluster is in exactly one of them, with all its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// From 1 to `of`.
    number: u32,
    of: u32,
}

/// Written in place of the number of a shard in an Indexed Job of Kubernetes, whose pods all have the same command line.
const INDEX: &str = "index";

/// Why a text is not a shard.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// No shard, or one of too many.
    #[error(
        "{0:?} is not a shard: write its number and the number of all shards, such as 3/16, at most {MOST}/{MOST}; \
         in an Indexed Job of Kubernetes, write index/16"
    )]
    Text(String),
    /// Kubernetes has set no index.
    #[error(
        "{INDEX}/{0} is for an Indexed Job of Kubernetes, which sets {variable}, but this is not set: \
         write the number of the shard, such as 1/{0}", variable = Shard::INDEX_VARIABLE
    )]
    NoIndex(u32),
    /// An index that the Job of so many shards does not have.
    #[error(
        "{INDEX}/{of} needs an index from 0 to {}, but {} is {index:?}: let the Job have {of} completions",
        .of - 1, Shard::INDEX_VARIABLE
    )]
    Index {
        /// The value of [`Shard::INDEX_VARIABLE`].
        index: String,
        /// The number of shards.
        of: u32,
    },
}

impl Shard {
    /// The variable with the index of a pod of an Indexed Job of Kubernetes, which counts from 0.
    pub const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

    /// Reads a shard such as `3/16`. `index/16` is the shard of the index of an Indexed Job: `2` is that of `3/16`.
    ///
    /// # Errors
    ///
    /// The text is no shard, or it asks for an index, and there is none or the shards do not have it.
    pub fn asked(text: &str, index: Option<&str>) -> Result<Self, ShardError> {
        let Some(of) = text.split_once('/').filter(|(number, _)| *number == INDEX).map(|(_, of)| of) else {
            return text.parse();
        };
        // Of a number of shards that cannot be, the message is that of any other text.
        let of = format!("1/{of}").parse::<Self>().map_err(|_| ShardError::Text(text.to_owned()))?.of;
        let index = index.ok_or(ShardError::NoIndex(of))?;
        match index.parse::<u32>() {
            Ok(from_0) if from_0 < of => Ok(Self { number: from_0 + 1, of }),
            _ => Err(ShardError::Index { index: index.to_owned(), of }),
        }
    }

    /// All shards of so many.
    pub fn all(of: u32) -> impl Iterator<Item = Self> {
        (1..=of).map(move |number| Self { number, of })
    }

    /// How many shards there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether the cluster is in this shard: the first 8 bytes of the SHA-256 of its name, as a big-endian integer, modulo
    /// the number of shards, count from 0. The same in every version, on every machine.
    pub fn holds(self, cluster: &str) -> bool {
        let digest = Sha256::digest(cluster.as_bytes());
        let hash = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        hash % u64::from(self.of) == u64::from(self.number - 1)
    }

    /// The name of its folder, such as `3-of-16`.
    pub fn folder(self) -> String {
        format!("{}-of-{}", self.number, self.of)
    }

    /// The shard with a folder of this name.
    pub fn in_folder(name: &str) -> Option<Self> {
        let (number, of) = name.split_once("-of-")?;
        format!("{number}/{of}").parse().ok().filter(|shard: &Self| shard.folder() == name)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            let of = of.parse().ok().filter(|of| (1..=MOST).contains(of))?;
            let number = number.parse().ok().filter(|number| (1..=of).contains(number))?;
            Some(Self { number, of })
        });
        parsed.ok_or_else(|| ShardError::Text(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// Expected numbers from Python: `int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) % 16 + 1`.
    #[test]
    fn a_cluster_is_in_the_shard_of_its_hash_and_in_no_other() {
        let names = ["", "c01", "c02", "kube-etcd", "prod/eu-1", "prüfung"];
        let number = |name: &str| -> Vec<u32> {
            Shard::all(16).filter(|shard| shard.holds(name)).map(|shard| shard.number).collect()
        };
        assert_eq!(names.map(number), [5, 14, 4, 15, 12, 5].map(|number| vec![number]));
    }

    #[test]
    fn shards_are_read_as_they_are_written_and_nothing_else_is_one() {
        for text in ["1/1", "3/16", "16/16", "10000/10000"] {
            let shard: Shard = text.parse().unwrap();
            assert_eq!((shard.to_string().as_str(), Shard::in_folder(&shard.folder())), (text, Some(shard)));
        }
        for text in ["", "3", "0/16", "17/16", "3/0", "1/10001", "-1/2", "1/2/3", "a/b", "1 / 2"] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains("such as 3/16"), "{text}: {error}");
        }
        for text in ["index/16", "index"] {
            assert!(matches!(text.parse::<Shard>(), Err(ShardError::Text(_))), "{text}");
        }
        for name in ["3-of", "of-16", "03-of-16", "3-of-16.old", "17-of-16"] {
            assert_eq!(Shard::in_folder(name), None, "{name}");
        }
    }

    #[test]
    fn the_indexes_of_a_job_count_from_0_and_give_every_shard_once() {
        let of_indexes = (0..16).map(|index| Shard::asked("index/16", Some(&index.to_string())).unwrap());
        assert!(of_indexes.eq(Shard::all(16)));
        // A number is what it says, whatever the variable is.
        assert_eq!(Shard::asked("3/16", Some("7")).unwrap().to_string(), "3/16");
        for text in ["index/0", "index/", "index/10001", "index/1/2", "index", "Index/16"] {
            assert!(matches!(Shard::asked(text, Some("0")), Err(ShardError::Text(_))), "{text}");
        }
        assert!(matches!(Shard::asked("index/16", None), Err(ShardError::NoIndex(16))));
        for index in ["16", "-1", "", "one", "1.0", " 1", "99999999999"] {
            let error = Shard::asked("index/16", Some(index)).unwrap_err().to_string();
            assert!(error.contains("from 0 to 15") && error.contains(&format!("{index:?}")), "{error}");
        }
    }
}
