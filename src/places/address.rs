//! Where a folder is: on disk, or in a bucket.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::PlaceError;

/// A folder on disk or in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket(Address),
}

/// The protocol of an object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Amazon S3, and servers that speak its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Az,
}

/// A folder in a bucket, such as `s3://bucket/audit/2026`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    kind: Kind,
    bucket: String,
    /// The path of the folder in the bucket, without slashes at its ends; empty for the bucket itself.
    prefix: String,
}

impl Place {
    /// Fails if the path looks like a URL and is not the address of an object store. `file://` is a folder on disk.
    pub(crate) fn of(path: &Path) -> Result<Self, PlaceError> {
        let on_disk = || Ok(Self::Folder(path.to_owned()));
        let Some((scheme, rest)) = path.to_str().and_then(|text| text.split_once("://")) else { return on_disk() };
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return on_disk();
        }
        match scheme.to_ascii_lowercase().as_str() {
            "file" => folder(path, rest).map(Self::Folder),
            "s3" | "s3a" => Address::new(Kind::S3, path, rest).map(Self::Bucket),
            "gs" => Address::new(Kind::Gs, path, rest).map(Self::Bucket),
            "az" => Address::new(Kind::Az, path, rest).map(Self::Bucket),
            _ => Err(PlaceError::UnknownScheme(path.to_owned())),
        }
    }
}

/// The folder of a `file://` URL without its scheme.
fn folder(url: &Path, rest: &str) -> Result<PathBuf, PlaceError> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    match percent_decode_str(path).decode_utf8() {
        Ok(decoded) if decoded.starts_with('/') => Ok(PathBuf::from(decoded.into_owned())),
        _ => Err(PlaceError::NoLocalFolder(url.to_owned())),
    }
}

impl Address {
    fn new(kind: Kind, url: &Path, rest: &str) -> Result<Self, PlaceError> {
        let bad = |reason| PlaceError::BadAddress { address: url.to_owned(), reason };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        match bucket {
            "" => return Err(bad("it names no bucket")),
            _ if bucket.contains('@') => return Err(bad("it must not hold a login: use the environment")),
            _ if bucket.contains([':', '?', '#']) => {
                return Err(bad("it must be BUCKET/PATH: the endpoint comes from the environment"));
            }
            _ => {}
        }
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(bad("it must not lead to a parent folder"));
        }
        let prefix = parts.join("/");
        if object_store::path::Path::parse(&prefix).is_err() {
            return Err(bad("its path has characters that object stores do not allow"));
        }
        Ok(Self { kind, bucket: bucket.to_owned(), prefix })
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The path in the bucket of an object or folder below this one; `""` is this folder.
    pub(super) fn key(&self, path: &str) -> String {
        match (self.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        }
    }

    /// The path below this folder of an object in the bucket; `None` if it is not below.
    pub(super) fn below<'a>(&self, key: &'a str) -> Option<&'a str> {
        match self.prefix.as_str() {
            "" => Some(key),
            prefix => key.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// The address of an object, for messages.
    pub(crate) fn of(&self, path: &str) -> String {
        Self { prefix: self.key(path), ..self.clone() }.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::S3 => "s3",
            Kind::Gs => "gs",
            Kind::Az => "az",
        };
        write!(f, "{scheme}://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn bucket(text: &str) -> Address {
        match Place::of(Path::new(text)).unwrap() {
            Place::Bucket(address) => address,
            Place::Folder(folder) => panic!("{text} is the folder {}", folder.display()),
        }
    }

    fn error(text: &str) -> String {
        Place::of(Path::new(text)).unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_shown_in_its_shortest_form() {
        for (given, shown) in [
            ("s3://b", "s3://b"),
            ("s3://b/", "s3://b"),
            ("S3://b/a//c/", "s3://b/a/c"),
            ("s3a://b/./a", "s3://b/a"),
            ("gs://b/a", "gs://b/a"),
            ("az://container/x/date=2026-10-01", "az://container/x/date=2026-10-01"),
        ] {
            assert_eq!(bucket(given).to_string(), shown);
        }
    }

    #[test]
    fn keys_are_paths_in_the_bucket_and_back() {
        let (whole, part) = (bucket("s3://b"), bucket("s3://b/a/c"));
        assert_eq!([whole.key("x"), whole.key(""), part.key("x/y"), part.key("")], ["x", "", "a/c/x/y", "a/c"]);
        assert_eq!([whole.below("x"), part.below("a/c/x/y")], [Some("x"), Some("x/y")]);
        assert_eq!([part.below("a/cc/x"), part.below("a/c")], [None; 2]);
        assert_eq!(part.of("manifest.json"), "s3://b/a/c/manifest.json");
    }

    #[test]
    fn a_path_or_a_file_url_is_a_folder_on_disk() {
        for (given, folder) in [
            ("audit", "audit"),
            ("/a/b", "/a/b"),
            ("a b://c", "a b://c"),
            ("file:///a/b%20c", "/a/b c"),
            ("file://localhost/a", "/a"),
        ] {
            assert_eq!(Place::of(Path::new(given)).unwrap(), Place::Folder(folder.into()), "{given}");
        }
    }

    #[test]
    fn other_urls_are_refused_each_with_its_reason() {
        for (given, reason) in [
            ("https://b/a", "s3://, gs:// or az://"),
            ("s3://", "names no bucket"),
            ("s3:///a", "names no bucket"),
            ("s3://key:secret@b/a", "must not hold a login"),
            ("s3://b:9000/a", "endpoint comes from the environment"),
            ("s3://b/a/../c", "parent folder"),
            ("s3://b/a\nb", "do not allow"),
            ("file://host/a", "file:///"),
            ("file://a", "file:///"),
        ] {
            assert!(error(given).contains(reason), "{given}: {}", error(given));
        }
        assert!(!error("s3://key:secret@b/a").contains("secret"), "{}", error("s3://key:secret@b/a"));
    }
}
