//! What servers say beside their answers: each note once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::text::terminal::terminal_message;

/// So many different notes are worth reading; a server may name a series in each.
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
    /// Takes in what an answer said.
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

    /// All of them, in the order of the alphabet, whatever the order of the answers.
    pub(super) fn texts(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = heard.is_more.then(|| "there are more such notes".to_owned());
        heard.texts.iter().cloned().chain(more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_kept_once_and_too_many_are_not_kept_at_all() {
        let notes = Notes::default();
        for _ in 0..2 {
            notes.add("warning", &["a\nb".to_owned()]);
        }
        assert_eq!(notes.texts(), ["warning: a b"]);
        notes.add("info", &(0..20).map(|i| i.to_string()).collect::<Vec<_>>());
        assert_eq!(notes.texts().len(), MOST_NOTES + 1);
    }
}
