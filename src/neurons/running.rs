//! The detector's probability over an answer that grows token by token.

use std::collections::VecDeque;

use super::{
    Detector,
    span::{Membership, Span},
};

/// Sums of contributions over the tokens of one kind.
#[derive(Debug, Clone, Default)]
struct Sums {
    tokens: usize,
    /// One for each of the detector's neurons.
    contributions: Vec<f64>,
}

impl Sums {
    fn add(&mut self, contributions: &[f32]) {
        self.tokens += 1;
        self.contributions.resize(contributions.len(), 0.0);
        for (sum, &c) in self.contributions.iter_mut().zip(contributions) {
            *sum += f64::from(c);
        }
    }
}

/// What the detector makes of an answer in progress. A token costs the same whether it is the tenth or the four thousandth:
/// tokens whose place in the span can no longer change are kept as sums.
#[derive(Debug, Clone)]
pub struct RunningScore {
    detector: Detector,
    span: Span,
    /// Of the settled tokens that were read: those in any word, and those in new words of the first sentence.
    words: Sums,
    new_words: Sums,
    /// Settled tokens that have not been read.
    settled: VecDeque<Membership>,
    /// The contributions of tokens that were read and are not settled.
    read: VecDeque<Vec<f32>>,
}

impl RunningScore {
    /// An answer to `question` of which nothing is known.
    pub fn new(detector: Detector, question: &str) -> Self {
        Self {
            detector,
            span: Span::new(question),
            words: Sums::default(),
            new_words: Sums::default(),
            settled: VecDeque::new(),
            read: VecDeque::new(),
        }
    }

    /// The answer's next token has this text.
    pub fn token(&mut self, text: &str) {
        self.span.push(text);
        self.settled.extend(self.span.take_settled());
        self.settle();
    }

    /// The next token that was read gave these contributions, in the order of [`Detector::neurons`].
    pub fn read(&mut self, contributions: Vec<f32>) {
        self.read.push_back(contributions);
        self.settle();
    }

    fn settle(&mut self) {
        while !self.read.is_empty()
            && let Some(token) = self.settled.pop_front()
            && let Some(contributions) = self.read.pop_front()
        {
            if token.word {
                self.words.add(&contributions);
            }
            if token.new_word {
                self.new_words.add(&contributions);
            }
        }
    }

    /// The probability that the answer is a hallucination, over what was read of its span; `None` while that is nothing.
    pub fn score(&self) -> Option<f64> {
        let new_words = self.span.has_new_words();
        let mut sums = if new_words {
            self.new_words.clone()
        } else {
            self.words.clone()
        };
        let unsettled = self.settled.iter().copied().chain(self.span.unsettled());
        for (contributions, token) in self.read.iter().zip(unsettled) {
            if token.in_span(new_words) {
                sums.add(contributions);
            }
        }
        if sums.tokens == 0 {
            return None;
        }
        let means: Vec<f64> = sums
            .contributions
            .iter()
            .map(|sum| sum / sums.tokens as f64)
            .collect();
        Some(self.detector.score(&means))
    }
}
