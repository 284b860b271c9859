//! What each token of an answer adds to the detector's log-odds, put together from what the steps of a run tell.

use super::SpanNews;

/// One answer's pulls and span, as they are known now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shares {
    pulls: Vec<f64>,
    words: Vec<u8>,
    new_words: bool,
}

impl Shares {
    /// The next token was read, and has this [`super::Detector::pull`].
    pub fn read(&mut self, pull: f64) {
        self.pulls.push(pull);
    }

    /// What is news of the span.
    pub fn tell(&mut self, news: &SpanNews) {
        self.words.truncate(news.from);
        self.words.extend_from_slice(&news.words);
        self.new_words = news.new_words;
    }

    /// The pull of each token that was read.
    pub fn pulls(&self) -> &[f64] {
        &self.pulls
    }

    /// What each token that was read touches, as [`SpanNews::words`] has it.
    pub fn words(&self) -> &[u8] {
        &self.words
    }

    /// Whether the detector reads token `i`.
    pub fn is_read(&self, i: usize) -> bool {
        let bit = if self.new_words { 2 } else { 1 };
        self.words.get(i).is_some_and(|word| word & bit != 0)
    }

    /// For each token that was read its share of the log-odds: its pull by the number of tokens that the detector reads, 0 for
    /// one that it does not read. They sum to the log-odds less [`super::Detector::base`].
    pub fn shares(&self) -> Vec<f64> {
        let tokens = (0..self.pulls.len()).filter(|&i| self.is_read(i)).count();
        let share = |(i, pull): (usize, &f64)| {
            if self.is_read(i) {
                pull / tokens as f64
            } else {
                0.0
            }
        };
        self.pulls.iter().enumerate().map(share).collect()
    }
}
