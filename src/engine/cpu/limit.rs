//! What this machine could do at best: the matrix kernels alone over the model's weights, and plain reading of them.
//! Benchmarks hold the engine against it.

use super::{Cpu, Matrix, Model, activations::Activations, kernels};
use crate::model::LayerWeights;

/// Tokens per second that a part of the work alone would allow.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Limit {
    /// The kernels with one token, as when a token is decoded: every matrix once.
    pub kernel_tps: f64,
    /// The kernels with 32 tokens, as when a prompt is read; the unembedding left out.
    pub prefill_kernel_tps: f64,
    /// Reading every byte of the matrices once.
    pub read_tps: f64,
}

/// Tokens of a piece of prompt.
const PROMPT: usize = 32;

impl Model {
    fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        self.weights.layers.iter().flat_map(LayerWeights::matrices)
    }
}

impl Cpu {
    /// Measures each for about `seconds`, turn by turn; `now` is a clock in seconds.
    pub fn limit(&self, seconds: f64, now: impl Fn() -> f64) -> Limit {
        let one = Work::new(&self.model, 1);
        let many = Work::new(&self.model, PROMPT);
        let mut out = Vec::new();
        let mut times = [0f64; 3];
        let mut turns = 0;
        while turns == 0 || times.iter().sum::<f64>() < 3.0 * seconds {
            for (i, time) in times.iter_mut().enumerate() {
                let begin = now();
                match i {
                    0 => {
                        self.model
                            .matrices()
                            .for_each(|m| one.multiply(m, &mut out));
                        one.multiply(self.model.weights.unembedding(), &mut out);
                    }
                    1 => self
                        .model
                        .matrices()
                        .for_each(|m| many.multiply(m, &mut out)),
                    _ => {
                        let all = self
                            .model
                            .matrices()
                            .chain([self.model.weights.unembedding()]);
                        std::hint::black_box(all.fold(0, |sum, m| sum ^ mix(m.bytes())));
                    }
                }
                *time += now() - begin;
            }
            turns += 1;
        }
        let per = |time: f64, tokens: usize| f64::from(turns) * tokens as f64 / time;
        Limit {
            kernel_tps: per(times[0], 1),
            prefill_kernel_tps: per(times[1], PROMPT),
            read_tps: per(times[2], 1),
        }
    }
}

/// Activations of every width that the model has.
struct Work<'a> {
    model: &'a Model,
    of: Vec<Activations>,
}

impl<'a> Work<'a> {
    fn new(model: &'a Model, tokens: usize) -> Self {
        let c = &model.config;
        let of = [c.hidden, c.neurons]
            .map(|width| {
                let values: Vec<f32> = (0..tokens * width)
                    .map(|i| (i * 7919 % 4001) as f32 / 2000.0 - 1.0)
                    .collect();
                let mut x = Activations::default();
                x.load(&values, width);
                x
            })
            .into();
        Self { model, of }
    }

    fn multiply(&self, w: &Matrix, out: &mut Vec<f32>) {
        if let Some(x) = self.of.iter().find(|x| x.width() == w.columns()) {
            out.resize(w.rows() * x.tokens(), 0.0);
            kernels::matmul(self.model.isa, w, x, out);
        }
    }
}

/// Combines all words, so that none may be left unread.
fn mix(bytes: &[u8]) -> u64 {
    let mut sums = [0u64; 8];
    for chunk in bytes.as_chunks::<64>().0 {
        for (sum, word) in sums.iter_mut().zip(chunk.as_chunks::<8>().0) {
            *sum ^= u64::from_le_bytes(*word);
        }
    }
    sums.iter().fold(0, |a, b| a ^ b)
}
