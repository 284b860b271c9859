//! Names of things that do not exist, from syllables.

/// SplitMix64: small, well known, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of a list, which is not empty.
    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = self.next() % list.len().max(1) as u64;
        list.get(at as usize).copied().unwrap_or_default()
    }
}

// Combinations that English, or the places and people it speaks of, hardly use: "vl", "zh", "qu" before "o", "lm" at the end.
const STARTS: [&str; 14] = [
    "Vl", "Zh", "Kr", "Dr", "Th", "Gl", "Sk", "Br", "Z", "V", "Q", "Tr", "Pl", "W",
];
const MIDDLES: [&str; 14] = [
    "ndr", "lv", "rth", "zg", "lm", "nv", "xt", "rq", "bl", "skr", "zm", "rf", "dl", "kv",
];
const VOWELS: [&str; 7] = ["a", "e", "i", "o", "u", "ae", "oi"];
const ENDS: [&str; 12] = [
    "lk", "x", "rn", "m", "nth", "sk", "lt", "r", "th", "ngo", "zeth", "lor",
];

/// A name of two or three syllables, like Vlandrolk.
pub fn name(random: &mut Random) -> String {
    let mut name = String::new();
    name.push_str(match random.pick(&STARTS) {
        "Q" => "Qu",
        start => start,
    });
    name.push_str(random.pick(&VOWELS));
    for _ in 0..1 + random.next() % 2 {
        name.push_str(random.pick(&MIDDLES));
        name.push_str(random.pick(&VOWELS));
    }
    name.push_str(random.pick(&ENDS));
    name
}
