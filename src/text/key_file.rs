//! Reads TOML and INI files into a list of dotted keys, each with its value and line.
//!
//! Values keep their text from the file (`0.30`, not the nearest double), because each
//! setting parses its own value.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use toml::de::{DeTable, DeValue};

use super::terminal::terminal_label;

/// One key of a file, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, prefixed with its tables or section, such as `weights.wal_fsync`.
    pub key: String,
    /// The value as text; items of a list are joined by commas.
    pub text: String,
    /// The line number, counted from 1.
    pub line: usize,
}

/// The keys of one file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The path of the file, for errors.
    pub path: PathBuf,
    /// The keys with their values.
    pub entries: Vec<Entry>,
    /// The tables of lists such as `[[source]]`, in the order of the file.
    pub listed: Vec<ListedTable>,
}

/// One table of a list of tables, such as one `[[source]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTable {
    /// The line number of its heading, counted from 1.
    pub line: usize,
    /// Its keys, without the name of the list, with their values.
    pub entries: Vec<Entry>,
}

/// Why a file cannot be read as keys and values.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file is missing or cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// Invalid TOML or INI, or a value that is a list of tables.
    #[error("{}, line {line}: {reason}", .path.display())]
    Syntax {
        path: PathBuf,
        /// The line number, counted from 1.
        line: usize,
        /// The message of the parser.
        reason: String,
    },
}

impl KeyFile {
    /// Reads a file: as TOML if its name ends in `.toml`, otherwise as INI. Only the key `list` may be a list of tables.
    pub fn read(path: &Path, list: &str) -> Result<Self, KeyFileError> {
        let text =
            fs::read_to_string(path).map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
        // Editors on Windows write a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        if Self::is_toml(path) { Self::toml_with_list(path, text, Some(list)) } else { Self::ini(path, text) }
    }

    /// Whether a file of this name is read as TOML.
    pub fn is_toml(path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "toml")
    }

    /// Parses TOML without lists of tables; `path` names the file in errors.
    pub fn toml(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        Self::toml_with_list(path, text, None)
    }

    /// Parses TOML in which only the key `list` may be a list of tables.
    fn toml_with_list(path: &Path, text: &str, list: Option<&str>) -> Result<Self, KeyFileError> {
        let syntax = |at: usize, reason: &str| KeyFileError::Syntax {
            path: path.to_owned(),
            line: line_at(text, at),
            // The message may quote a key that contains terminal escape sequences.
            reason: terminal_label(&reason.split_whitespace().collect::<Vec<_>>().join(" ")),
        };
        let entries_of = |table: &DeTable<'_>| -> Result<Vec<Entry>, KeyFileError> {
            let mut entries = Vec::new();
            flatten("", table, &mut |key, value, at| {
                let text_of = text_of(value)
                    .map_err(|kind| syntax(at, &format!("{key} cannot be {kind}: write [{key}] instead")))?;
                entries.push(Entry { key, text: text_of, line: line_at(text, at) });
                Ok(())
            })?;
            entries.sort_by_key(|entry| entry.line);
            Ok(entries)
        };
        let mut table = DeTable::parse(text).map_err(|e| syntax(e.span().map_or(0, |s| s.start), e.message()))?;
        let mut listed = Vec::new();
        for (at, table) in list.map(|list| take_list(table.get_mut(), list)).unwrap_or_default() {
            let entries = entries_of(&table)?;
            listed.push(ListedTable { line: line_at(text, at), entries });
        }
        Ok(Self { path: path.to_owned(), entries: entries_of(table.get_ref())?, listed })
    }

    /// Parses INI; `path` names the file in errors. A key outside a section has no prefix, the last of two equal keys
    /// wins, and quotes around a value are removed.
    pub fn ini(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let mut by_key = BTreeMap::new();
        let mut section = String::new();
        // The parser reports no line numbers, so each line is parsed on its own: no INI value may span several lines.
        for (line, alone) in (1..).zip(text.lines()) {
            for (name, keys) in ini_line(alone).ok_or_else(|| KeyFileError::Syntax {
                path: path.to_owned(),
                line,
                reason: "expected [section] or key = value".to_owned(),
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
        Ok(Self { path: path.to_owned(), entries, listed: Vec::new() })
    }

    /// The entry of a dotted key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Removes a key from a table if its value is a list of tables, and gives these with the byte offsets of their headings.
fn take_list<'a>(table: &mut DeTable<'a>, key: &str) -> Vec<(usize, DeTable<'a>)> {
    let is_list = |value: &DeValue<'_>| match value {
        DeValue::Array(items) => !items.is_empty() && items.iter().all(|item| item.get_ref().is_table()),
        _ => false,
    };
    if !table.get(key).is_some_and(|value| is_list(value.get_ref())) {
        return Vec::new();
    }
    let Some(DeValue::Array(items)) = table.remove(key).map(toml::Spanned::into_inner) else { return Vec::new() };
    let tables = items.into_iter().map(|item| (item.span().start, item.into_inner()));
    tables.filter_map(|(at, item)| if let DeValue::Table(table) = item { Some((at, table)) } else { None }).collect()
}

type TakeValue<'a> = dyn FnMut(String, &DeValue<'_>, usize) -> Result<(), KeyFileError> + 'a;

/// Calls `take` for each value that is not a table, with its dotted key and the byte offset of the key.
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

/// The text of a value. The error describes a kind of value that is not allowed, such as `a list of tables`.
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

/// Parses one INI line: `[a]` gives the section `a` without keys, `b = 1` gives a key in the section `""`, and a
/// comment gives nothing. `None` if the line is invalid.
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
    fn tables_of_a_list_are_read_with_the_lines_of_their_headings() {
        let text = "[a]\nb = 1\n\n[[source]]\n# first\nname = \"x\"\n[source.labels]\ncluster = \"env\"\n\n[[source]]\nc.d = [1, 2]\n";
        let file = KeyFile::toml_with_list(Path::new("x.toml"), text, Some("source")).unwrap();
        assert_eq!(lines(&file), [("a.b", "1", 2)]);
        let listed: Vec<_> = file.listed.iter().map(|table| (table.line, table.entries.clone())).collect();
        let entry = |key: &str, text: &str, line| Entry { key: key.to_owned(), text: text.to_owned(), line };
        assert_eq!(
            listed,
            [(4, vec![entry("name", "x", 6), entry("labels.cluster", "env", 8)]), (10, vec![entry("c.d", "1,2", 11)])]
        );
        for text in ["[[other]]\na = 1\n", "[[source]]\n[[source.a]]\nb = 1\n", "source = [1, {a = 2}]\n"] {
            let error = KeyFile::toml_with_list(Path::new("x.toml"), text, Some("source")).unwrap_err().to_string();
            assert!(error.contains("cannot be a list of tables"), "{text:?}: {error}");
        }
    }

    #[test]
    fn invalid_toml_is_reported_with_its_line() {
        let error = KeyFile::toml(Path::new("x.toml"), "a = 1\nb 2\n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml, line 2: "), "{error}");
        let error = KeyFile::toml(Path::new("x.toml"), "a = 1\na = 2\n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml, line 2: duplicate key"), "{error}");
    }

    #[test]
    fn ini_of_the_original_script_is_read_without_its_quotes() {
        let text = "; the original's\n[weights]\nwt_etcd_wal_fsync = 0.30\n\n[time]\nduration='[1h]'\n";
        let file = KeyFile::ini(Path::new("config.conf"), text).unwrap();
        assert_eq!(lines(&file), [("weights.wt_etcd_wal_fsync", "0.30", 3), ("time.duration", "[1h]", 6)]);
        let error = KeyFile::ini(Path::new("config.conf"), "[weights]\na = 1\n[oops\n").unwrap_err().to_string();
        assert!(error.starts_with("config.conf, line 3: "), "{error}");
    }

    #[test]
    fn ini_keys_have_the_line_of_their_last_value() {
        // Regressions: an earlier version reported line 1 for each of these.
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
    fn escape_sequences_in_a_key_are_removed_from_the_error() {
        let error = KeyFile::toml(Path::new("x.toml"), "\"a\\u001b[2J\" = [{}]\n").unwrap_err().to_string();
        assert_eq!(error, "x.toml, line 1: a\u{fffd}[2J cannot be a list of tables: write [a\u{fffd}[2J] instead");
    }
}
