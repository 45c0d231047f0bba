//! The wanted series of a dump, by their text.

use std::collections::HashMap;
use std::rc::Rc;

/// The series that were found.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    indexes: HashMap<Rc<[u8]>, usize>,
}

/// A text of a series. Several texts can mean the same one.
pub(super) struct Entry {
    /// The start of its lines up to the space before the value.
    pub(super) text: Rc<[u8]>,
    /// Its number in the sink.
    pub(super) number: u32,
    /// The series that followed it the last time: in a dump that repeats whole scrapes, mostly the next one too.
    next: usize,
}

impl Table {
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        self.indexes.get(text).copied()
    }

    pub(super) fn add(&mut self, text: &[u8], number: u32) -> usize {
        let (text, index): (Rc<[u8]>, _) = (Rc::from(text), self.entries.len());
        self.indexes.insert(Rc::clone(&text), index);
        self.entries.push(Entry { text, number, next: index });
        index
    }

    pub(super) fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// The series that probably follows.
    pub(super) fn next(&self, index: usize) -> usize {
        self.entries[index].next
    }

    pub(super) fn follows(&mut self, index: usize, next: usize) {
        self.entries[index].next = next;
    }
}
