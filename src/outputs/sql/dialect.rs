//! What differs between engines. The template is written in the words of DuckDB; those of another engine replace them.

use crate::text::named::named;

named! {
    /// The engine that a script is for.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum Dialect {
        /// DuckDB 1.5 and later.
        #[default]
        DuckDb = "duckdb",
        /// Spark SQL with session variables (3.5 and later), in ANSI mode.
        Spark = "spark",
    }
    parsed "unknown dialect"
}

/// The start of the script: what it defines, its parameters, and the view `readings`.
const DUCKDB: &str = include_str!("duckdb.sql");
const SPARK: &str = include_str!("spark.sql");

/// DuckDB's words and Spark's, in the order in which they are replaced. A temporary view of Spark has no parameters, but may
/// read session variables, so `since` and `until` are variables there, and a view reads the one before it.
const WORDS_OF_SPARK: [(&str, &str); 16] = [
    ("CREATE OR REPLACE TABLE", "CREATE OR REPLACE TEMPORARY VIEW"),
    ("CREATE OR REPLACE MACRO", "CREATE OR REPLACE TEMPORARY VIEW"),
    ("(since := 0, until := 253402300800) AS TABLE", " AS"),
    ("(since := since, until := until)", ""),
    ("(steps_table) AS TABLE", " AS"),
    ("(counts_table) AS TABLE", " AS"),
    ("query_table(steps_table)", "steps"),
    ("query_table(counts_table)", "band_counts"),
    ("getvariable('step_seconds')", "step_seconds"),
    ("getvariable('restarts_known')", "restarts_known"),
    ("list_contains(getvariable('without'), ", "array_contains(without, "),
    ("to_timestamp(", "timestamp_seconds("),
    (" AS MATERIALIZED (", " AS ("),
    (" // ", " div "),
    (" SEMI JOIN ", " LEFT SEMI JOIN "),
    (" ANTI JOIN ", " LEFT ANTI JOIN "),
];
impl Dialect {
    /// The template of the start of the script.
    pub(super) const fn start(self) -> &'static str {
        match self {
            Self::DuckDb => DUCKDB,
            Self::Spark => SPARK,
        }
    }

    /// The text in the words of this engine.
    pub(super) fn translated(self, text: &str) -> String {
        match self {
            Self::DuckDb => text.to_owned(),
            Self::Spark => {
                WORDS_OF_SPARK.iter().fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs))
            }
        }
    }

    /// The item at an index, counted from 0, of a list that is written out.
    pub(super) fn item(self, items: &str, index: &str) -> String {
        match self {
            Self::DuckDb => format!("[{items}][1 + {index}]"),
            Self::Spark => format!("array({items})[{index}]"),
        }
    }

    /// The values of an aggregated expression in ascending order, and of these the one at an index, counted from 0; NULL
    /// behind the last one.
    pub(super) fn in_order(self, value: &str, index: &str) -> String {
        match self {
            Self::DuckDb => format!("list_sort(list({value}) FILTER (WHERE band IS NOT NULL))[1 + {index}]"),
            Self::Spark => format!("get(sort_array(collect_list({value})), CAST({index} AS INT))"),
        }
    }

    /// One row for each number from `from` to before `until`; none if there is none.
    pub(super) fn series(self, from: &str, until: &str, step: &str) -> String {
        match self {
            Self::DuckDb => format!("unnest(range({from}, {until}, {step}))"),
            Self::Spark => format!("explode(if({from} < {until}, sequence({from}, {until} - 1, {step}), NULL))"),
        }
    }

    /// The query of the cells, without its order. DuckDB keeps steps and counts, which are read more than once.
    pub(super) const fn cells(self) -> &'static str {
        match self {
            Self::DuckDb => {
                "WITH life_steps AS MATERIALIZED (FROM steps(since := since, until := until)),\n\
                 counts AS MATERIALIZED (FROM band_counts('life_steps'))\n\
                 FROM cells_of('counts')"
            }
            Self::Spark => "SELECT * FROM cells_of",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Folding;
    use crate::spec::Profile;

    #[test]
    fn every_word_that_is_replaced_is_in_the_script() {
        let script = super::super::score_sql(Dialect::DuckDb, &Profile::seed(), Folding::default(), 0.5, "");
        for (word, _) in WORDS_OF_SPARK {
            assert!(script.contains(word), "{word}");
        }
    }
}
