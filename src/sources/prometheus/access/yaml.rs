//! Parses YAML into a small tree with line numbers.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::AccessError;

/// Maximum nesting depth: more than any valid config file needs. Unlimited nesting could exhaust the stack.
const MAX_DEPTH: usize = 12;

/// A value and its line number.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

pub(super) enum Value {
    /// An absent or empty value, `~`, or `null`.
    Null,
    /// A scalar as text; numbers and booleans are not converted.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Parses a file with at most one document; an empty file is [`Value::Null`].
pub(super) fn parse(path: &Path, text: &str) -> Result<Node, AccessError> {
    let mut reader = Reader { path, events: Parser::new_from_str(text) };
    loop {
        match reader.next()? {
            (Event::StreamEnd, line) => return Ok(Node { line, value: Value::Null }),
            (Event::DocumentStart(_), _) => break,
            _ => {}
        }
    }
    let first = reader.next()?;
    let root = reader.node(first, 0)?;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root),
            (Event::DocumentStart(_), line) => {
                return Err(AccessError::line(path, line, "a second YAML document begins here: keep only one"));
            }
            _ => {}
        }
    }
}

impl Node {
    /// The value of a key of a map; `None` for anything else.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The scalars of a map; empty for anything else.
    pub(super) fn scalars(&self) -> Vec<(String, String)> {
        let Value::Map(entries) = &self.value else { return Vec::new() };
        let scalar = |(name, node): &(String, Self)| match &node.value {
            Value::Scalar(text) => Some((name.clone(), text.clone())),
            _ => None,
        };
        entries.iter().filter_map(scalar).collect()
    }
}

struct Reader<'a> {
    path: &'a Path,
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), AccessError> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => {
                let line = error.marker().line();
                Err(AccessError::line(self.path, line, format!("invalid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    fn node(&mut self, (event, line): (Event<'a>, usize), depth: usize) -> Result<Node, AccessError> {
        if depth > MAX_DEPTH {
            return Err(AccessError::line(
                self.path,
                line,
                "nested too deeply: no key of this format is at this depth",
            ));
        }
        let value = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
                Value::Null
            }
            Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
            Event::SequenceStart(..) => Value::List(self.list(depth)?),
            Event::MappingStart(..) => Value::Map(self.map(depth)?),
            Event::Alias(_) => {
                let reason = "anchors and aliases (& and *) are not supported: write the value out";
                return Err(AccessError::line(self.path, line, reason));
            }
            _ => Value::Null,
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, AccessError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok(items),
                item => items.push(self.node(item, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Node)>, AccessError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd | Event::StreamEnd, _) => return Ok(entries),
                (Event::Scalar(key, ..), line) => (key.into_owned(), line),
                (_, line) => return Err(AccessError::line(self.path, line, "a key must be a plain string")),
            };
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(AccessError::line(
                    self.path,
                    line,
                    format!("'{key}' appears twice: remove one of the two"),
                ));
            }
            let value = self.next()?;
            let mut node = self.node(value, depth + 1)?;
            // Report the line of the key; the value may begin on a later line.
            node.line = line;
            entries.push((key, node));
        }
    }
}
