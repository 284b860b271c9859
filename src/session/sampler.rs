//! How a lane's next token is drawn.

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling as CandleSampling};

use super::Sampling;
use crate::{
    engine::{Choice, math},
    error::{Error, Result},
};

/// Draws the tokens of one lane.
pub(crate) struct Sampler {
    draw: LogitsProcessor,
    temperature: f64,
}

/// What draws as `sampling` says; nothing where the most probable token is taken.
pub(crate) fn sampler(sampling: &Sampling) -> Option<Sampler> {
    let temperature = sampling.temperature;
    if temperature == 0.0 {
        return None;
    }
    let how = match (sampling.top_k, sampling.top_p) {
        (None, None) => CandleSampling::All { temperature },
        (Some(k), None) => CandleSampling::TopK { k, temperature },
        (None, Some(p)) => CandleSampling::TopP { p, temperature },
        (Some(k), Some(p)) => CandleSampling::TopKThenTopP { k, p, temperature },
    };
    Some(Sampler {
        draw: LogitsProcessor::from_sampling(sampling.seed, how),
        temperature,
    })
}

/// The next token; without a sampler the most probable one, the lowest id of several.
///
/// Probabilities are the engine's own `softmax(logits / temperature)`, in which every machine gets the same bits; candle
/// draws from them. Its generator is rand's `StdRng`, whose numbers are the same everywhere as long as the version of rand
/// is, which Cargo.lock pins.
///
/// # Errors
/// [`ErrorKind::Input`] where candle cannot draw.
pub(crate) fn choose(sampler: Option<&mut Sampler>, logits: &[f32]) -> Result<u32> {
    let Some(Sampler { draw, temperature }) = sampler else {
        return Ok(Choice::of(logits).id);
    };
    Tensor::from_slice(logits, logits.len(), &Device::Cpu)
        .and_then(|t| draw.sample_f(&t, |p| math::softmax_at(logits, *temperature, p)))
        .map_err(|e| {
            // candle's errors carry a backtrace behind their first line.
            let why = e.to_string();
            Error::input(format!(
                "no token could be drawn ({}): choose another temperature",
                why.lines().next().unwrap_or_default()
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_logits_the_lowest_id_is_chosen() {
        assert_eq!(Choice::of(&[1.0, 3.0, 3.0, 2.0]).id, 1);
        // What is no number is not chosen, if there is one; the GPU does the same.
        assert_eq!(Choice::of(&[f32::NAN, 1.0]).id, 1);
        assert_eq!(Choice::of(&[f32::NAN, f32::NAN]).id, 0);
    }

    #[test]
    fn draws_repeat_with_their_seed() {
        let logits: Vec<f32> = (0..100).map(|i| (i as f32 * 0.3).sin()).collect();
        let draw = |seed| {
            let mut s = sampler(&Sampling {
                temperature: 1.0,
                seed,
                ..Sampling::greedy()
            });
            (0..20)
                .map(|_| choose(s.as_mut(), &logits).expect("finite logits"))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}
