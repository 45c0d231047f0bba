//! Checks a whole file for faults that promtool ignores or mishandles silently.

use std::collections::HashMap;
use std::io::{self, BufRead};

use crate::text::named::named;
use crate::time::HOUR_MS;

use super::family::is_of;
use super::{Event, Faults, Kind, Line, Reader, Sample, Wrong, unescape};

/// The year 5138 in milliseconds. A later timestamp is taken for milliseconds written instead of seconds.
const LAST_MS: i64 = 100_000_000_000_000;
/// Separates names and values in the key of a series; this byte never occurs in UTF-8.
const PART: u8 = 0xff;

/// The times that a running Prometheus keeps in its head: everything from `from_ms` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadWindow {
    /// Start of the range, in milliseconds.
    pub from_ms: i64,
}

impl HeadWindow {
    /// Returns the window that starts three hours before `now_ms`. Prometheus compacts the head once it spans three
    /// hours, which is 1.5 times the length of a block.
    pub const fn before(now_ms: i64) -> Self {
        Self { from_ms: now_ms - 3 * HOUR_MS }
    }
}

/// Summary of a file without faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of distinct series in the file.
    pub series: u64,
    /// Number of samples in all series.
    pub samples: u64,
    /// Time of the earliest sample, in milliseconds.
    pub first_ms: i64,
    /// Time of the latest sample, in milliseconds.
    pub last_ms: i64,
}

/// Checks a whole file. Memory grows with the number of families and with the series of one
/// family, not with the samples.
pub fn lint(input: impl BufRead, head: Option<HeadWindow>) -> io::Result<Result<Summary, Faults>> {
    let mut reader = Reader::new(input);
    let mut lint = Lint { head, ..Lint::default() };
    let (mut last_line, mut eof) = (0, None);
    while let Some(line) = reader.next_line()? {
        last_line = line.number;
        if line.has_byte_order_mark {
            lint.faults.add_anyway(1, 1, Wrong::ByteOrderMark);
        }
        if let Some(eof) = eof {
            lint.faults.add(line.number, 1, Wrong::EarlyEof(eof));
            break;
        }
        if line.has_carriage_return {
            note(&mut lint.carriage_returns, &line, line.text.len());
        }
        if line.is_open && !matches!(line.event, Ok(Event::Eof)) {
            // A cut line may still parse, for example with half a timestamp, so its content is not used.
            lint.faults.add_anyway(line.number, line.column(line.text.len()), Wrong::Cut);
            eof = Some(line.number);
            continue;
        }
        match &line.event {
            Ok(Event::Help(family)) => lint.metadata(&line, family, Keyword::Help, None),
            Ok(Event::Type(family, kind)) => lint.metadata(&line, family, Keyword::Type, Some(*kind)),
            Ok(Event::Unit(family, _)) => lint.metadata(&line, family, Keyword::Unit, None),
            Ok(Event::Sample(sample)) => lint.sample(&line, sample),
            Ok(Event::Eof) => eof = Some(line.number),
            Err((at, wrong)) => {
                lint.faults.add(line.number, line.column(*at), wrong.clone());
                // Reading stops at a line that is too long. Treat it as the end of the file, so that no
                // missing `# EOF` is reported as well.
                eof = (*wrong == Wrong::Endless).then_some(line.number);
            }
        }
    }
    Ok(lint.finish(eof, last_line))
}

/// A fault reported once per file: its first position and its number of occurrences.
#[derive(Clone, Copy, Debug)]
struct Places {
    line: u64,
    column: u64,
    count: u64,
}

fn note(places: &mut Option<Places>, line: &Line<'_>, at: usize) {
    match places {
        Some(places) => places.count += 1,
        None => *places = Some(Places { line: line.number, column: line.column(at), count: 1 }),
    }
}

named! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Keyword {
        Help = "HELP",
        Type = "TYPE",
        Unit = "UNIT",
    }
}

#[derive(Debug, Default)]
struct Family {
    kind: Option<Kind>,
    said: Vec<Keyword>,
    has_samples: bool,
    is_over: bool,
}

impl Family {
    fn missing(&self) -> Option<&'static str> {
        match (self.said.contains(&Keyword::Help), self.said.contains(&Keyword::Type)) {
            (true, true) => None,
            (false, true) => Some("# HELP"),
            (true, false) => Some("# TYPE"),
            (false, false) => Some("# HELP and no # TYPE"),
        }
    }

    /// Whether a sample of this name belongs to the family, even if the family's type does not allow the name.
    fn claims(&self, family: &str, sample: &str) -> bool {
        sample == family || (!self.said.is_empty() && is_of(family, sample))
    }
}

#[derive(Debug, Default)]
struct Lint {
    head: Option<HeadWindow>,
    faults: Faults,
    summary: Summary,
    /// Families seen so far, by name.
    families: HashMap<String, Family>,
    /// Name of the current family; `name` is the name of its last sample.
    family: String,
    name: String,
    /// Index of each series of the current family in `latest`, which holds the latest time of each.
    series: HashMap<Vec<u8>, usize>,
    latest: Vec<i64>,
    current: usize,
    /// Line on which each metric of the current family began. Series that differ only in a label such as `le` are one
    /// metric, whose samples must be consecutive; the key holds its other labels.
    metrics: HashMap<Vec<u8>, u64>,
    metric: Vec<u8>,
    carriage_returns: Option<Places>,
    empty_braces: Option<Places>,
    milliseconds: Option<Places>,
    in_head: Option<(Places, i64)>,
}

impl Lint {
    fn metadata(&mut self, line: &Line<'_>, family: &str, keyword: Keyword, kind: Option<Kind>) {
        self.enter(line, "# HELP ".len(), family);
        let entered = self.families.entry(family.to_owned()).or_default();
        let name = keyword.name();
        if entered.said.contains(&keyword) {
            self.faults.add(line.number, 1, Wrong::Twice { keyword: name, family: family.to_owned() });
        } else if entered.has_samples {
            self.faults.add(line.number, 1, Wrong::Late { keyword: name, family: family.to_owned() });
        }
        entered.said.push(keyword);
        entered.kind = kind.or(entered.kind);
    }

    /// Makes `family` the current family, and reports a fault if another family interrupted its lines. Does nothing
    /// if it is already current.
    fn enter(&mut self, line: &Line<'_>, at: usize, family: &str) {
        if self.family == family {
            return;
        }
        if let Some(left) = self.families.get_mut(&self.family) {
            left.is_over = true;
        }
        if let Some(again) = self.families.get_mut(family).filter(|known| known.is_over) {
            again.is_over = false;
            self.faults.add(line.number, line.column(at), Wrong::FamilyAgain(family.to_owned()));
        }
        family.clone_into(&mut self.family);
        self.name.clear();
        self.series.clear();
        self.latest.clear();
        self.metrics.clear();
        self.metric.clear();
    }

    fn sample(&mut self, line: &Line<'_>, sample: &Sample<'_>) {
        if !sample.goes_on {
            self.find_family(line, sample.name);
            self.find_series(line, sample);
        }
        if sample.has_empty_braces {
            note(&mut self.empty_braces, line, sample.name.len());
        }
        self.check_time(line, sample);
        let ms = sample.timestamp_ms;
        let summary = &mut self.summary;
        let is_first = summary.samples == 0;
        summary.first_ms = if is_first { ms } else { summary.first_ms.min(ms) };
        summary.last_ms = if is_first { ms } else { summary.last_ms.max(ms) };
        summary.samples += 1;
    }

    fn find_family(&mut self, line: &Line<'_>, name: &str) {
        if self.name == name {
            return;
        }
        if !self.families.get(&self.family).is_some_and(|family| family.claims(&self.family, name)) {
            self.enter(line, 0, name);
        }
        name.clone_into(&mut self.name);
        let family = self.families.entry(self.family.clone()).or_default();
        if !std::mem::replace(&mut family.has_samples, true)
            && let Some(missing) = family.missing()
        {
            self.faults.add(line.number, 1, Wrong::NoMetadata { missing, family: self.family.clone() });
        }
        if let Some(kind) = family.kind.filter(|kind| !kind.has(&self.family, name)) {
            let (family, name) = (self.family.clone(), name.to_owned());
            self.faults.add(line.number, 1, Wrong::Suffix { kind, family, name });
        }
    }

    /// Looks up the series regardless of the order of its labels. Reports a fault if other samples
    /// interrupted the metric that the series belongs to.
    fn find_series(&mut self, line: &Line<'_>, sample: &Sample<'_>) {
        // Prometheus treats an empty label as absent.
        let mut labels: Vec<_> = sample.labels().filter(|(_, value)| !value.is_empty()).collect();
        labels.sort_unstable();
        let (mut series, mut metric) = (sample.name.as_bytes().to_vec(), Vec::new());
        let kind = self.families.get(&self.family).and_then(|family| family.kind);
        let inner = kind.and_then(|kind| kind.inner_label(&self.family));
        for (name, value) in labels {
            let value = unescape(value);
            let parts = [&[PART], name.as_bytes(), &[PART], value.as_bytes()];
            parts.iter().for_each(|part| series.extend_from_slice(part));
            if Some(name) != inner {
                parts.iter().for_each(|part| metric.extend_from_slice(part));
            }
        }
        let (found, new) = (self.series.get(&series).copied(), self.latest.len());
        self.current = found.unwrap_or(new);
        if found.is_none() {
            self.summary.series += 1;
            self.latest.push(i64::MIN);
            self.series.insert(series, new);
        }
        if self.metrics.is_empty() || self.metric != metric {
            if let Some(began) = self.metrics.get(&metric) {
                self.faults.add(line.number, 1, Wrong::Interleaved(*began));
            } else {
                self.metrics.insert(metric.clone(), line.number);
            }
            self.metric = metric;
        }
    }

    fn check_time(&mut self, line: &Line<'_>, sample: &Sample<'_>) {
        let at_ms = sample.timestamp_ms;
        let wrong = match self.latest[self.current] {
            last_ms if at_ms == last_ms => Some(Wrong::Duplicate(at_ms)),
            last_ms if at_ms < last_ms => Some(Wrong::Order { at_ms, last_ms }),
            _ if at_ms < 0 => Some(Wrong::BeforeEpoch),
            _ => None,
        };
        self.latest[self.current] = self.latest[self.current].max(at_ms);
        if let Some(wrong) = wrong {
            self.faults.add(line.number, line.column(sample.timestamp_at), wrong);
        }
        if at_ms > LAST_MS {
            note(&mut self.milliseconds, line, sample.timestamp_at);
        } else if self.head.is_some_and(|head| at_ms >= head.from_ms) {
            let (mut places, earliest) = self.in_head.take().map_or((None, at_ms), |(places, ms)| (Some(places), ms));
            note(&mut places, line, sample.timestamp_at);
            self.in_head = places.map(|places| (places, earliest.min(at_ms)));
        }
    }

    fn finish(mut self, eof: Option<u64>, last_line: u64) -> Result<Summary, Faults> {
        if eof.is_none() {
            self.faults.add_anyway(last_line + 1, 1, Wrong::NoEof);
        }
        let once = [
            self.carriage_returns.map(|places| (places, Wrong::CarriageReturn(places.count))),
            self.empty_braces.map(|places| (places, Wrong::EmptyBraces(places.count))),
            self.milliseconds.map(|places| (places, Wrong::Milliseconds(places.count))),
            self.in_head.map(|(places, from_ms)| (places, Wrong::Head { samples: places.count, from_ms })),
        ];
        for (places, wrong) in once.into_iter().flatten() {
            self.faults.add_anyway(places.line, places.column, wrong);
        }
        if self.faults.count() == 0 && self.summary.samples == 0 {
            self.faults.add(last_line, 1, Wrong::NoSample);
        }
        if self.faults.count() == 0 { Ok(self.summary) } else { Err(self.faults) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// The faults of one series with samples at these seconds.
    fn wrong(seconds: &[&str], head: Option<HeadWindow>) -> Vec<Wrong> {
        let samples: String = seconds.iter().map(|second| format!("a 1 {second}\n")).collect();
        let text = format!("# HELP a A.\n# TYPE a gauge\n{samples}# EOF\n");
        match lint(text.as_bytes(), head).unwrap() {
            Ok(_) => Vec::new(),
            Err(faults) => faults.told().iter().map(|fault| fault.wrong.clone()).collect(),
        }
    }

    #[test]
    fn each_sample_is_compared_with_the_latest_before_it() {
        let after_two = |at_ms| Wrong::Order { at_ms, last_ms: 2000 };
        assert_eq!(wrong(&["0", "2", "1", "1.5"], None), [after_two(1000), after_two(1500)]);
    }

    #[test]
    fn the_head_begins_with_its_first_instant() {
        let head = Some(HeadWindow { from_ms: 60_000 });
        assert_eq!(wrong(&["59.999"], head), []);
        assert_eq!(wrong(&["59.999", "60", "61"], head), [Wrong::Head { samples: 2, from_ms: 60_000 }]);
    }

    #[test]
    fn the_last_instant_of_seconds_is_not_milliseconds() {
        // Exactly 1e14 ms, the latest time that is accepted as seconds.
        assert_eq!(wrong(&["100000000000"], None), []);
        assert_eq!(wrong(&["100000000000.001"], None), [Wrong::Milliseconds(1)]);
    }
}
