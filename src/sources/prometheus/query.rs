//! The queries of the six metrics and their companions: `queries/<name>.promql`, embedded in the binary
//! and replaceable from a folder.
//!
//! A file has a raw form below the line `# raw:`, which reads etcd's own metrics. It may have a recorded form below
//! `# recorded:`, which reads the results of recording rules, and a direct form below `# direct:`, which costs the
//! server less than the raw form. The selector below `# series:` selects the series that the direct form reads. The
//! direct form gives the same result as the raw form if no two of these series share member labels and `le`.
//! `$selector` stands for the matchers of `--selector`, `$labels` for the labels that name a member.

use std::fs;
use std::path::{Path, PathBuf};

use super::slices::joined;
use crate::spec::Column;
use crate::text::nearest::did_you_mean;

/// Errors in the folder or files of `--queries`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// The folder, or a file in it, cannot be read.
    #[error("cannot read {} of --queries: {source}; name a readable folder of METRIC.promql files", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The folder has no file named after a metric or companion.
    #[error("--queries {} has none of {names}: add at least one of these files", .folder.display())]
    NoneThere {
        folder: PathBuf,
        /// All valid file names, separated by commas.
        names: String,
    },
    /// A `.promql` file is not named after a metric or companion.
    #[error("{} is not named after a metric{suggestion}: rename it to one of {names}", .path.display())]
    UnknownName {
        path: PathBuf,
        /// The text ` (did you mean 'wal_fsync'?)` with the closest valid name, or empty.
        suggestion: String,
        /// All valid file names, separated by commas.
        names: String,
    },
    /// The file has no raw form.
    #[error("{} has no raw form (a query of etcd's own metrics): add its PromQL after a line '# raw:'", .path.display())]
    NoRawForm { path: PathBuf },
}

/// The raw, recorded and direct forms of one column's query, with `$selector` and `$labels` not replaced yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct QueryText {
    raw: String,
    recorded: Option<String>,
    direct: Option<String>,
    /// Selector of the series that the direct form reads.
    series: Option<String>,
    /// Whether the query is built in. A query from `--queries` may aggregate over members, so it
    /// is never split by member.
    is_embedded: bool,
}

impl QueryText {
    /// Parses a query file; `None` if it has no raw form. A file without marker lines is a raw form.
    fn parse(text: &str) -> Option<Self> {
        let [mut raw, mut recorded, mut direct, mut series] = [const { String::new() }; 4];
        let mut form = &mut raw;
        for line in text.lines() {
            let line = line.trim();
            match line.strip_prefix('#').map(str::trim) {
                Some("raw:") => form = &mut raw,
                Some("recorded:") => form = &mut recorded,
                Some("direct:") => form = &mut direct,
                Some("series:") => form = &mut series,
                Some(_) => {}
                None if line.is_empty() => {}
                None => {
                    if !form.is_empty() {
                        form.push(' ');
                    }
                    form.push_str(line);
                }
            }
        }
        let [recorded, direct, series] = [recorded, direct, series].map(|text| Some(text).filter(|t| !t.is_empty()));
        (!raw.is_empty()).then_some(Self { raw, recorded, direct, series, is_embedded: false })
    }
}

/// The queries of all metrics and companions for one selector, cluster label and member label.
#[derive(Clone, Debug)]
pub(crate) struct QuerySet {
    /// The raw, recorded and direct forms of each column's query, in the order of `Column::index`.
    texts: Vec<QueryText>,
    selector: String,
    labels: String,
    cluster_label: String,
    member_label: String,
}

/// Name of the query form that reads etcd's own metrics.
pub(super) const RAW: &str = "raw";
/// Name of the query form that reads the results of recording rules.
pub(super) const RECORDED: &str = "recorded";
/// Name of the query form that gives the same result as the raw form at a lower cost, if each member
/// has one series per bucket.
pub(super) const DIRECT: &str = "direct";

impl QuerySet {
    /// Loads the embedded queries, and replaces those that `folder` contains.
    ///
    /// `selector` is a list of matchers such as `job="etcd"`, with or without braces.
    pub(crate) fn load(
        folder: Option<&Path>,
        selector: &str,
        cluster_label: Option<&str>,
        member_label: &str,
    ) -> Result<Self, QueryError> {
        let embedded = |column: Column| QueryText {
            is_embedded: true,
            ..QueryText::parse(column.query()).expect("a test reads every query that comes with the program")
        };
        let mut texts: Vec<QueryText> = Column::all().map(embedded).collect();
        if let Some(folder) = folder {
            replace_from(folder, &mut texts)?;
        }
        let selector = selector.trim();
        let selector = selector.strip_prefix('{').and_then(|s| s.strip_suffix('}')).unwrap_or(selector);
        let labels = format!("{}, {member_label}", cluster_label.unwrap_or("cluster, job"));
        Ok(Self {
            texts,
            selector: selector.trim().to_owned(),
            labels,
            cluster_label: cluster_label.unwrap_or("cluster").to_owned(),
            member_label: member_label.to_owned(),
        })
    }

    /// The column's query in its raw form, which reads etcd's own metrics.
    pub(crate) fn raw(&self, column: impl Into<Column>) -> String {
        self.text(column.into(), RAW, "")
    }

    /// The column's query in its recorded form, which reads the results of recording rules; `None` if
    /// it has no recorded form.
    pub(crate) fn recorded(&self, column: impl Into<Column>) -> Option<String> {
        let column = column.into();
        self.texts[column.index()].recorded.as_ref().map(|_| self.text(column, RECORDED, ""))
    }

    /// The query in its raw, recorded or direct form, narrowed by additional matchers.
    pub(super) fn text(&self, column: Column, form: &str, matchers: &str) -> String {
        let selector = joined(&self.selector, matchers);
        self.unfilled(column, form).replace("$selector", &selector).replace("$labels", &self.labels)
    }

    /// The labels by which the query can be split. A query from `--queries` may aggregate over members, so it is split
    /// by cluster at most; a query without `$selector` cannot be split.
    pub(super) fn labels_to_split_by(&self, column: Column, form: &str) -> Vec<&str> {
        let by = [self.cluster_label.as_str(), self.member_label.as_str()];
        match self.unfilled(column, form).contains("$selector") {
            true if self.texts[column.index()].is_embedded => by.to_vec(),
            true => by[..1].to_vec(),
            false => Vec::new(),
        }
    }

    /// Selector of the series that the direct form reads; `None` without such a form.
    pub(super) fn series_of_direct(&self, column: Column) -> Option<String> {
        let text = &self.texts[column.index()];
        let series = text.series.as_ref().filter(|_| text.direct.is_some())?;
        Some(series.replace("$selector", &self.selector))
    }

    fn unfilled(&self, column: Column, form: &str) -> &str {
        let text = &self.texts[column.index()];
        let other = match form {
            RECORDED => &text.recorded,
            DIRECT => &text.direct,
            _ => &None,
        };
        other.as_ref().unwrap_or(&text.raw)
    }

    /// The labels that name a member, as used in `by (…)` and `on (…)`.
    pub(crate) fn labels(&self) -> &str {
        &self.labels
    }

    /// The selector for messages: ` with {…}`, or empty.
    pub(super) fn selector_in_words(&self) -> String {
        match self.selector() {
            "" => String::new(),
            matchers => format!(" with {{{matchers}}}"),
        }
    }

    /// The selector without its braces.
    pub(crate) fn selector(&self) -> &str {
        &self.selector
    }
}

fn replace_from(folder: &Path, texts: &mut [QueryText]) -> Result<(), QueryError> {
    let unreadable = |path: &Path, source| QueryError::Unreadable { path: path.to_owned(), source };
    let names = || Column::all().map(|c| format!("{c}.promql")).collect::<Vec<_>>().join(", ");
    let mut found = false;
    for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        if path.extension().is_none_or(|e| e != "promql") {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let unknown = || {
            let suggestion = did_you_mean(&stem, Column::all().map(Column::name));
            QueryError::UnknownName { path: path.clone(), suggestion, names: names() }
        };
        let column = Column::all().find(|column| column.name() == stem).ok_or_else(unknown)?;
        let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        texts[column.index()] = QueryText::parse(&text).ok_or(QueryError::NoRawForm { path })?;
        found = true;
    }
    if found { Ok(()) } else { Err(QueryError::NoneThere { folder: folder.to_owned(), names: names() }) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use crate::spec::{Companion, Metric};

    #[test]
    fn every_embedded_query_has_both_forms_and_no_marker_is_left() {
        let set = QuerySet::load(None, "{job=\"etcd\"}", None, "instance").unwrap();
        for metric in Metric::ALL {
            let (raw, recorded) = (set.raw(metric), set.recorded(metric).unwrap());
            for query in [&raw, &recorded] {
                assert!(!query.contains('$') && query.contains("{job=\"etcd\"}"), "{query}");
            }
            assert!(recorded.starts_with("job:") && !raw.contains("job:"), "{raw}, {recorded}");
        }
        assert!(set.raw(Metric::WalFsync).contains("by (cluster, job, instance, le)"));
        for companion in Companion::ALL {
            assert!(!set.raw(companion).contains('$') && set.raw(companion).contains("{job=\"etcd\"}"), "{companion}");
        }
    }

    #[test]
    fn a_file_in_the_folder_replaces_one_query_and_leaves_the_others() {
        let folder = Scratch::new();
        fs::write(folder.path().join("db_size.promql"), "# mine\nmy_db_size{$selector}\n  * 2\n").unwrap();
        fs::write(folder.path().join("README.md"), "not a query").unwrap();
        let set = QuerySet::load(Some(folder.path()), "", Some("k8s"), "pod").unwrap();
        assert_eq!(set.raw(Metric::DbSize), "my_db_size{} * 2");
        assert_eq!(set.recorded(Metric::DbSize), None);
        assert!(set.raw(Metric::WalFsync).contains("by (k8s, pod, le)"));
    }

    #[test]
    fn errors_name_the_unusable_folder_or_file() {
        let folder = Scratch::new();
        let load = || QuerySet::load(Some(folder.path()), "", None, "instance").map(|_| ()).unwrap_err().to_string();
        assert!(load().contains("has none of wal_fsync.promql"), "{}", load());
        fs::write(folder.path().join("dbsize.promql"), "x").unwrap();
        assert!(load().contains("dbsize.promql is not named after a metric (did you mean 'db_size'?)"), "{}", load());
        fs::rename(folder.path().join("dbsize.promql"), folder.path().join("db_size.promql")).unwrap();
        fs::write(folder.path().join("db_size.promql"), "# recorded:\nx").unwrap();
        assert!(load().contains("has no raw form"), "{}", load());
    }
}
