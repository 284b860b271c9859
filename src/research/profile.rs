//! What single neurons do: how large their contributions usually are, and which tokens they speak for.

use std::collections::BTreeMap;

use super::gallery::{LEAST, STEPS, STEPS_A_DECADE, step};
use crate::{
    engine::{Edits, Engine, Feed, Logits, Neuron, Watch, contributions, cpu::Cpu},
    error::{Error, Result},
    neurons::Histogram,
    text::Tokenizer,
};

/// Tokens of reference text read as one sequence.
const WINDOW: usize = 256;

/// What a neuron contributes on reference text.
pub struct Profile {
    /// Quantiles by probability as it was written ("0.5"): the value at rank `ceil(p n)` of `n`.
    pub quantiles: BTreeMap<String, f32>,
    /// The contributions, counted.
    pub histogram: Histogram,
}

/// For each neuron its contributions over all tokens of `text`: counted, and their quantiles at `probabilities`.
///
/// # Errors
/// [`crate::ErrorKind::Input`] for an empty text or a probability that is none; as [`Engine::forward`].
pub async fn reference_profiles(
    engine: &mut dyn Engine,
    tokenizer: &Tokenizer,
    text: &str,
    neurons: &[Neuron],
    probabilities: &[&str],
) -> Result<Vec<Profile>> {
    let ids = tokenizer.encode(text)?;
    if ids.is_empty() {
        return Err(Error::input("the reference text is empty: write some"));
    }
    let watch = Watch::Chosen(neurons.to_vec());
    let mut values: Vec<Vec<f32>> = vec![Vec::with_capacity(ids.len()); neurons.len()];
    for window in ids.chunks(WINDOW) {
        let lane = engine.open(&Edits::none())?;
        let feed = [Feed {
            lane,
            tokens: window,
            logits: Logits::None,
        }];
        let readings = engine.forward(&feed, &watch).await;
        engine.close(lane);
        for activity in readings?.iter().flat_map(|r| &r.activity) {
            let all = contributions(&watch, activity, engine.column_norms(), engine.blueprint());
            for (values, c) in values.iter_mut().zip(all) {
                values.push(c);
            }
        }
    }
    values
        .iter_mut()
        .map(|values| {
            values.sort_by(f32::total_cmp);
            let mut counts = vec![0u32; usize::from(STEPS) + 1];
            for &value in values.iter() {
                counts[usize::from(step(value))] += 1;
            }
            let quantiles = probabilities
                .iter()
                .map(|&name| {
                    let p: f64 = name
                        .parse()
                        .ok()
                        .filter(|p| (0.0..=1.0).contains(p))
                        .ok_or_else(|| Error::input(format!("'{name}' is no probability")))?;
                    let rank = (p * values.len() as f64).ceil() as usize;
                    Ok((name.to_owned(), values[rank.clamp(1, values.len()) - 1]))
                })
                .collect::<Result<_>>()?;
            Ok(Profile {
                quantiles,
                histogram: Histogram {
                    from: LEAST,
                    per_decade: STEPS_A_DECADE,
                    counts,
                },
            })
        })
        .collect()
}

/// The `n` tokens that begin a word whose logits a neuron raises most, and the `n` it lowers most, when `z` is positive: its column of
/// `W_down` through the final norm's weight and the unembedding, as if no layer came after it (the logit lens).
///
/// # Errors
/// [`crate::ErrorKind::Input`] for a neuron outside the model, [`crate::ErrorKind::Memory`].
pub fn promoted(
    engine: &Cpu,
    tokenizer: &Tokenizer,
    neuron: Neuron,
    n: usize,
) -> Result<(Vec<String>, Vec<String>)> {
    let effect = engine.direct_logits(neuron)?;
    // Only tokens that begin a word: pieces of words, of which there are as many, tell a reader nothing.
    let mut order: Vec<(u32, String)> = (0..effect.len() as u32)
        .filter(|&id| !tokenizer.is_special(id))
        .filter_map(|id| {
            let text = std::str::from_utf8(tokenizer.bytes(id)).ok()?;
            let word = text.strip_prefix(' ')?;
            let readable = word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
            readable.then(|| (id, text.to_owned()))
        })
        .collect();
    order.sort_by(|(a, _), (b, _)| {
        effect[*b as usize]
            .total_cmp(&effect[*a as usize])
            .then(a.cmp(b))
    });
    let texts = |tokens: &mut dyn Iterator<Item = &(u32, String)>| {
        tokens.take(n).map(|(_, text)| text.clone()).collect()
    };
    Ok((texts(&mut order.iter()), texts(&mut order.iter().rev())))
}
