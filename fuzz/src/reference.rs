//! A reference parser for a matrix: slow and simple, it parses a tree of values first and reads the samples from that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::time::Grid;

/// A JSON value. Duplicate keys are refused, because parsers differ in how they read them.
#[derive(Debug)]
pub enum Tree {
    /// `null`, `true` or `false`, whose value does not matter.
    Other,
    /// Any number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A map.
    Map(BTreeMap<String, Tree>),
}

/// Labels, and values on the grid.
pub type Series = (Vec<(String, String)>, Vec<f64>);

impl Tree {
    fn get(&self, key: &str) -> Option<&Tree> {
        if let Self::Map(map) = self { map.get(key) } else { None }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn list(&self) -> Option<&[Tree]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }
}

/// The series of a successful answer with a matrix. `None` for any other answer, or if a sample is off the grid, is not
/// a number, or contradicts another.
pub fn read_matrix(root: &Tree, grid: &Grid) -> Option<Vec<Series>> {
    if root.get("status")?.text()? != "success" || root.get("data")?.get("resultType")?.text()? != "matrix" {
        return None;
    }
    // Accept warnings only in their common shapes; others are not compared.
    if ["warnings", "infos", "isPartial", "error", "errorType"].iter().any(|key| root.get(key).is_some()) {
        return None;
    }
    root.get("data")?.get("result")?.list()?.iter().map(|series| read_series(series, grid)).collect()
}

fn read_series(series: &Tree, grid: &Grid) -> Option<Series> {
    let Tree::Map(metric) = series.get("metric")? else { return None };
    let labels = metric.iter().map(|(name, value)| Some((name.clone(), value.text()?.to_owned())));
    let labels = labels.collect::<Option<_>>()?;
    let mut bits = vec![BTreeSet::new(); grid.len()];
    for sample in series.get("values")?.list()? {
        let [Tree::Number(seconds), Tree::Text(value)] = sample.list()? else { return None };
        let ms = (seconds * 1000.0).round();
        let step = (0..grid.len()).find(|&step| grid.at(step) as f64 == ms)?;
        let value: f64 = value.parse().ok()?;
        if !value.is_nan() {
            bits[step].insert(value.to_bits());
        }
    }
    // Two values at one step are a contradiction; the parsers may disagree about a NaN and a value at one step.
    let value = |values: BTreeSet<u64>| match values.len() {
        0 => Some(f64::NAN),
        1 => values.first().map(|bits| f64::from_bits(*bits)),
        _ => None,
    };
    Some((labels, bits.into_iter().map(value).collect::<Option<_>>()?))
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;
        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
                Ok(Tree::Other)
            }
            fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
                Ok(Tree::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Number(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if entries.insert(key, value).is_some() {
                        return Err(A::Error::custom("duplicate key"));
                    }
                }
                Ok(Tree::Map(entries))
            }
        }
        deserializer.deserialize_any(TreeVisitor)
    }
}
