//! What a member measures of the others: round trips, messages that failed, snapshots sent.

use crate::cluster::Instance;
use crate::evidence::{Evidence, common};
use crate::latency::{Latency, cumulate, sum_micros};
use crate::random::Random;
use crate::schedule::{Schedule, Step};
use crate::timeline::{HOUR, Interval, MINUTE, SECOND};

/// Buckets of round trips: 0.1 ms, 0.2 ms … 3.2768 s, and +Inf.
pub(crate) const ROUND_TRIP_BUCKETS: usize = 17;
/// Buckets of the durations of snapshots: 0.01 s … 655.36 s, and +Inf.
pub(crate) const SNAPSHOT_BUCKETS: usize = 18;
/// Buckets of the durations of defragmentations: 0.1 s … 409.6 s, and +Inf.
pub(crate) const DEFRAGMENTATION_BUCKETS: usize = 14;
/// An outage that long takes a snapshot: the leader keeps 5,000 entries for slow followers.
const NEEDS_SNAPSHOT: i64 = HOUR;

/// A histogram over time, with one entry per scrape.
#[derive(Debug)]
pub(crate) struct Histogram<const N: usize> {
    /// Cumulative observations per bound; the last one is the count.
    pub(crate) cumulative: Vec<[u64; N]>,
    /// The sum of all observations in microseconds.
    pub(crate) sum_micros: Vec<u64>,
}

/// A member as another one sees it.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    instance: &'a Instance,
    /// The value of the label `To`.
    pub(crate) id: String,
    /// When either of both is cut off.
    cut: Vec<Interval>,
    /// The same while this member leads.
    cut_leading: Vec<Interval>,
    /// When its process is gone while this member leads, and while it does not.
    gone_leading: Vec<Interval>,
    gone: Vec<Interval>,
}

impl Evidence<'_> {
    /// The other members, also those that join or leave within the range.
    pub(crate) fn peers(&self) -> Vec<Peer<'_>> {
        let (member, seed) = (self.member, self.member.setting.seed);
        let instances = member.cluster.instances.iter().enumerate();
        let others = instances
            .filter(|(number, other)| *number != member.number() && other.present.overlaps(member.instance.present));
        let mut peers = Vec::new();
        for (number, instance) in others {
            let id = Random::keyed(seed, &[instance.key[0], instance.key[1], 40]).next_u64();
            let cuts = member.cluster.leadership.as_ref().map_or_else(Vec::new, |known| known.cuts_of(number));
            let cut = [&self.cut[..], &cuts].concat();
            let gone_leading = common(&instance.outages, &self.leading);
            let gone = instance.outages.iter().flat_map(|outage| outage.without(&gone_leading)).collect();
            let cut_leading = common(&cut, &self.leading);
            peers.push(Peer { instance, id: format!("{id:x}"), cut_leading, cut, gone_leading, gone });
        }
        peers
    }

    /// Round trips to a peer. Two probers observe one every 30 s, and every 5 s while the peer does not answer.
    pub(crate) fn round_trips(&self, peer: &Peer<'_>) -> Histogram<ROUND_TRIP_BUCKETS> {
        let mut random = self.peer_random(peer, 41);
        // Lab: 16 to 70 ms, most of it in the proxy between the members; 3 ms without it. Buckets end at 2^k × 0.1 ms.
        let usual = Latency { median: random.between(4.0, 8.3), deviation: 0.35 };
        let far = &self.member.cluster.strain.far;
        let silent = [&peer.gone[..], &peer.gone_leading, &peer.instance.hangs].concat();
        // A smoothed round trip stays long for two minutes (lab: up to 6.4 s after a minute without answers).
        let after = |intervals: &[Interval]| -> Vec<Interval> {
            intervals.iter().map(|Interval { end, .. }| Interval { start: *end, end: end + 2 * MINUTE }).collect()
        };
        let healed = after(&peer.cut);
        let resumed = after(&peer.instance.hangs);
        observed(&self.member.schedule, |step, buckets| {
            let seconds = step.since as f64 / SECOND as f64;
            let quick = |median: f64, deviation: f64| Latency { median, deviation };
            // Lab: 0.8 s at the end of a minute without answers; 0.35 to 0.46 s with 0.3 s each way; 1.9 s after the
            // peer hung.
            let states = [
                (step.seconds(&silent), 24.0, usual),
                (step.seconds(&peer.cut), 4.0, quick(13.5, 0.4)),
                (step.seconds(&healed), 4.0, quick(14.6, 0.4)),
                (step.seconds(&resumed) / 2.0, 4.0, quick(14.2, 0.2)),
                (step.seconds(far), 4.0, quick(12.2, 0.5)),
            ];
            let troubled: f64 = states.iter().map(|(seconds, ..)| seconds).sum();
            let calm = [((seconds - troubled).max(0.0), 4.0, usual)];
            for (seconds, per_minute, latency) in states.into_iter().chain(calm) {
                if seconds > 0.0 {
                    latency.observe(per_minute * seconds / 60.0, &mut random, buckets);
                }
            }
            sum_micros(buckets, 72, random.gauss())
        })
    }

    /// Messages to a peer that failed. etcd has no such series before the first failure.
    pub(crate) fn sent_failures(&self, peer: &Peer<'_>) -> Vec<u64> {
        let mut random = self.peer_random(peer, 42);
        // Lab: 18 a second from the leader to a member whose process is gone, 2 to 4 from the others; none to one that
        // hangs. Its proxy takes the messages to a peer that is cut off; without a proxy, heartbeats and appends fail.
        let parts: [(f64, &[Interval]); 5] = [
            (18.0, &peer.gone_leading),
            (0.1, &peer.gone),
            (6.0, &peer.cut_leading),
            (1.0, &peer.cut),
            (0.3, &self.member.cluster.strain.far),
        ];
        self.member.schedule.count(|step| {
            // A process that has run for days has seen a restart of the peer.
            let before = if step.first && step.since > HOUR && random.chance(0.7) { random.below(300) } else { 0 };
            let rise: f64 = parts.iter().map(|(rate, during)| rate * step.seconds(during)).sum();
            // In a calm minute nothing fails.
            before as u64 + if rise > 0.0 { (rise * random.between(0.8, 1.2) + random.unit()) as u64 } else { 0 }
        })
    }

    /// Whether the series of a peer exist at a scrape: it has joined, and had not left when this process started.
    pub(crate) fn sees(&self, peer: &Peer<'_>) -> Vec<bool> {
        let present = peer.instance.present;
        let at = self.member.schedule.at.iter().zip(self.member.started());
        at.map(|(at, started)| present.start <= *at && (started as i64) < present.end).collect()
    }

    fn peer_random(&self, peer: &Peer<'_>, metric: u64) -> Random {
        let [cluster, member] = self.member.instance.key;
        Random::keyed(self.member.setting.seed, &[cluster, member, metric, peer.instance.key[1]])
    }

    /// Defragmentations.
    pub(crate) fn defragmentations(&self) -> Histogram<DEFRAGMENTATION_BUCKETS> {
        let mut random = self.member.random(43);
        let databases = self.member.databases();
        let mut sizes = databases.iter().map(|database| database.defragmented);
        observed(&self.member.schedule, |_, buckets| {
            // 300 MB a second, as a disk writes; the lab's memory takes 43 MB in 21 to 37 ms.
            let seconds = sizes.next().flatten().map(|size| size / 300e6 * random.between(0.8, 1.2));
            seconds.map_or(0, |seconds| observe(seconds, 0.1, buckets))
        })
    }

    /// Snapshots that it sent as the leader: to new members, and to those that come back after a long time.
    pub(crate) fn snapshots(&self) -> Histogram<SNAPSHOT_BUCKETS> {
        let mut random = self.member.random(44);
        let databases = self.member.databases();
        let range = self.member.setting.range;
        let returns: Vec<i64> = self.peers().iter().flat_map(|peer| returns(peer.instance, range)).collect();
        let mut sizes = databases.iter().map(|database| database.total as f64);
        observed(&self.member.schedule, |step, buckets| {
            let size = sizes.next().unwrap_or(0.0);
            let since = step.at - step.since;
            let sent = returns.iter().filter(|at| since < **at && **at <= step.at);
            let sent = sent.filter(|at| self.leading.iter().any(|term| term.contains(**at)));
            // Lab: 28 ms for 10.5 MB.
            sent.map(|_| observe(2.7e-9 * size * random.between(0.8, 1.2), 0.01, buckets)).sum()
        })
    }
}

/// When an instance needs a snapshot.
fn returns(instance: &Instance, range: Interval) -> Vec<i64> {
    let joined = (instance.present.start > range.start).then_some(instance.present.start);
    let long = instance.outages.iter().filter(|outage| outage.length() >= NEEDS_SNAPSHOT);
    joined.into_iter().chain(long.map(|outage| outage.end)).collect()
}

/// A histogram whose observations since the last scrape `add` puts into buckets; it returns their sum in microseconds.
fn observed<const N: usize>(schedule: &Schedule, mut add: impl FnMut(Step, &mut [u64; N]) -> u64) -> Histogram<N> {
    let mut histogram = Histogram { cumulative: Vec::new(), sum_micros: Vec::new() };
    let (mut totals, mut sum) = ([0; N], 0);
    for step in schedule.steps() {
        if step.first {
            (totals, sum) = ([0; N], 0);
        }
        let mut buckets = [0; N];
        sum += add(step, &mut buckets);
        totals.iter_mut().zip(buckets).for_each(|(total, new)| *total += new);
        histogram.cumulative.push(cumulate(&totals));
        histogram.sum_micros.push(sum);
    }
    histogram
}

/// Adds one observation to buckets that end at 2^k × `first` seconds; returns it in microseconds.
fn observe<const N: usize>(seconds: f64, first: f64, buckets: &mut [u64; N]) -> u64 {
    let mut bucket = 0;
    let mut bound = first;
    while bucket < N - 1 && seconds > bound {
        bucket += 1;
        bound *= 2.0;
    }
    buckets[bucket] += 1;
    (seconds * 1e6) as u64
}
