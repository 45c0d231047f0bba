//! Builds text in the exposition format of Prometheus, one metric family at a time.

use std::fmt::{Display, Write};

use crate::outputs::ExtraLabels;

/// The text so far. A family without samples gets no HELP and TYPE lines.
pub(in crate::outputs) struct Text<'a> {
    labels: &'a ExtraLabels,
    /// The end of each line of a sample: a space and the time of the samples, or nothing.
    time: String,
    text: String,
    head: String,
}

impl<'a> Text<'a> {
    /// Begins a text whose samples have no time, as node_exporter requires.
    pub(in crate::outputs) fn new(labels: &'a ExtraLabels) -> Self {
        Self { labels, time: String::new(), text: String::new(), head: String::new() }
    }

    /// Begins a text whose samples are of this time, in seconds since 1970.
    pub(in crate::outputs) fn at(labels: &'a ExtraLabels, seconds: f64) -> Self {
        Self { time: format!(" {seconds}"), ..Self::new(labels) }
    }

    pub(in crate::outputs) fn begin(&mut self, name: &str, kind: &str, help: &str) {
        self.head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(in crate::outputs) fn sample(&mut self, name: &str, own: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&std::mem::take(&mut self.head));
        let _ = writeln!(self.text, "{}{value}{}", self.labels.series(name, own), self.time);
    }

    pub(in crate::outputs) fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.begin(name, kind, help);
        self.sample(name, &[], value);
    }

    pub(in crate::outputs) fn into_text(self) -> String {
        self.text
    }
}

/// A value in the exposition format, where infinities are `+Inf` and `-Inf`.
pub(in crate::outputs) fn exposed(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        finite => finite.to_string(),
    }
}
