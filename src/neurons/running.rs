//! The detector's probability over an answer that grows token by token.

use std::collections::VecDeque;

use serde::Serialize;

use super::{
    Detector,
    detector::probability,
    span::{Membership, Span},
};

/// The pulls of the tokens of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    tokens: usize,
    pulls: f64,
}

impl Sum {
    fn add(&mut self, pull: f64) {
        self.tokens += 1;
        self.pulls += pull;
    }
}

/// What the span of an answer is now, as far as it was not told before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanNews {
    /// The first token told of; what was told of those before it stands, and of those from it on it does not.
    pub from: usize,
    /// For each token from there on that was read: 1 in a word, 2 in a new word of the first sentence, 3 in both, else 0.
    pub words: Vec<u8>,
    /// Whether the detector reads the new words only. Where there are none, it reads all words.
    pub new_words: bool,
}

/// What the detector makes of an answer in progress. A token costs the same whether it is the tenth or the four thousandth:
/// tokens whose place in the span can no longer change are kept as sums.
#[derive(Debug, Clone)]
pub struct RunningScore {
    detector: Detector,
    base: f64,
    span: Span,
    /// Of the settled tokens: those in any word, and those in new words of the first sentence.
    words: Sum,
    new_words: Sum,
    /// The pulls of the tokens that are not settled, as many as the span has of them.
    open: VecDeque<f64>,
    /// Settled tokens that were not told of as such, and how many were.
    untold: Vec<Membership>,
    told: usize,
}

impl RunningScore {
    /// An answer to `question` of which nothing is known.
    pub fn new(detector: Detector, question: &str) -> Self {
        Self {
            base: detector.base(),
            detector,
            span: Span::new(question),
            words: Sum::default(),
            new_words: Sum::default(),
            open: VecDeque::new(),
            untold: Vec::new(),
            told: 0,
        }
    }

    /// The answer's next token was read: its text, and its contributions in the order of [`Detector::neurons`]. Gives its
    /// [`Detector::pull`].
    pub fn read(&mut self, text: &str, contributions: &[f32]) -> f64 {
        let pull = self.detector.pull(contributions);
        self.span.push(text);
        self.open.push_back(pull);
        for token in self.span.take_settled() {
            self.untold.push(token);
            let Some(pull) = self.open.pop_front() else {
                continue;
            };
            if token.word {
                self.words.add(pull);
            }
            if token.new_word {
                self.new_words.add(pull);
            }
        }
        pull
    }

    /// The log-odds that the answer is a hallucination, over what was read of its span; `None` while that is nothing.
    pub fn log_odds(&self) -> Option<f64> {
        let new_words = self.span.has_new_words();
        let mut sum = if new_words {
            self.new_words
        } else {
            self.words
        };
        for (&pull, token) in self.open.iter().zip(self.span.unsettled()) {
            if token.in_span(new_words) {
                sum.add(pull);
            }
        }
        (sum.tokens > 0).then(|| self.base + sum.pulls / sum.tokens as f64)
    }

    /// [`RunningScore::log_odds`] as a probability.
    pub fn score(&self) -> Option<f64> {
        self.log_odds().map(probability)
    }

    /// Which tokens [`RunningScore::score`] is taken over, as far as it was not told before.
    pub fn take_span(&mut self) -> SpanNews {
        let from = self.told;
        self.told += self.untold.len();
        let settled = self.untold.drain(..);
        SpanNews {
            from,
            words: settled
                .chain(self.span.unsettled())
                .map(Membership::bits)
                .collect(),
            new_words: self.span.has_new_words(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::*, *};

    /// A detector of three neurons, calibrated or not.
    fn detector(calibration: Option<Calibration>) -> Detector {
        let terms = [
            (0, 0.7, 0.01, 0.02),
            (5, -1.3, 0.2, 0.05),
            (9, 0.4, 0.0, 0.3),
        ];
        let spec = DetectorSpec {
            bias: -0.3,
            feature: "mean_contribution".into(),
            feature_version: FEATURE_VERSION,
            span: "answer_words".into(),
            terms: terms
                .map(|(index, weight, mean, std)| DetectorTerm {
                    layer: 1,
                    index,
                    weight,
                    mean,
                    std,
                })
                .to_vec(),
            calibration,
        };
        Detector { spec }
    }

    /// Contributions that depend on the token's place only.
    fn contributions(at: usize) -> [f32; 3] {
        [3, 7, 11].map(|k| (at * k % 13) as f32 / 40.0)
    }

    /// The tokens that are read, and the mean of their contributions.
    fn means(inside: &[bool]) -> Option<Vec<f64>> {
        let read: Vec<_> = (0..inside.len()).filter(|&i| inside[i]).collect();
        let mean = |j: usize| {
            let sum: f64 = read.iter().map(|&i| f64::from(contributions(i)[j])).sum();
            sum / read.len() as f64
        };
        (!read.is_empty()).then(|| (0..3).map(mean).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// At every length: what the tokens add is the score's log-odds, and the span as told step by step is that of the whole.
        #[test]
        fn shares_are_of_the_span_and_sum_to_the_log_odds(
            tokens in prop::collection::vec("[ab' .!?\n’éİ3-]{0,4}|The|Japan| is|[ab']{20,40}", 0..14),
            question in "(Is |the |ab |a'b |İ)*",
            calibrated: bool,
            // Steps of which the span is not asked.
            silent in prop::collection::vec(prop::bool::weighted(0.2), 14),
        ) {
            let calibration = calibrated.then_some(Calibration { slope: 0.5, intercept: 0.1 });
            let detector = detector(calibration);
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let mut score = RunningScore::new(detector.clone(), &question);
            let mut shares = Shares::default();
            for (i, token) in tokens.iter().enumerate() {
                let pull = score.read(token, &contributions(i));
                prop_assert_eq!(pull, detector.pull(&contributions(i)));
                shares.read(pull);
                if silent[i] {
                    continue;
                }
                shares.tell(&score.take_span());
                let inside = answer_words(&question, &tokens[..=i]);
                let told: Vec<bool> = (0..=i).map(|i| shares.is_read(i)).collect();
                prop_assert_eq!(&told, &inside, "{:?}", &tokens[..=i]);
                prop_assert!(shares.words().iter().all(|&w| w != 2), "a new word is a word");
                let sum: f64 = shares.shares().iter().sum();
                match means(&inside) {
                    None => prop_assert_eq!(score.score(), None),
                    Some(means) => {
                        let p = detector.score(&means);
                        let odds = (p / (1.0 - p)).ln();
                        prop_assert!((detector.base() + sum - odds).abs() < 1e-9);
                        prop_assert!((score.log_odds().unwrap() - odds).abs() < 1e-9);
                        prop_assert!((score.score().unwrap() - p).abs() < 1e-12);
                    }
                }
            }
        }
    }

    /// However long the answer is, and be it one word, no more is told of than can still change.
    #[test]
    fn what_is_told_of_a_long_answer_does_not_grow() {
        for text in ["ab", " and", "x", "'a"] {
            let mut score = RunningScore::new(detector(None), "What is it?");
            let mut most = 0;
            for i in 0..5000 {
                score.read(text, &contributions(i));
                most = most.max(score.take_span().words.len());
            }
            assert!(most < 60, "{text:?}: {most} tokens");
        }
    }
}
