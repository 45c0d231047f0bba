//! The table of settings. Each entry defines the key in a file, the flag with its help, and the environment
//! variable. The functions in `parse` check the values.

mod outputs;
mod scoring;
mod source;

use std::borrow::Cow;
use std::sync::LazyLock;

use super::Heading;
use super::parse::ok;
use crate::spec::{Bands, Caps, Metric, parse_weight};
use outputs::OUTPUTS_AND_TEXTFILE;
use scoring::SCORING;
use source::SOURCE;

/// Prefix of all environment variables.
pub(crate) const VARIABLES: &str = "ETCD_HEATMAP_";

#[derive(Debug)]
pub(crate) struct Key {
    /// The key in a file with its table, such as `source.step`.
    pub(crate) name: &'static str,
    /// `None` for the keys of `[weights]` and `[bands]`, because the flags `--weight` and `--band` each
    /// set several of these keys; and for those of `[caps]`, which only files set.
    pub(crate) flag: Option<Flag>,
    /// The default as text; empty if the setting has none.
    default: Text,
    pub(crate) shape: Shape,
    check: fn(&str) -> Result<(), String>,
}

/// A setting's flag, and how the help describes it.
#[derive(Debug)]
pub(crate) struct Flag {
    /// The long name without the dashes, such as `step`.
    pub(crate) name: &'static str,
    /// The placeholder for the value in the help.
    pub(crate) value: &'static str,
    pub(crate) heading: Heading,
    /// One line for `-h`, without the default.
    pub(crate) help: &'static str,
    /// Text for `--help`, without the default; empty if `help` is enough.
    long: Text,
    /// The default as the help shows it; if empty, the help shows the setting's own default.
    default: &'static str,
    /// Whether `-h` lists the flag even in a subcommand with too many flags for one screen.
    pub(crate) is_common: bool,
}

impl Flag {
    const fn new(heading: Heading, name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value, heading, help, long: Text::Fixed(""), default: "", is_common: false }
    }

    const fn common(self) -> Self {
        Self { is_common: true, ..self }
    }

    const fn explained(self, long: &'static str) -> Self {
        Self { long: Text::Fixed(long), ..self }
    }

    const fn listing(self, make: fn() -> String) -> Self {
        Self { long: Text::Made(make), ..self }
    }

    const fn defaulting_to(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The text for `--help`, without the default.
    pub(crate) fn long_help(&self) -> Cow<'static, str> {
        match self.long.get() {
            text if text.is_empty() => Cow::Borrowed(self.help),
            text => text,
        }
    }
}

/// A text in the table of settings. A `Made` text lists values that another module defines,
/// so a function builds it.
#[derive(Debug)]
enum Text {
    Fixed(&'static str),
    Made(fn() -> String),
}

impl Text {
    fn get(&self) -> Cow<'static, str> {
        match self {
            Self::Fixed(text) => Cow::Borrowed(text),
            Self::Made(make) => Cow::Owned(make()),
        }
    }
}

/// How a value is written in a file and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// A string that may hold a login, so errors never print it unchanged.
    Url,
    Number,
    /// `true` or `false`. The flag alone means `true`.
    Switch,
    /// A list of strings; its flag is repeatable.
    List,
    /// A list of strings that may hold a secret by mistake, so errors never print them.
    Headers,
    /// The shape of the setting `bands`, which has only a flag and a variable: a file has one
    /// key per metric in `[bands]`.
    PerMetric,
}

// Keys with the same name are equal: functions such as `check` cannot be compared.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl Key {
    /// The environment variable, such as `ETCD_HEATMAP_TIME_ZONE`.
    pub(crate) fn variable(&self) -> Option<String> {
        let flag = self.flag.as_ref()?;
        Some(format!("{VARIABLES}{}", flag.name.to_uppercase().replace(['-', '.'], "_")))
    }

    /// The table, and the key within it.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// Whether the setting says which series are pulled from which server, and how.
    pub(crate) fn is_of_a_source(&self) -> bool {
        matches!(self.parts().0, "source" | "labels")
    }

    /// Whether a settings file can set this key.
    pub(crate) fn is_in_files(&self) -> bool {
        self.shape != Shape::PerMetric
    }

    /// The separator between several values in one text.
    pub(crate) fn separator(&self) -> &'static str {
        // Bands contain commas, so semicolons separate several values.
        if self.shape == Shape::PerMetric { ";" } else { "," }
    }

    /// The default as text; empty if the setting has none.
    pub(crate) fn default(&self) -> Cow<'static, str> {
        self.default.get()
    }

    /// The default as the help shows it; empty if there is none.
    pub(crate) fn shown_default(&self) -> Cow<'static, str> {
        match &self.flag {
            Some(Flag { default, .. }) if !default.is_empty() => Cow::Borrowed(default),
            _ => self.default(),
        }
    }

    /// Checks a text as a value of this setting. The error is the end of a message: the fault,
    /// and what to write instead.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        (self.check)(text)
    }

    const fn text(
        name: &'static str,
        default: &'static str,
        flag: Flag,
        check: fn(&str) -> Result<(), String>,
    ) -> Self {
        Self { name, flag: Some(flag), default: Text::Fixed(default), shape: Shape::Text, check }
    }

    const fn with_default(self, make: fn() -> String) -> Self {
        Self { default: Text::Made(make), ..self }
    }

    const fn of_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    fn weight(name: &'static str) -> Self {
        Self { name, flag: None, default: Text::Fixed(""), shape: Shape::Number, check: |text| ok(parse_weight(text)) }
    }

    fn bands(name: &'static str) -> Self {
        Self { name, flag: None, default: Text::Fixed(""), shape: Shape::Text, check: |text| ok(text.parse::<Bands>()) }
    }

    fn caps(name: &'static str) -> Self {
        Self { name, flag: None, default: Text::Fixed(""), shape: Shape::Text, check: |text| ok(text.parse::<Caps>()) }
    }
}

/// All settings, in the order of `config show`.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> + Clone {
    static OF_METRICS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let weights = Metric::ALL.map(|metric| Key::weight(metric.weight_key()));
        let bands = Metric::ALL.map(|metric| Key::bands(metric.bands_key()));
        let caps = Metric::ALL.map(|metric| Key::caps(metric.caps_key()));
        weights.into_iter().chain(bands).chain(caps).collect()
    });
    SOURCE.iter().chain(&SCORING).chain(OF_METRICS.iter()).chain(&OUTPUTS_AND_TEXTFILE)
}
