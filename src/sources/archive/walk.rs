//! All entries of a tar archive, plain or compressed, and of archives in it.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::ArchiveError;
use super::names::{self, Kind};
use crate::sources::dump::{Refused, decompress};

/// Bytes of headers and of the end, and what sizes are rounded up to.
const BLOCK: u64 = 512;

/// Most bytes between two entries: long names and attributes, which the library keeps in memory.
const MOST_HEADERS: u64 = 4 << 20;

/// How deep archives in archives are read.
const MOST_DEPTH: u32 = 1;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    File,
    /// A symbolic link to a path.
    Link(String),
    /// The same file as an entry before it, with this path.
    HardLink(String),
    /// A file with holes that are not in the archive.
    Sparse,
    /// A device or a pipe.
    Special,
}

/// An entry that is not a folder.
pub(super) struct Entry {
    /// Path with `/`, as in the archive; after that of the archive that has it, if that is in another one.
    pub(super) path: String,
    pub(super) entry_type: Type,
    /// Bytes of its content.
    pub(super) size: u64,
}

/// An archive in the archive that cannot be read to its end.
pub(super) struct Nested {
    /// Its path, as in the archive.
    path: String,
    pub(super) error: ArchiveError,
}

impl Nested {
    /// Whether it has an entry with this normalized path.
    pub(super) fn has(&self, path: &str) -> bool {
        let own = names::normalize(&self.path);
        own.is_some_and(|own| path.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

/// What ends a walk early.
pub(super) enum Stop<E> {
    /// The archive cannot be read.
    Archive(ArchiveError),
    /// The visitor failed.
    Visit(E),
}

impl<E> From<ArchiveError> for Stop<E> {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl<E: From<ArchiveError>> Stop<E> {
    pub(super) fn into_error(self) -> E {
        match self {
            Self::Archive(error) => error.into(),
            Self::Visit(error) => error,
        }
    }
}

/// Reads an entry. What it leaves is skipped.
pub(super) type Visit<'v, E> = dyn FnMut(&Entry, &mut dyn Read) -> Result<(), E> + 'v;

/// Whether a file is a tar archive, plain or compressed.
pub(super) fn is_archive(file: &Path) -> Result<bool, ArchiveError> {
    let mut start = Vec::new();
    let opened = open(file)?.take(BLOCK).read_to_end(&mut start);
    match opened {
        // A damaged compressed file is reported by the reader of dumps.
        Err(_) => Ok(false),
        Ok(_) => Ok(is_header(&start)),
    }
}

/// Whether these bytes are the header of an entry.
fn is_header(start: &[u8]) -> bool {
    let Some(block) = start.first_chunk::<{ BLOCK as usize }>() else { return false };
    let sum = block.iter().enumerate().map(|(at, byte)| {
        // The checksum counts its own field as spaces.
        u32::from(if (148..156).contains(&at) { b' ' } else { *byte })
    });
    tar::Header::from_byte_slice(block).cksum().is_ok_and(|stored| stored == sum.sum::<u32>())
}

/// Visits all entries, in their order. Gives the archives in the archive that are damaged: their other entries are skipped.
pub(super) fn walk<E>(file: &Path, visit: &mut Visit<'_, E>) -> Result<Vec<Nested>, Stop<E>> {
    let mut walk = Walk { visit, nested: Vec::new() };
    walk.level(open(file)?, file, "", 0)?;
    Ok(walk.nested)
}

fn open(file: &Path) -> Result<Box<dyn Read>, ArchiveError> {
    let opened = File::open(file).map_err(|source| ArchiveError::Io { file: file.to_owned(), source })?;
    decompressed(opened, file)
}

fn decompressed<'a>(input: impl Read + 'a, file: &Path) -> Result<Box<dyn Read + 'a>, ArchiveError> {
    decompress(input).map_err(|refused| match refused {
        Refused::Io(source) => ArchiveError::Io { file: file.to_owned(), source },
        Refused::Format(format, remedy) => ArchiveError::Format { file: file.to_owned(), format, remedy },
    })
}

struct Walk<'w, 'v, E> {
    visit: &'w mut Visit<'v, E>,
    nested: Vec<Nested>,
}

impl<E> Walk<'_, '_, E> {
    fn level(&mut self, input: Box<dyn Read + '_>, file: &Path, prefix: &str, depth: u32) -> Result<(), Stop<E>> {
        let state = Rc::new(State::default());
        let mut archive = tar::Archive::new(Counted { input, state: Rc::clone(&state) });
        let failed = |error: &io::Error| state.error(file, error);
        state.allow(0);
        for entry in archive.entries().map_err(|error| failed(&error))? {
            let mut entry = entry.map_err(|error| failed(&error))?;
            let size = entry.size();
            state.allow(size);
            let Some(described) = describe(&mut entry, prefix, size) else { continue };
            let mut content = Whole { left: size, input: &mut entry };
            let nested = described.entry_type == Type::File
                && depth < MOST_DEPTH
                && names::normalize(&described.path).is_some_and(|path| names::kind(&path) == Kind::Archive);
            if !nested {
                (self.visit)(&described, &mut content).map_err(Stop::Visit)?;
                continue;
            }
            let name = PathBuf::from(format!("{}: {}", file.display(), described.path));
            let content: Box<dyn Read + '_> = Box::new(content);
            let opened = decompressed(content, &name).map_err(Stop::Archive);
            let read = opened.and_then(|input| self.level(input, &name, &format!("{}/", described.path), depth + 1));
            match read {
                Err(Stop::Archive(error)) => self.nested.push(Nested { path: described.path, error }),
                read => read?,
            }
        }
        if state.ended.get() {
            // Two blocks of zeroes are the end of an archive.
            return Err(ArchiveError::Truncated { file: file.to_owned(), read: state.read.get() }.into());
        }
        // Reads the checksum of a compressed archive, which follows the padding.
        state.limit.set(u64::MAX);
        let rest = io::copy(&mut archive.into_inner(), &mut io::sink());
        rest.map_err(|error| failed(&error))?;
        Ok(())
    }
}

/// What an entry is, unless it is a folder or extends another entry.
fn describe<R: Read>(entry: &mut tar::Entry<'_, R>, prefix: &str, size: u64) -> Option<Entry> {
    let kind = entry.header().entry_type();
    let sparse_name = sparse_name(entry);
    let own = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let is_sparse = kind.is_gnu_sparse() || sparse_name.is_some();
    let path = sparse_name.flatten().unwrap_or(own);
    let entry_type = match () {
        () if kind.is_dir() || path.ends_with('/') => return None,
        () if kind.is_symlink() || kind.is_hard_link() => {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = String::from_utf8_lossy(&target);
            if kind.is_symlink() {
                Type::Link(target.into_owned())
            } else {
                Type::HardLink(format!("{prefix}{target}"))
            }
        }
        () if is_sparse => Type::Sparse,
        () if kind.is_file() || kind.is_contiguous() => Type::File,
        () => Type::Special,
    };
    Some(Entry { path: format!("{prefix}{path}"), entry_type, size })
}

/// The name in the attributes of a sparse file in one of the newer formats of GNU tar, which the library does not know: it
/// would give the map of the holes as content.
fn sparse_name<R: Read>(entry: &mut tar::Entry<'_, R>) -> Option<Option<String>> {
    let attributes = entry.pax_extensions().ok()??.filter_map(Result::ok);
    let sparse: Vec<_> = attributes.filter(|attribute| attribute.key_bytes().starts_with(b"GNU.sparse.")).collect();
    let name = sparse.iter().find(|attribute| attribute.key_bytes() == b"GNU.sparse.name");
    let name = name.map(|attribute| String::from_utf8_lossy(attribute.value_bytes()).into_owned());
    (!sparse.is_empty()).then_some(name)
}

/// How much of an archive was read.
#[derive(Default)]
struct State {
    read: Cell<u64>,
    /// Whether a read found the end of the input.
    ended: Cell<bool>,
    /// How much may be read until the next entry.
    limit: Cell<u64>,
}

impl State {
    /// Allows to read an entry of this size and the headers of the next one.
    fn allow(&self, size: u64) {
        self.limit.set(self.read.get().saturating_add(size).saturating_add(BLOCK + MOST_HEADERS));
    }

    fn error(&self, file: &Path, error: &io::Error) -> ArchiveError {
        let (file, read) = (file.to_owned(), self.read.get());
        if self.ended.get() || error.kind() == io::ErrorKind::UnexpectedEof {
            return ArchiveError::Truncated { file, read };
        }
        ArchiveError::Damaged { file, read, problem: error.to_string() }
    }
}

/// An input that counts what is read.
struct Counted<'a> {
    input: Box<dyn Read + 'a>,
    state: Rc<State>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.state.read.get() >= self.state.limit.get() {
            return Err(io::Error::other("headers of more than 4 MiB"));
        }
        let read = self.input.read(buffer)?;
        self.state.read.set(self.state.read.get() + read as u64);
        self.state.ended.set(read == 0 && !buffer.is_empty());
        Ok(read)
    }
}

/// The content of an entry. That it ends early is an error.
struct Whole<'a> {
    left: u64,
    input: &'a mut dyn Read,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
