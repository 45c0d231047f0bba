//! Random numbers whose sequence is the same in all versions, compilers and machines.
//!
//! This module and its users do only integer arithmetic and IEEE `+ - * /`, because the last bit of `ln` and `exp`
//! differs between C libraries.

/// xoshiro256++ by Blackman and Vigna, seeded through splitmix64 as they recommend.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

/// One step of splitmix64: advances `state` and returns the next number.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of `key`, such as (cluster, member, metric). Streams of different keys are independent, so another
    /// metric or member does not change the numbers of the others.
    pub(crate) fn keyed(seed: u64, key: &[u64]) -> Self {
        let mut mixed = seed;
        for part in key {
            mixed = splitmix64(&mut mixed) ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        Self { state: std::array::from_fn(|_| splitmix64(&mut mixed)) }
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number in 0..n.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Nearly normal (mean 0, standard deviation 1, at most 3.47): the sum of the four 16-bit parts of one draw.
    pub(crate) fn gauss(&mut self) -> f64 {
        let bits = self.next_u64();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        (sum as f64 - 131_070.0) / 37_837.2
    }
}

/// Autocorrelated noise (an AR(1) process) with standard deviation 1.
#[derive(Debug, Clone)]
pub(crate) struct Wander {
    random: Random,
    value: f64,
}

impl Wander {
    /// Starts with a random value of the same distribution.
    pub(crate) fn new(mut random: Random) -> Self {
        let value = random.gauss();
        Self { random, value }
    }

    /// The next value.
    pub(crate) fn step(&mut self) -> f64 {
        const MEMORY: f64 = 0.95;
        // sqrt(1 - MEMORY²) keeps the deviation at 1.
        self.value = MEMORY * self.value + 0.312_25 * self.random.gauss();
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_numbers() {
        let mut state = 1_234_567;
        let drawn: Vec<u64> = (0..5).map(|_| splitmix64(&mut state)).collect();
        // From the reference C of prng.di.unimi.it, as listed on Rosetta Code.
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(drawn, published);
    }

    #[test]
    fn xoshiro256_plus_plus_gives_the_published_numbers() {
        let mut random = Random { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..10).map(|_| random.next_u64()).collect();
        // From the reference C of prng.di.unimi.it, as used by rand_xoshiro's tests.
        let published = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ];
        assert_eq!(drawn, published);
    }

    #[test]
    fn keyed_streams_differ_and_repeat() {
        let first = |key: &[u64]| Random::keyed(7, key).next_u64();
        assert_eq!(first(&[1, 2, 3]), first(&[1, 2, 3]));
        let distinct: std::collections::HashSet<u64> = (0..10_000).map(|n| first(&[n / 100, n % 100])).collect();
        assert_eq!(distinct.len(), 10_000);
    }

    #[test]
    fn gauss_has_mean_0_and_deviation_1() {
        let mut random = Random::keyed(1, &[]);
        let draws: Vec<f64> = (0..100_000).map(|_| random.gauss()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
