//! Several sources: the tables `[[source]]` of a settings file, or the tenants of `--tenant`.
//!
//! A table has the keys of `[source]` and of `[labels]`. What it sets is for this source alone, and outranks what is for
//! all sources: flags, variables, and the table `[sources]`.

use std::path::{Path, PathBuf};

use super::ConfigError;
use super::keys::Key;
use super::layers::{defaults, of_preset};
use super::lookup::{find, instead_of};
use super::source_settings::{OneSource, SourceSettings};
use super::value::{Given, Origin, Values};
use crate::readings::SourceName;
use crate::text::key_file::{Entry, ListedTable};
use crate::text::terminal::terminal_label;

/// The list of tables in a file.
pub(super) const LIST: &str = "source";
/// The table with what all sources share.
pub(super) const SHARED: &str = "sources";

/// The settings that are the same for all sources, so that their readings make one history.
const SAME: [&str; 3] = ["source.start", "source.end", "source.step"];

/// One table `[[source]]`.
#[derive(Clone, Debug)]
pub(super) struct SourceTable {
    pub(super) name: SourceName,
    pub(super) given: Vec<Given>,
    path: PathBuf,
    line: usize,
}

impl SourceTable {
    /// Reads a table. Its name must be unlike those of `others`.
    pub(super) fn of(path: &Path, table: ListedTable, others: &[Self]) -> Result<Self, ConfigError> {
        let wrong = |line, reason: String| place(path, line, "source.name").wrong(reason);
        let (mut name, mut given) = (None, Vec::new());
        for entry in table.entries {
            match entry.key.as_str() {
                "name" => name = Some((entry.line, entry.text)),
                _ => given.push(of_entry(path, entry)?),
            }
        }
        let (line, name) = name.ok_or_else(|| {
            let reason = "this [[source]] has no name: add one, such as name = \"eu-1\"";
            place(path, table.line, "[[source]]").wrong(reason.to_owned())
        })?;
        let name: SourceName = name.parse().map_err(|reason| wrong(line, reason))?;
        if let Some(other) = others.iter().find(|other| other.name.is_like(&name)) {
            return Err(wrong(
                line,
                format!("'{name}' is the name of the [[source]] in line {} too: choose another", other.line),
            ));
        }
        Ok(Self { name, given, path: path.to_owned(), line: table.line })
    }

    /// All values of this source, of which `shared` are those of all sources.
    pub(super) fn values(&self, shared: &[Given]) -> Result<Values, ConfigError> {
        let given = [shared, &self.given].concat();
        let lowest = defaults().chain(of_preset(&given)?);
        Values::of(lowest.chain(given.iter().cloned()).collect())
    }

    fn settings(&self, shared: &[Given]) -> Result<OneSource, ConfigError> {
        let source = SourceSettings::of(&self.values(shared)?)?;
        let wrong = |reason| place(&self.path, self.line, &format!("[[source]] {}", self.name)).wrong(reason);
        match source.tenants() {
            [one, another, ..] => {
                Err(wrong(format!("it has the tenants {one} and {another}: write a [[source]] with a tenant for each")))
            }
            _ if !source.has_a_place() => Err(wrong("it has neither url nor from: add one of them".to_owned())),
            _ => Ok(OneSource { name: self.name.clone(), source }),
        }
    }
}

fn of_entry(path: &Path, entry: Entry) -> Result<Given, ConfigError> {
    let Entry { key: written, text, line } = entry;
    let name = if written.starts_with("labels.") { written.clone() } else { format!("{LIST}.{written}") };
    let unknown = |instead| ConfigError::UnknownKey {
        path: path.to_owned(),
        line,
        key: terminal_label(&format!("{LIST}.{written}")),
        instead,
    };
    let key = find(&name).ok_or_else(|| unknown(instead_of(&name)))?;
    if SAME.contains(&key.name) {
        let own = key.parts().1;
        let reason = format!("all sources have the same {own}: write it in [{SHARED}], or give it as --{own}");
        return Err(place(path, line, key.name).wrong(reason));
    }
    Ok(Given {
        key,
        text,
        origin: Origin::OneSource { path: path.to_owned(), line, written: format!("{LIST}.{written}") },
    })
}

/// The setting of a key in the table `[sources]`.
pub(super) fn shared_key(written: &str) -> Option<Result<&'static Key, String>> {
    let own = written.strip_prefix(SHARED)?.strip_prefix('.')?;
    let name = format!("{LIST}.{own}");
    Some(find(&name).ok_or_else(|| instead_of(&name).replace(&format!("{LIST}."), &format!("{SHARED}."))))
}

/// The sources of a run that has several: each `[[source]]`, or else each tenant if there are several. Empty for a run
/// with one source.
pub(super) fn several(
    tables: &[SourceTable],
    shared: &[Given],
    values: &Values,
    source: &SourceSettings,
) -> Result<Vec<OneSource>, ConfigError> {
    if !tables.is_empty() {
        return tables.iter().map(|table| table.settings(shared)).collect();
    }
    if source.tenants().len() < 2 {
        return Ok(Vec::new());
    }
    let mut each: Vec<OneSource> = Vec::new();
    for tenant in source.tenants() {
        let name: SourceName = tenant.parse().map_err(|_| {
            let reason = format!("'{tenant}' cannot name a folder: write a [[source]] with a name for each tenant");
            values.error("source.tenant", reason)
        })?;
        if let Some(like) = each.iter().find(|other| other.name.is_like(&name)) {
            let reason =
                format!("{} and {name} differ only in case: write a [[source]] with a name for each", like.name);
            return Err(values.error("source.tenant", reason));
        }
        each.push(OneSource { source: source.of_tenant(tenant), name });
    }
    Ok(each)
}

/// A note, or an error, for each variable and flag that changes nothing because every table sets its own value.
pub(super) fn without_effect<'a>(
    tables: &(impl ExactSizeIterator<Item = &'a SourceTable> + Clone),
    shared: &[Given],
) -> Result<Vec<String>, ConfigError> {
    let sets = |table: &SourceTable, key: &Key| table.given.iter().any(|own| own.key == key);
    let is_own = |key: &Key| tables.len() > 0 && tables.clone().all(|table| sets(table, key));
    let whose = match tables.clone().next() {
        Some(only) if tables.len() == 1 => format!("source {}", only.name),
        _ => "every [[source]]".to_owned(),
    };
    let mut notes = Vec::new();
    for given in shared.iter().filter(|given| is_own(given.key)) {
        let own = given.key.parts().1;
        match &given.origin {
            Origin::Flag(_) => {
                return Err(given.error(format!("{whose} sets its own {own}, so this changes nothing: leave it out")));
            }
            Origin::Environment(variable) => {
                notes.push(format!("{variable} is ignored: {whose} sets its own {own}"));
            }
            _ => {}
        }
    }
    Ok(notes)
}

struct Place(String);

fn place(path: &Path, line: usize, what: &str) -> Place {
    Place(format!("{}, line {line}: {what}", path.display()))
}

impl Place {
    fn wrong(self, reason: String) -> ConfigError {
        ConfigError::Value { place: self.0, reason }
    }
}
