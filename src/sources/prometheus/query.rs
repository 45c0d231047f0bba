//! The queries of the six metrics and their companions: `queries/<name>.promql`, embedded in the binary
//! and replaceable from a folder.
//!
//! A file has a raw form below the line `# raw:`, which reads etcd's own metrics. It may have more forms:
//!
//! - `# recorded:` reads the results of recording rules.
//! - `# direct:` costs the server less than the raw form, and gives the same result if no two of its series
//!   share member labels and `le`.
//! - `# native:` reads native histograms where the classic buckets are missing.
//! - `# wide:` recognizes etcd's targets by any of several metrics of
//!   etcd, where `etcd_server_has_leader` is missing.
//!
//! The selectors below `# series:`, one per line, select the series that the raw form reads: with them a probe can
//! tell a missing series from a missing value. Where every process has such series, only those of targets count
//! that also have one of the series below `# beside:`. `$selector` stands for the matchers of `--selector`,
//! `$labels` for the labels that name a member, `$window` for `--rate-window`.

use std::fs;
use std::path::{Path, PathBuf};

use super::labels::{in_promql, label_names};
use super::slices::joined;
use crate::spec::Column;
use crate::text::nearest::did_you_mean;
use crate::time::Step;

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

/// The forms of one column's query, with `$selector`, `$labels` and `$window` not replaced yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct QueryText {
    raw: String,
    recorded: Option<String>,
    direct: Option<String>,
    native: Option<String>,
    wide: Option<String>,
    /// Selectors of the series that the raw form reads; empty if unknown.
    series: Vec<String>,
    /// Selectors of series that only etcd has. Unless empty, `series` count only on targets that
    /// also have one of these.
    beside: Vec<String>,
    /// Whether the query is built in. A query from `--queries` may aggregate over members, so it
    /// is never split by member.
    is_embedded: bool,
}

impl QueryText {
    /// Parses a query file; `None` if it has no raw form. A file without marker lines is a raw form.
    fn parse(text: &str) -> Option<Self> {
        const SECTIONS: [&str; 7] = ["raw:", "recorded:", "direct:", "native:", "wide:", "series:", "beside:"];
        let mut lines: [Vec<&str>; SECTIONS.len()] = Default::default();
        let mut section = 0;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix('#').map(str::trim) {
                Some(comment) => section = SECTIONS.iter().position(|name| *name == comment).unwrap_or(section),
                None => lines[section].push(line),
            }
        }
        let [raw, recorded, direct, native, wide, series, beside] = lines;
        let form = |lines: Vec<&str>| (!lines.is_empty()).then(|| lines.join(" "));
        let list = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
        Some(Self {
            raw: form(raw)?,
            recorded: form(recorded),
            direct: form(direct),
            native: form(native),
            wide: form(wide),
            series: list(series),
            beside: list(beside),
            is_embedded: false,
        })
    }

    fn form(&self, form: &str) -> &str {
        let other = match form {
            RECORDED => &self.recorded,
            DIRECT => &self.direct,
            NATIVE => &self.native,
            WIDE => &self.wide,
            _ => &None,
        };
        other.as_ref().unwrap_or(&self.raw)
    }
}

/// The queries of all metrics and companions for one selector, cluster label and member label.
#[derive(Clone, Debug)]
pub(crate) struct QuerySet {
    /// The forms of each column's query, in the order of `Column::index`.
    texts: Vec<QueryText>,
    selector: String,
    /// The window of rates, which replaces `$window`.
    window: Step,
    /// The names of the labels that name a member, those of the cluster first.
    label_names: Vec<String>,
    /// `label_names` as a list for `by (…)`, quoted where necessary.
    labels: String,
    cluster_labels: Vec<String>,
    member_labels: Vec<String>,
}

/// Name of the query form that reads etcd's own metrics.
pub(super) const RAW: &str = "raw";
/// Name of the query form that reads the results of recording rules.
pub(super) const RECORDED: &str = "recorded";
/// Name of the query form that gives the same result as the raw form at a lower cost, if each member
/// has one series per bucket.
pub(super) const DIRECT: &str = "direct";
/// Name of the query form that reads native histograms where the classic buckets are missing.
pub(super) const NATIVE: &str = "native";
/// Name of the query form that recognizes etcd's targets by any of several metrics of
/// etcd, where `etcd_server_has_leader` is missing.
pub(super) const WIDE: &str = "wide";

/// The default window of rates, five minutes.
pub(crate) const RATE_WINDOW: &str = "5m";

impl QuerySet {
    /// Loads the embedded queries, and replaces those that `folder` contains.
    ///
    /// `selector` is a list of matchers such as `job="etcd"`, with or without braces. Each label may be a list of names
    /// such as `env,region`.
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
        let names = |list| label_names(list).map(str::to_owned).collect::<Vec<_>>();
        let member_labels = names(member_label);
        let label_names = [names(cluster_label.unwrap_or("cluster,job")), member_labels.clone()].concat();
        Ok(Self {
            texts,
            selector: selector.trim().to_owned(),
            window: RATE_WINDOW.parse().expect("five minutes are a duration"),
            labels: label_names.iter().map(|name| in_promql(name)).collect::<Vec<_>>().join(", "),
            label_names,
            cluster_labels: names(cluster_label.unwrap_or("cluster")),
            member_labels,
        })
    }

    /// The same queries with this window of rates instead of five minutes.
    #[must_use]
    pub(crate) fn with_rate_window(self, window: Step) -> Self {
        Self { window, ..self }
    }

    /// The window of rates.
    pub(crate) fn rate_window(&self) -> Step {
        self.window
    }

    /// Whether the raw form of the column's query is a rate over `$window`.
    pub(crate) fn is_rate(&self, column: Column) -> bool {
        self.texts[column.index()].raw.contains("$window")
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

    /// Whether the column's query has this form.
    pub(crate) fn has(&self, column: Column, form: &str) -> bool {
        let text = &self.texts[column.index()];
        match form {
            RECORDED => text.recorded.is_some(),
            DIRECT => text.direct.is_some(),
            NATIVE => text.native.is_some(),
            WIDE => text.wide.is_some(),
            _ => true,
        }
    }

    /// The query in one of its forms, narrowed by additional matchers.
    pub(crate) fn text(&self, column: Column, form: &str, matchers: &str) -> String {
        self.fill(self.texts[column.index()].form(form), matchers)
    }

    fn fill(&self, text: &str, matchers: &str) -> String {
        let selector = joined(&self.selector, matchers);
        let window = self.window.to_string();
        text.replace("$selector", &selector).replace("$labels", &self.labels).replace("$window", &window)
    }

    /// The labels by which the query can be split. A query from `--queries` may aggregate over members, so it is split
    /// by cluster at most; a query without `$selector` cannot be split.
    pub(super) fn labels_to_split_by(&self, column: Column, form: &str) -> Vec<&str> {
        let members: &[String] = if self.is_embedded(column) { &self.member_labels } else { &[] };
        match self.texts[column.index()].form(form).contains("$selector") {
            true => self.cluster_labels.iter().chain(members).map(String::as_str).collect(),
            false => Vec::new(),
        }
    }

    /// The label that names a cluster; `None` if several labels do.
    pub(super) fn only_cluster_label(&self) -> Option<&str> {
        match self.cluster_labels.as_slice() {
            [label] => Some(label),
            _ => None,
        }
    }

    /// Whether the column's query is built in.
    pub(super) fn is_embedded(&self, column: Column) -> bool {
        self.texts[column.index()].is_embedded
    }

    /// Selector of the series that the direct form reads; `None` without such a form.
    pub(super) fn series_of_direct(&self, column: Column) -> Option<String> {
        let text = &self.texts[column.index()];
        let series = text.series.first().filter(|_| text.direct.is_some())?;
        Some(self.fill(series, ""))
    }

    /// The series that this form of the query reads; `None` if a query from `--queries` does not name them.
    pub(super) fn base(&self, column: Column, form: &str) -> Option<Base> {
        let text = &self.texts[column.index()];
        let own = text.form(form);
        let (series, beside) = match form {
            RECORDED | RAW if is_selector(own) => (vec![own.to_owned()], Vec::new()),
            RECORDED => return None,
            NATIVE => (native_names(&text.series), Vec::new()),
            _ => (text.series.clone(), text.beside.clone()),
        };
        (!series.is_empty()).then_some(Base { series, beside })
    }

    /// A query that counts the members with a series of `base` in the last `look_back`, such as `1h`.
    pub(super) fn presence(&self, base: &Base, look_back: &str, matchers: &str) -> String {
        format!("count({})", self.present(base, look_back, matchers))
    }

    /// The selectors of the series of `base`, filled in.
    pub(super) fn selectors(&self, base: &Base) -> Vec<String> {
        base.series.iter().map(|series| self.one_a_member(series, "")).collect()
    }

    /// The series of `base` in the last `look_back`, as an expression.
    pub(super) fn present(&self, base: &Base, look_back: &str, matchers: &str) -> String {
        let any = |list: &[String]| {
            let over =
                |series: &String| format!("count_over_time({}[{look_back}])", self.one_a_member(series, matchers));
            list.iter().map(over).collect::<Vec<_>>().join(" or ")
        };
        match base.beside.is_empty() {
            true => any(&base.series),
            false => format!("(({}) and on ({}) ({}))", any(&base.series), self.labels, any(&base.beside)),
        }
    }

    /// Fills in the placeholders of a selector. For a histogram, selects only the bucket `+Inf`, because a target has
    /// either all buckets or none.
    fn one_a_member(&self, series: &str, matchers: &str) -> String {
        let is_buckets = series.split('{').next().is_some_and(|name| name.ends_with("_bucket"));
        self.fill(series, &joined(matchers, if is_buckets { r#"le="+Inf""# } else { "" }))
    }

    /// The labels that name a member, as used in `by (…)` and `on (…)`.
    pub(crate) fn labels(&self) -> &str {
        &self.labels
    }

    /// The names of the labels that name a member, without quotes.
    pub(super) fn label_names(&self) -> &[String] {
        &self.label_names
    }

    /// The selector for messages: ` with {…}`, or empty.
    pub(crate) fn selector_in_words(&self) -> String {
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

/// Selectors of the series that a query reads, with placeholders such as `$selector`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) series: Vec<String>,
    /// Unless empty, `series` count only on targets that also have one of these series.
    pub(super) beside: Vec<String>,
}

/// Whether a query is nothing but a selector of series.
fn is_selector(query: &str) -> bool {
    let Some((name, matchers)) = query.split_once('{') else { return false };
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    is_name && matchers.strip_suffix('}').is_some_and(|matchers| !matchers.contains(['{', '}', '(']))
}

/// The selectors of native histograms, which have the names of the classic buckets without `_bucket`.
fn native_names(series: &[String]) -> Vec<String> {
    series.iter().filter(|one| one.contains("_bucket{")).map(|one| one.replacen("_bucket{", "{", 1)).collect()
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
            assert!(!set.raw(companion).contains('$') && set.raw(companion).contains("job=\"etcd\""), "{companion}");
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
    fn several_labels_and_utf_8_names_are_listed_in_every_query() {
        let set = QuerySet::load(None, "", Some("env,k8s.cluster.name"), "node,port").unwrap();
        let labels = r#"env, "k8s.cluster.name", node, port"#;
        assert!(set.raw(Metric::WalFsync).contains(&format!("by ({labels}, le)")), "{}", set.raw(Metric::WalFsync));
        assert!(set.raw(Metric::OpenFds).contains(&format!("and on ({labels})")), "{}", set.raw(Metric::OpenFds));
        let split = set.labels_to_split_by(Metric::WalFsync.into(), RAW);
        assert_eq!(split, ["env", "k8s.cluster.name", "node", "port"]);
        assert_eq!(set.label_names(), split);
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
