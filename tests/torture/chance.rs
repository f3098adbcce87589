//! Where and how often: numbers that look like chance, and are the same with the same seed.

use std::time::{Duration, Instant};

/// The generator `SplitMix64`: small, and good enough to spread moments.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).expect("below `end`")
    }

    /// A moment within `whole`.
    pub(super) fn moment(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(f64::from(self.below(10_000)) / 10_000.0)
    }
}

/// How much is to be done, by the environment: what `scripts/torture` sets.
pub(super) struct Extent {
    pub(super) rounds: usize,
    pub(super) seed: u64,
    end: Option<Instant>,
}

impl Extent {
    /// So many rounds unless the variable says another number.
    pub(super) fn of(variable: &str, rounds: usize) -> Extent {
        Extent::share(variable, rounds, 1)
    }

    /// The same for one of so many kinds that share a number.
    pub(super) fn share(variable: &str, rounds: usize, kinds: usize) -> Extent {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<u64>().expect("a number in the environment"))
        };
        let asked = number(variable).map(|n| usize::try_from(n).expect("a number"));
        let rounds = asked.map_or(rounds, |asked| asked.div_ceil(kinds));
        let seconds = number("WAYBILL_TORTURE_SECONDS").map(Duration::from_secs);
        Extent {
            rounds,
            seed: number("WAYBILL_TORTURE_SEED").unwrap_or(1),
            end: seconds.map(|seconds| Instant::now() + seconds),
        }
    }

    /// The rounds, each with chances of its own, until there is no time left. A round that fails
    /// can be had again alone by its seed.
    pub(super) fn rounds(&self) -> impl Iterator<Item = (usize, Chance)> + '_ {
        let is_left = |_: &usize| self.end.is_none_or(|end| Instant::now() < end);
        let rounds = (0..self.rounds).take_while(is_left);
        rounds.map(|round| {
            let seed = self.seed.wrapping_add(round as u64);
            let mut chance = Chance::new(seed);
            chance.next();
            (round, chance)
        })
    }
}
