//! Series with many shapes of values, written step by step to a server.

use super::super::super::block::random::Random;
use super::server::{Server, Written};

/// First millisecond of the series, at the begin of a block.
pub(super) const START_MS: i64 = 1_700_006_400_000;

/// The value that ends a series.
pub(super) const STALE: u64 = 0x7ff0_0000_0000_0002;

pub(in super::super) const METRICS: [&str; 4] =
    ["etcd_disk_wal_fsync_duration_seconds_bucket", "etcd_server_has_leader", "up", "a:b"];

/// Configuration of a server that accepts late samples.
pub(in super::super) const OUT_OF_ORDER: &str = "storage: {tsdb: {out_of_order_time_window: 3h}}\n";

/// Series that are written step by step.
pub(in super::super) struct Writer {
    pub(super) random: Random,
    pub(in super::super) now_ms: i64,
    series: usize,
    /// Milliseconds that samples may be late.
    late_ms: u64,
    /// How often samples were refused.
    pub(super) refused: u64,
    /// Number of the series and time of all samples that the server has answered.
    pub(super) written: Vec<(usize, i64)>,
}

impl Writer {
    pub(in super::super) fn new(seed: u64, series: usize, late_ms: u64) -> Self {
        Self { random: Random(seed), now_ms: START_MS, series, late_ms, refused: 0, written: Vec::new() }
    }

    /// Goes on later.
    pub(in super::super) fn skip(&mut self, hours: i64) {
        self.now_ms += hours * 3_600_000;
    }

    pub(super) fn labels(number: usize) -> Vec<(String, String)> {
        let label = |name: &str, value: String| (name.to_owned(), value);
        let name = METRICS[number % METRICS.len()].to_owned();
        vec![label("__name__", name), label("hostile", "ü→\"\\\n".to_owned()), label("n", number.to_string())]
    }

    /// Writes about one sample of each series for each 15 seconds of some minutes.
    pub(in super::super) fn write(&mut self, server: &Server, minutes: i64) {
        for _ in 0..minutes {
            assert!(self.try_write(server), "the server is gone");
        }
    }

    /// Writes the samples of a minute. `false` if the server is gone.
    pub(super) fn try_write(&mut self, server: &Server) -> bool {
        let (mut request, mut times) = (Vec::new(), Vec::new());
        for number in 0..self.series {
            // Series rest for half an hour now and then, so that some leave the head.
            let is_resting = (self.now_ms / 1_800_000 + number as i64) % 5 == 0;
            let samples = if is_resting { Vec::new() } else { self.minute(number) };
            times.extend(samples.iter().map(|(time, _)| (number, *time)));
            if !samples.is_empty() {
                request.push(Written { labels: Self::labels(number), samples, ..Written::default() });
            }
        }
        let Some(answer) = server.try_write(&request) else { return false };
        self.refused += u64::from(!answer.is_empty());
        self.written.extend(times);
        self.now_ms += 60_000;
        true
    }

    fn minute(&mut self, number: usize) -> Vec<(i64, f64)> {
        let mut samples = Vec::new();
        for step in 0..4 {
            let mut time = self.now_ms + step * 15_000 + self.random.below(100) as i64;
            if self.late_ms > 0 && self.random.below(5) == 0 {
                time = (time - self.random.below(self.late_ms) as i64).max(START_MS);
            }
            samples.push((time, value_at(number, time)));
        }
        samples
    }
}

/// The value of a series at a time, so that the same sample can come twice.
pub(in super::super) fn value_at(number: usize, time_ms: i64) -> f64 {
    let mut random = Random(time_ms as u64 ^ (number as u64) << 50);
    match random.below(40) {
        0 => f64::from_bits(STALE),
        1 => f64::NEG_INFINITY,
        2 => f64::NAN,
        3 => -(random.next() as f64) / 1e7,
        _ => (time_ms / 60_000) as f64 / 7.0,
    }
}
