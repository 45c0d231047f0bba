//! Collects warnings and infos from servers, without duplicates.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::text::terminal::terminal_message;

/// Maximum number of distinct notes to keep, because a server that names a different series
/// in each note would flood the output.
const MOST_NOTES: usize = 10;

/// The warnings and infos of all answers.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    texts: BTreeSet<String>,
    is_more: bool,
}

impl Notes {
    /// Adds the texts of an answer; `kind` is `warning` or `info`.
    pub(super) fn add(&self, kind: &str, texts: &[String]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in texts {
            let text = format!("{kind}: {}", terminal_message(text));
            if heard.texts.len() < MOST_NOTES {
                heard.texts.insert(text);
            } else {
                heard.is_more |= !heard.texts.contains(&text);
            }
        }
    }

    /// All notes in sorted order, and a last line if some were omitted.
    pub(super) fn texts(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = heard.is_more.then(|| "more such notes were omitted".to_owned());
        heard.texts.iter().cloned().chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_notes_and_notes_beyond_the_limit_are_dropped() {
        let notes = Notes::default();
        for _ in 0..2 {
            notes.add("warning", &["a\nb".to_owned()]);
        }
        assert_eq!(notes.texts(), ["warning: a b"]);
        notes.add("info", &(0..20).map(|i| i.to_string()).collect::<Vec<_>>());
        assert_eq!(notes.texts().len(), MOST_NOTES + 1);
    }
}
