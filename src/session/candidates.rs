//! Which tokens could come next, and how probable they are.

use serde::Serialize;

use crate::{engine::math, text::Tokenizer};

/// A token that could come next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// The token's own bytes as text. What is no whole character without the tokens beside it is U+FFFD; a special token has its
    /// spelling, as `<|im_end|>`.
    pub text: String,
    /// Its probability at temperature 1, of the whole vocabulary.
    pub p: f64,
}

/// The `n` most probable tokens by `logits`, one a token of the vocabulary, the most probable first; of equals the lowest id is
/// first. None where there are no logits.
pub(crate) fn most_probable(logits: &[f32], n: usize, text: &Tokenizer) -> Vec<Candidate> {
    if n == 0 || logits.is_empty() {
        return Vec::new();
    }
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(n + 1);
    for (id, &logit) in (0u32..).zip(logits) {
        // Most are below the last of those kept.
        if best.len() == n && best[n - 1].1 >= logit || logit.is_nan() {
            continue;
        }
        let at = best.partition_point(|&(_, kept)| kept >= logit);
        best.insert(at, (id, logit));
        best.truncate(n);
    }
    let normalizer = math::log_sum_exp(logits, math::maximum(logits));
    best.into_iter()
        .map(|(id, logit)| Candidate {
            id,
            text: String::from_utf8_lossy(text.bytes(id)).into_owned(),
            p: libm::exp(f64::from(logit) - normalizer),
        })
        .collect()
}
