//! Evaluates an expression with the functions of the project; only labels are matched here.

use std::collections::BTreeMap;

use etcd_heatmap::promql::{
    BucketColumn, Column, DEFAULT_LOOKBACK_MS, Series, Version, and, changes, histogram_quantile, instant, max, or,
    parse_le, rate, sum,
};

use super::expression::{Expression, Grouping, Matcher, Selector};
use super::script::{Labels, Loaded};

pub(crate) type Columns = Vec<(Labels, Column)>;

pub(crate) struct Evaluation<'a> {
    pub(crate) loaded: &'a [Loaded],
    pub(crate) times_ms: &'a [i64],
    pub(crate) version: Version,
}

impl Evaluation<'_> {
    /// The error is the reason why the case is passed over.
    pub(crate) fn of(&self, expression: &Expression) -> Result<Columns, String> {
        match expression {
            Expression::Instant(selector) => {
                self.select(selector, |series, times| instant(series, DEFAULT_LOOKBACK_MS, times, self.version))
            }
            Expression::OverTime(name, selector, range_ms) => {
                let function = if *name == "rate" { rate } else { changes };
                self.select(selector, |series, times| function(series, *range_ms, times, self.version))
                    .map(without_name)
            }
            Expression::Aggregate(name, grouping, inner) => {
                let aggregate =
                    |group: Vec<Column>| if *name == "sum" { sum(&group, self.version) } else { max(&group) };
                let groups = grouped(self.of(inner)?, |labels| kept(labels, grouping));
                Ok(groups.into_iter().map(|(labels, group)| (labels, aggregate(group))).collect())
            }
            Expression::Quantile(q, inner) => Ok(self.quantile(*q, self.of(inner)?)),
            Expression::Set(name, grouping, left, right) => {
                let (left, right) = (self.of(left)?, self.of(right)?);
                Ok(if *name == "or" { self.either(&left, right, grouping) } else { both(left, &right, grouping) })
            }
        }
    }

    fn select(&self, selector: &Selector, evaluate: impl Fn(&Series<'_>, &[i64]) -> Column) -> Result<Columns, String> {
        let times: Vec<i64> = self.times_ms.iter().map(|time| time - selector.offset_ms).collect();
        let mut columns = Vec::new();
        for loaded in self.loaded {
            if !matches_all(&loaded.labels, &selector.matchers)? {
                continue;
            }
            if loaded.native {
                return Err("native histograms".to_owned());
            }
            let series = Series::new(&loaded.timestamps_ms, &loaded.values).map_err(|error| error.to_string())?;
            columns.push((loaded.labels.clone(), evaluate(&series, &times)));
        }
        Ok(columns)
    }

    fn quantile(&self, q: f64, columns: Columns) -> Columns {
        let buckets =
            columns.into_iter().filter(|(labels, _)| labels.get("le").is_some_and(|le| parse_le(le).is_some()));
        let mut histograms: BTreeMap<Labels, Vec<(f64, Column)>> = BTreeMap::new();
        for (mut labels, column) in buckets {
            let bound = labels.remove("le").and_then(|le| parse_le(&le)).unwrap_or(f64::NAN);
            histograms.entry(labels).or_default().push((bound, column));
        }
        let quantile = |(mut labels, buckets): (Labels, Vec<(f64, Column)>)| {
            labels.remove("__name__");
            let buckets: Vec<BucketColumn<'_>> =
                buckets.iter().map(|(bound, counts)| BucketColumn { upper_bound: *bound, counts }).collect();
            (labels, histogram_quantile(q, &buckets, self.version))
        };
        histograms.into_iter().map(quantile).collect()
    }

    fn either(&self, left: &Columns, right: Columns, grouping: &Grouping) -> Columns {
        let mut either = left.clone();
        let absent: Column = vec![None; self.times_ms.len()];
        for (labels, column) in right {
            let signature = kept(&labels, grouping);
            let beside = left.iter().filter(|(labels, _)| kept(labels, grouping) == signature);
            let taken = beside.fold(absent.clone(), |taken, (_, column)| or(&taken, column));
            let rest = column.iter().zip(&taken).map(|(value, taken)| value.filter(|_| taken.is_none()));
            either.push((labels, rest.collect()));
        }
        either
    }
}

fn both(left: Columns, right: &Columns, grouping: &Grouping) -> Columns {
    let both = |(labels, column): (Labels, Column)| {
        let signature = kept(&labels, grouping);
        let beside: Vec<&Column> =
            right.iter().filter(|(labels, _)| kept(labels, grouping) == signature).map(|(_, column)| column).collect();
        (labels, and(&column, &beside))
    };
    left.into_iter().map(both).collect()
}

fn without_name(mut columns: Columns) -> Columns {
    columns.iter_mut().for_each(|(labels, _)| drop(labels.remove("__name__")));
    columns
}

fn kept(labels: &Labels, grouping: &Grouping) -> Labels {
    let keep = |name: &String| match grouping {
        Grouping::By(names) => names.contains(name),
        Grouping::Without(names) => name != "__name__" && !names.contains(name),
    };
    labels.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn grouped(columns: Columns, key: impl Fn(&Labels) -> Labels) -> BTreeMap<Labels, Vec<Column>> {
    let mut groups: BTreeMap<Labels, Vec<Column>> = BTreeMap::new();
    for (labels, column) in columns {
        groups.entry(key(&labels)).or_default().push(column);
    }
    groups
}

fn matches_all(labels: &Labels, matchers: &[Matcher]) -> Result<bool, String> {
    for matcher in matchers {
        let value = labels.get(&matcher.label).map_or("", String::as_str);
        let equal = if matcher.operator.ends_with('~') {
            matches_pattern(value, &matcher.value)?
        } else {
            value == matcher.value
        };
        if equal == matcher.operator.starts_with('!') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Alternatives of literal characters, `.`, `.*` and `.+`; the error is that a pattern has more.
fn matches_pattern(value: &str, pattern: &str) -> Result<bool, String> {
    if pattern.contains(['(', '[', '\\', '?', '{', '^', '$']) {
        return Err("a regular expression with groups or classes".to_owned());
    }
    Ok(pattern.split('|').any(|alternative| matches_sequence(value, alternative)))
}

fn matches_sequence(value: &str, pattern: &str) -> bool {
    let mut characters = pattern.chars();
    let Some(first) = characters.next() else { return value.is_empty() };
    let fits = |c: char| first == '.' || c == first;
    let rest = characters.as_str();
    let Some(repeated) = rest.strip_prefix(['*', '+']) else {
        return value.chars().next().is_some_and(|c| fits(c) && matches_sequence(&value[c.len_utf8()..], rest));
    };
    if rest.starts_with('*') && matches_sequence(value, repeated) {
        return true;
    }
    let mut tail = value;
    while let Some(c) = tail.chars().next().filter(|c| fits(*c)) {
        tail = &tail[c.len_utf8()..];
        if matches_sequence(tail, repeated) {
            return true;
        }
    }
    false
}
