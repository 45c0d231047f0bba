//! Files of keys and values, TOML or INI, as a list of dotted keys with their text and line.
//!
//! A value stays the text that a person wrote, `0.30` and not the nearest double of it: what it
//! means is up to the key.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use toml::de::{DeTable, DeValue};

use super::terminal::terminal_label;

/// One key of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// With the names of its tables or its section, such as `weights.wal_fsync`.
    pub key: String,
    /// The value; the items of a list are joined by commas.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// The keys of one file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// Its name, for errors.
    pub path: PathBuf,
    /// Its keys.
    pub entries: Vec<Entry>,
}

/// A file that cannot be read as keys and values.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there, or not ours to read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// A line that is no TOML or no INI.
    #[error("{}, line {line}: {reason}", .path.display())]
    Syntax {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
}

impl KeyFile {
    /// Reads a file: TOML if it is called `….toml`, else INI.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text =
            fs::read_to_string(path).map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
        // Editors on Windows begin a file with this mark.
        let text = text.trim_start_matches('\u{feff}');
        if Self::is_toml(path) { Self::toml(path, text) } else { Self::ini(path, text) }
    }

    /// Whether a file of this name is read as TOML.
    pub fn is_toml(path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "toml")
    }

    /// Reads TOML.
    pub fn toml(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let syntax = |at: usize, reason: &str| KeyFileError::Syntax {
            path: path.to_owned(),
            line: line_at(text, at),
            // A key may be called anything, with the commands of a terminal in it.
            reason: terminal_label(&reason.split_whitespace().collect::<Vec<_>>().join(" ")),
        };
        let table = DeTable::parse(text).map_err(|e| syntax(e.span().map_or(0, |s| s.start), e.message()))?;
        let mut entries = Vec::new();
        flatten("", table.get_ref(), &mut |key, value, at| {
            let text_of = text_of(value).map_err(|kind| syntax(at, &format!("{key} cannot be {kind}")))?;
            entries.push(Entry { key, text: text_of, line: line_at(text, at) });
            Ok(())
        })?;
        entries.sort_by_key(|entry| entry.line);
        Ok(Self { path: path.to_owned(), entries })
    }

    /// Reads INI; keys outside a section have no table, and of a key that stands twice the last counts. Quotes
    /// around a value are left out.
    pub fn ini(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let mut by_key = BTreeMap::new();
        let mut section = String::new();
        // The parser does not say on which line a key stands; but no line of INI continues another.
        for (line, alone) in (1..).zip(text.lines()) {
            for (name, keys) in ini_line(alone).ok_or_else(|| KeyFileError::Syntax {
                path: path.to_owned(),
                line,
                reason: "it is neither a [section] nor a line like key = value".to_owned(),
            })? {
                if keys.is_empty() {
                    section = name;
                    continue;
                }
                for (key, value) in keys {
                    let key = if section.is_empty() { key } else { format!("{section}.{key}") };
                    let text = unquoted(&value.unwrap_or_default()).to_owned();
                    by_key.insert(key.clone(), Entry { key, text, line });
                }
            }
        }
        let mut entries: Vec<Entry> = by_key.into_values().collect();
        entries.sort_by_key(|entry| entry.line);
        Ok(Self { path: path.to_owned(), entries })
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

type TakeValue<'a> = dyn FnMut(String, &DeValue<'_>, usize) -> Result<(), KeyFileError> + 'a;

/// Hands each value that is no table to `take`, with its dotted key and where that stands.
fn flatten(prefix: &str, table: &DeTable<'_>, take: &mut TakeValue<'_>) -> Result<(), KeyFileError> {
    for (key, value) in table {
        let dotted = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        match value.get_ref().as_table() {
            Some(inner) => flatten(&dotted, inner, take)?,
            None => take(dotted, value.get_ref(), key.span().start)?,
        }
    }
    Ok(())
}

/// A value as it was written; an error names the kind of value that cannot be one.
fn text_of(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Ok(yes.to_string()),
        DeValue::Datetime(at) => Ok(at.to_string()),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text_of(item.get_ref())).collect::<Result<_, _>>()?;
            Ok(items.join(","))
        }
        DeValue::Table(_) => Err("a list of tables"),
    }
}

fn line_at(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&b| b == b'\n').count()
}

/// A section without keys, or a key and its value under no section, or nothing; `None` where it is none of them.
fn ini_line(line: &str) -> Option<HashMap<String, HashMap<String, Option<String>>>> {
    let mut ini = Ini::new_cs();
    ini.set_default_section("");
    ini.read(line.to_owned()).ok()
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(value)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn lines(file: &KeyFile) -> Vec<(&str, &str, usize)> {
        file.entries.iter().map(|e| (e.key.as_str(), e.text.as_str(), e.line)).collect()
    }

    #[test]
    fn toml_keeps_the_text_of_numbers_and_the_lines_of_keys() {
        let text = "# a comment\n[weights]\nwal_fsync = 0.30\nopen_fds = \"0.1\"\n\n[score]\nwithout = [\"a\", 'b']\n";
        let file = KeyFile::toml(Path::new("x.toml"), text).unwrap();
        assert_eq!(
            lines(&file),
            [("weights.wal_fsync", "0.30", 3), ("weights.open_fds", "0.1", 4), ("score.without", "a,b", 7)]
        );
    }

    #[test]
    fn a_line_that_is_no_toml_is_named() {
        let error = KeyFile::toml(Path::new("x.toml"), "a = 1\nb 2\n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml, line 2: "), "{error}");
        let error = KeyFile::toml(Path::new("x.toml"), "a = 1\na = 2\n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml, line 2: duplicate key"), "{error}");
    }

    #[test]
    fn the_originals_ini_is_read_with_its_quotes() {
        let text = "; the original's\n[weights]\nwt_etcd_wal_fsync = 0.30\n\n[time]\nduration='[1h]'\n";
        let file = KeyFile::ini(Path::new("config.conf"), text).unwrap();
        assert_eq!(lines(&file), [("weights.wt_etcd_wal_fsync", "0.30", 3), ("time.duration", "[1h]", 6)]);
        let error = KeyFile::ini(Path::new("config.conf"), "[weights]\na = 1\n[oops\n").unwrap_err().to_string();
        assert!(error.starts_with("config.conf, line 3: "), "{error}");
    }

    #[test]
    fn a_key_of_an_ini_is_on_the_line_on_which_the_parser_found_it() {
        // Each of these was once found on line 1: where the parser ends a section's name or a key, so do we.
        for (text, key, line) in [
            ("[[a]]\nb = 2\n", "[a].b", 2),
            ("[a]]\nb = 2\n", "a].b", 2),
            ("[a]\nb ; a comment\n", "a.b", 2),
            ("\n[a]\nb = 1\n[c]\nb = 2\n[a]\nb = 3\n", "a.b", 7),
        ] {
            let file = KeyFile::ini(Path::new("x.conf"), text).unwrap();
            assert_eq!(file.get(key).map(|entry| entry.line), Some(line), "{text}");
        }
    }

    #[test]
    fn a_key_with_codes_of_a_terminal_is_shown_without_them() {
        let error = KeyFile::toml(Path::new("x.toml"), "\"a\\u001b[2J\" = [{}]\n").unwrap_err().to_string();
        assert_eq!(error, "x.toml, line 1: a\u{fffd}[2J cannot be a list of tables");
    }
}
