//! Decodes the matrix of a range query, or the vector of an instant query, straight into columns.
//!
//! Makes a single pass over the JSON, without building a tree of values or a string per sample. Keys may come in
//! any order, because JSON does not guarantee one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::null::OrEmpty;
use crate::readings::IDLE;
use crate::time::Grid;

pub(super) type SeriesLabels = BTreeMap<String, String>;

/// Everything in an answer except the series themselves.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// Result of the query: `success` or `error`.
    pub(super) status: String,
    /// The API's error type, such as `bad_data`.
    pub(super) error_type: String,
    /// The API's error message; empty on success.
    pub(super) error: String,
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
    /// Set by VictoriaMetrics clusters if some nodes did not answer.
    pub(super) is_partial: bool,
    pub(super) series: u64,
    /// Number of samples in all series.
    pub(super) samples: u64,
}

/// Decodes an answer. Calls `take` for each series with its values on the grid: NaN where a step has no sample, and
/// [`IDLE`] where its sample is NaN.
pub(super) fn decode_matrix(
    body: &[u8],
    grid: &Grid,
    take: &mut dyn FnMut(&SeriesLabels, &[f64]),
) -> Result<Envelope, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut state = State { grid, take, values: vec![f64::NAN; grid.len()], envelope: Envelope::default() };
    EnvelopeSeed(&mut state).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(state.envelope)
}

/// State shared by the nested visitors.
struct State<'a> {
    grid: &'a Grid,
    take: &'a mut dyn FnMut(&SeriesLabels, &[f64]),
    values: Vec<f64>,
    envelope: Envelope,
}

/// Declares a serde seed that visits a map or sequence and shares the state.
macro_rules! seed {
    ($name:ident, $method:ident) => {
        struct $name<'a, 's>(&'a mut State<'s>);

        impl<'de> DeserializeSeed<'de> for $name<'_, '_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

seed!(EnvelopeSeed, deserialize_map);
seed!(DataSeed, deserialize_any);
seed!(ResultSeed, deserialize_any);
seed!(SeriesSeed, deserialize_map);
seed!(ValuesSeed, deserialize_any);

impl<'de> Visitor<'de> for EnvelopeSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of the Prometheus API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "status" => self.0.envelope.status = map.next_value::<Text<'_>>()?.0.into_owned(),
                "errorType" => self.0.envelope.error_type = map.next_value::<OrEmpty<_>>()?.0,
                "error" => self.0.envelope.error = map.next_value::<OrEmpty<_>>()?.0,
                "data" => map.next_value_seed(DataSeed(self.0))?,
                "warnings" => self.0.envelope.warnings = map.next_value::<OrEmpty<_>>()?.0,
                "infos" => self.0.envelope.infos = map.next_value::<OrEmpty<_>>()?.0,
                "isPartial" => self.0.envelope.is_partial = map.next_value::<OrEmpty<_>>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data with a resultType and a result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "resultType" => {
                    let Text(kind) = map.next_value()?;
                    // A vector is handled as a matrix of one step.
                    if kind != "matrix" && !(kind == "vector" && self.0.grid.len() == 1) {
                        return Err(A::Error::custom(format!("a {kind} instead of a matrix")));
                    }
                }
                "result" => map.next_value_seed(ResultSeed(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'de> Visitor<'de> for ResultSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(SeriesSeed(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'de> Visitor<'de> for SeriesSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series with its metric and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut labels = SeriesLabels::new();
        self.0.values.fill(f64::NAN);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "metric" => labels = map.next_value::<OrEmpty<_>>()?.0,
                "values" => map.next_value_seed(ValuesSeed(self.0))?,
                "value" => {
                    if let Some(sample) = map.next_value()? {
                        self.0.put(&sample, 0)?;
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.envelope.series += 1;
        (self.0.take)(&labels, &self.0.values);
        Ok(())
    }
}

impl<'de> Visitor<'de> for ValuesSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(sample) = seq.next_element()? {
            next = self.0.put(&sample, next)? + 1;
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl State<'_> {
    /// Stores a sample at its step and returns the step's index; `next` is the index to try first.
    fn put<E: Error>(&mut self, Sample { ts_ms, value }: &Sample, next: usize) -> Result<usize, E> {
        let grid = self.grid;
        // Samples usually arrive in order: trying `next` first saves the division in `index_of`.
        let step = match next {
            _ if next < grid.len() && grid.at(next) == *ts_ms => next,
            _ => grid
                .index_of(*ts_ms)
                .ok_or_else(|| E::custom(format!("a sample at {ts_ms} ms, which is not a step that was asked for")))?,
        };
        let known = self.values[step];
        // Two different samples for one step are an error, because either may be wrong;
        // an identical duplicate is harmless.
        if !known.is_nan() && known.to_bits() != value.to_bits() {
            return Err(E::custom(format!("two different samples at {ts_ms} ms of one series")));
        }
        self.values[step] = if value.is_nan() { IDLE } else { *value };
        self.envelope.samples += 1;
        Ok(step)
    }
}

/// A sample in the JSON form `[1759276800.123, "0.5"]`, with the time in seconds.
pub(super) struct Sample {
    pub(super) ts_ms: i64,
    pub(super) value: f64,
}

impl<'de> serde::Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SampleVisitor;
        impl<'de> Visitor<'de> for SampleVisitor {
            type Value = Sample;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sample, a timestamp and a value in quotes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sample, A::Error> {
                let missing = || A::Error::invalid_length(0, &"a timestamp and a value");
                let seconds: f64 = seq.next_element()?.ok_or_else(missing)?;
                let Number(value) = seq.next_element()?.ok_or_else(missing)?;
                Ok(Sample { ts_ms: (seconds * 1000.0).round() as i64, value })
            }
        }
        deserializer.deserialize_seq(SampleVisitor)
    }
}

/// A number in quotes: `"0.5"`, `"NaN"`, `"+Inf"`.
struct Number(f64);

impl<'de> serde::Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom(format!("'{text}' is not a number")))
            }
        }
        deserializer.deserialize_str(NumberVisitor)
    }
}

/// A string, borrowed from the body if it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::{is_idle, is_missing};
    use crate::time::{Step, TimeRange};

    type Decoded = (Envelope, Vec<(SeriesLabels, Vec<f64>)>);

    fn decode(body: &str) -> Result<Decoded, serde_json::Error> {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 240_000 }, Step::from_millis(60_000).unwrap());
        let mut series = Vec::new();
        let envelope = decode_matrix(body.as_bytes(), &grid, &mut |labels, values| {
            series.push((labels.clone(), values.to_vec()))
        })?;
        Ok((envelope, series))
    }

    #[test]
    fn samples_are_stored_at_their_steps_for_any_order_of_keys() {
        let metric = r#""metric":{"instance":"a\"ü","job":"etcd"}"#;
        let values = r#""values":[[60,"0.5"],[180.000,"+Inf"]]"#;
        for series in [format!("{{{metric},{values}}}"), format!(r#"{{{values},"histograms":[[1,{{}}]],{metric}}}"#)] {
            for body in [
                format!(
                    r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}},"warnings":["x"]}}"#
                ),
                format!(r#"{{"data":{{"result":[{series}],"resultType":"matrix"}},"status":"success"}}"#),
            ] {
                let (envelope, series) = decode(&body).unwrap();
                assert_eq!((envelope.status.as_str(), envelope.samples), ("success", 2));
                assert_eq!(series[0].0["instance"], "a\"ü");
                assert_eq!(series[0].1[0], 0.5);
                assert!(series[0].1[1].is_nan());
                assert_eq!(series[0].1[2], f64::INFINITY);
            }
        }
    }

    #[test]
    fn a_vector_is_decoded_as_a_matrix_of_one_step() {
        let grid = Grid::within(TimeRange { start_ms: 60_000, end_ms: 61_000 }, Step::from_millis(1_000).unwrap());
        let vector = |sample: &str| {
            let body = format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"a":"1"}},"value":{sample}}},
                {{"metric":{{"a":"2"}},"histogram":[60,{{}}]}}]}}}}"#
            );
            let mut values = Vec::new();
            decode_matrix(body.as_bytes(), &grid, &mut |_, series| values.push(series[0])).map(|_| values)
        };
        let values = vector(r#"[60,"0.5"]"#).unwrap();
        assert!(values[0] == 0.5 && values[1].is_nan(), "{values:?}");
        assert!(vector(r#"[61,"0.5"]"#).is_err());
    }

    #[test]
    fn a_sample_of_nan_is_idle_and_values_of_one_series_do_not_leak_into_the_next() {
        let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"a":"1"},"values":[[60,"1"],[120,"2"],[180,"3"]]},{"metric":{"a":"2"},"values":[[120,"NaN"]]},
            {"metric":{"a":"3"},"values":[[180,"NaN"],[180,"NaN"],[60,"2"]]}]}}"#;
        let (_, series) = decode(body).unwrap();
        let idle = |number: usize| series[number].1.iter().map(|&v| is_idle(v)).collect::<Vec<_>>();
        assert_eq!((idle(1), idle(2)), (vec![false, true, false], vec![false, false, true]));
        assert!(is_missing(series[1].1[0]) && is_missing(series[1].1[2]) && is_missing(series[2].1[1]));
        assert_eq!(series[2].1[0], 2.0);
    }

    #[test]
    fn samples_may_be_out_of_order_or_repeated() {
        let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[180,"3"],[60,"1"],[120,"2"],[180,"3"]]}]}}"#;
        assert_eq!(decode(body).unwrap().1[0].1, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn null_is_an_empty_list_or_a_missing_field() {
        for body in [
            r#"{"status":"success","data":{"resultType":"matrix","result":null}}"#,
            r#"{"status":"success","data":{"result":null,"resultType":"matrix"},"error":null,"errorType":null}"#,
            r#"{"status":"success","data":null,"warnings":null,"infos":null,"isPartial":null}"#,
        ] {
            let (envelope, series) = decode(body).unwrap();
            assert!(series.is_empty() && envelope.status == "success" && envelope.error.is_empty(), "{body}");
        }
        for (series, expected) in [
            (r#"{"metric":null,"values":[[60,"1"]]}"#, [Some(1.0), None, None]),
            (r#"{"metric":{},"values":null}"#, [None; 3]),
            (r#"{"values":[[120,"2"]],"metric":null,"histograms":null}"#, [None, Some(2.0), None]),
            (r#"{"metric":null,"value":null}"#, [None; 3]),
        ] {
            let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
            let (_, decoded) = decode(&body).unwrap();
            assert!(decoded[0].0.is_empty(), "{series}");
            let values: Vec<_> =
                decoded[0].1.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect();
            assert_eq!(values, expected, "{series}");
        }
        // A series must be an object and a sample must be a list: `null` and numbers are errors.
        for series in [r#"{"metric":{},"values":[null]}"#, r#"{"metric":{},"values":[[60,null]]}"#, "null", "7"] {
            let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
            assert!(decode(&body).is_err(), "{series}");
        }
    }

    #[test]
    fn warnings_infos_and_the_partial_flag_are_decoded() {
        let whole = r#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":null}"#;
        assert!(decode(whole).unwrap().0.warnings.is_empty());
        let partial = r#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]},
            "warnings":["a","b"],"infos":["c"]}"#;
        let (envelope, _) = decode(partial).unwrap();
        assert_eq!((envelope.warnings.len(), envelope.infos.len(), envelope.is_partial), (2, 1, true));
    }

    #[test]
    fn api_errors_are_decoded_and_other_answers_are_refused() {
        let (envelope, _) =
            decode(r#"{"status":"error","data":null,"errorType":"bad_data","error":"parse error"}"#).unwrap();
        assert_eq!((envelope.status.as_str(), envelope.error.as_str()), ("error", "parse error"));
        for body in [
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[60,"1"],[60,"2"]]}]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[61,"1"]]}]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[60,"x"]]}]}}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":["#,
            "[]",
            "",
        ] {
            assert!(decode(body).is_err(), "{body}");
        }
    }
}
