//! Where the blocks are below an address: in it, in the folder of the only tenant, or the address is a block.

use std::sync::Mutex;

use bytes::Bytes;

use super::BucketError;
use super::mimir::INDEX;
use crate::places::{Found, PlaceError, Store, each_at_once};
use crate::sources::tsdb::block::{META_FILE, Ulid};

/// Most folders that are looked into for tenants.
const MOST_FOLDERS: usize = 200;

/// Most tenants that an error names.
const MOST_NAMED: usize = 10;

/// Requests at once.
const AT_ONCE: usize = 16;

/// Where the blocks are.
#[derive(Debug)]
pub(super) enum Layout {
    /// The address itself is a block.
    Block,
    /// The folder at this path has a folder for each block; empty means the address.
    Folder {
        root: String,
        /// Whether Mimir's list of the blocks is there.
        has_index: bool,
        /// What was read of it already, for the first listing.
        seen: Mutex<Option<Seen>>,
    },
}

/// What was read of the folder with the blocks.
#[derive(Debug)]
pub(super) enum Seen {
    /// Mimir's list of the blocks.
    Index(Bytes),
    /// The names of the folders.
    Folders(Vec<String>),
}

impl Layout {
    /// The path of the folder with the blocks, below the address.
    pub(super) fn root(&self) -> &str {
        match self {
            Self::Block => "",
            Self::Folder { root, .. } => root,
        }
    }

    /// The path of something in that folder.
    pub(super) fn path_of(&self, name: &str) -> String {
        match (self.root(), name) {
            ("", name) => name.to_owned(),
            (root, "") => root.to_owned(),
            (root, name) => format!("{root}/{name}"),
        }
    }
}

/// Finds the blocks below the address of a store.
pub(super) fn find(store: &Store) -> Result<Layout, BucketError> {
    let address = || store.address().to_string();
    // The folder of a tenant need not be listed. S3 also refuses what is not there, unless the login may list.
    match store.read(INDEX) {
        Ok(index) => return Ok(folder("", true, Seen::Index(index))),
        Err(PlaceError::NotFound(_) | PlaceError::Refused { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let (folders, objects) = store.folders("")?;
    let has = |name: &str| objects.iter().any(|object| object.path == name);
    if has(META_FILE) && has("index") {
        return Ok(Layout::Block);
    }
    if folders.iter().any(|name| is_block(name)) {
        return Ok(folder("", false, Seen::Folders(folders)));
    }
    if folders.is_empty() && objects.is_empty() {
        return Err(BucketError::Nothing { address: address() });
    }
    let looked: Vec<&String> = folders.iter().filter(|name| !name.starts_with("__")).take(MOST_FOLDERS).collect();
    let inside = each_at_once(&looked, AT_ONCE, |name| store.folders(name))?;
    let of_tenant = |(folders, objects): &(Vec<String>, Vec<Found>), name: &str| {
        let index = format!("{name}/{INDEX}");
        let has_index = objects.iter().any(|object| object.path == index);
        (has_index || folders.iter().any(|name| is_block(name))).then_some(has_index)
    };
    let mut tenants = looked.iter().zip(inside).filter_map(|(name, inside)| {
        let has_index = of_tenant(&inside, name)?;
        Some((name.as_str(), has_index, inside.0))
    });
    match (tenants.next(), tenants.next()) {
        (None, _) => Err(BucketError::NoBlocks { address: address() }),
        (Some((name, has_index, folders)), None) => Ok(folder(name, has_index, Seen::Folders(folders))),
        (Some((first, ..)), Some((second, ..))) => {
            let names: Vec<&str> = [first, second].into_iter().chain(tenants.map(|(name, ..)| name)).collect();
            Err(several(address(), &names))
        }
    }
}

fn folder(root: &str, has_index: bool, seen: Seen) -> Layout {
    Layout::Folder { root: root.to_owned(), has_index, seen: Mutex::new(Some(seen)) }
}

fn several(address: String, names: &[&str]) -> BucketError {
    let tenants = some_of(names);
    BucketError::Tenants { address, count: names.len(), first: names[0].to_owned(), tenants }
}

/// The first of some names, and how many more there are.
pub(super) fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(MOST_NAMED)].join(", ");
    match names.len() - names.len().min(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether a folder has the name of a block.
pub(super) fn is_block(name: &str) -> bool {
    Ulid::parse(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_first_are_shown() {
        assert_eq!(some_of(&["a", "b"]), "a, b");
        let all: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(some_of(&all), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
