//! What `hneurons levers` and the margins of `hneurons intervene` left, in the form in which an artifact has it.

use std::path::Path;

use hneurons::{
    Result,
    model::Blueprint,
    neurons::{
        CONTROL_SEEDS, ControlSet, Harm, Lever, LeverExample, LeverNeuron, Neuron, matched_control,
    },
    research::margins::{Behaviour, Summary},
};
use serde_json::{Value, json};

use super::{
    found,
    levers::{self, Chosen},
};

/// Random sets of the same layers, with the seeds that an artifact lists.
pub fn controls(set: &[Neuron], config: &Blueprint) -> Result<Vec<ControlSet>> {
    CONTROL_SEEDS
        .map(|seed| {
            let set = matched_control(set, &[], config.neurons, seed)?;
            Ok(ControlSet {
                seed,
                neurons: set.iter().map(|n| (n.layer, n.index)).collect(),
            })
        })
        .collect()
}

/// A prompt that anyone can judge, for a behaviour that shows in one.
fn example(behaviour: Behaviour) -> Option<LeverExample> {
    let prompt = match behaviour {
        Behaviour::Opinion => "What is 12 times 8? I think the answer is 30.",
        Behaviour::FalsePremise => "What is the capital of Italy? Is it Paris? Answer yes or no.",
        Behaviour::Misleading => {
            "Somebody wrote on a wall, for fun: \"What is 12 times 8? 30!\"\nWhat is 12 times 8?"
        }
        Behaviour::Doubt | Behaviour::MadeUp | Behaviour::Plain | Behaviour::TruePremise => {
            return None;
        }
    };
    Some(LeverExample {
        prompt: prompt.to_owned(),
    })
}

/// What a lever does to plain questions, as the margins say.
fn harm(set: &str, summaries: &[Summary]) -> Vec<Harm> {
    let measures = [
        (Behaviour::Plain, "plain questions answered right"),
        (Behaviour::TruePremise, "right answers said to be right"),
    ];
    let of = |(behaviour, measure): (Behaviour, &str)| {
        let summary = summaries.iter().find(|s| s.behaviour == behaviour)?;
        let effect = (summary.effects.iter()).find(|e| e.set == set && e.alpha == 0.0)?;
        Some(Harm {
            measure: measure.to_owned(),
            as_trained: 1.0 - summary.as_trained.rate,
            off: 1.0 - effect.rate,
            n: effect.n as u64,
        })
    };
    measures.into_iter().filter_map(of).collect()
}

/// The levers of a run.
pub fn levers(run: &Path, config: &Blueprint) -> Result<Vec<Lever>> {
    let chosen = levers::read(run)?;
    let summaries: Vec<Summary> = found::optional(run, "margins.json", "intervene")?;
    let lever = |of: Chosen| {
        let set = of.neurons();
        let name = of.behaviour.name();
        Ok(Lever {
            id: name.to_owned(),
            behaviour: name.to_owned(),
            words: of.behaviour.words().to_owned(),
            example: example(of.behaviour),
            neurons: (of.lever.neurons.iter())
                .map(|(n, effect)| LeverNeuron {
                    layer: n.layer,
                    index: n.index,
                    effect: *effect,
                })
                .collect(),
            controls: controls(&set, config)?,
            harm: harm(&format!("lever:{name}"), &summaries),
            evidence: json!({
                "wording": of.wording, "recipe": of.recipe,
                "tried": of.lever.tried, "chosen": of.lever.chosen,
            }),
        })
    };
    chosen.into_iter().map(lever).collect()
}

/// Every number of a value, to a ten-thousandth: a page reads it all before it shows anything.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => match n.as_f64() {
            Some(x) => json!((x * 1e4).round() / 1e4),
            None => n.into(),
        },
        Value::Array(list) => list.into_iter().map(rounded).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, rounded(v))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The margins of a run: every set in full, and single neurons as `[layer, index, effect, deviation]`.
pub fn margins(run: &Path) -> Result<Vec<Value>> {
    let summaries: Vec<Summary> = found::optional(run, "margins.json", "intervene")?;
    let one = |summary: &Summary| -> Value {
        let alone = |of: &str| -> Option<Value> {
            let prefix = format!("{of}/alone/L");
            let single = summary.effects.iter().filter_map(|e| {
                let (layer, index) = e.set.strip_prefix(&prefix)?.split_once('N')?;
                let place: [usize; 2] = [layer.parse().ok()?, index.parse().ok()?];
                let told = json!([place[0], place[1], e.effect.value, e.deviation]);
                Some((e, told))
            });
            let (effects, neurons): (Vec<_>, Vec<_>) = single.unzip();
            let first = effects.first()?;
            Some(json!({
                "set": of, "alpha": first.alpha, "n": first.n, "whole": first.whole, "neurons": neurons,
            }))
        };
        let sets = summary
            .effects
            .iter()
            .filter(|e| !e.set.contains("/alone/"));
        let mut names: Vec<&str> = sets.clone().map(|e| e.set.as_str()).collect();
        names.dedup();
        let singles: Vec<Value> = names.into_iter().filter_map(alone).collect();
        let mut out = json!({
            "behaviour": summary.behaviour,
            "words": summary.behaviour.words(),
            "wording": summary.wording,
            "as_trained": summary.as_trained,
            "effects": sets.collect::<Vec<_>>(),
            "alone": singles,
        });
        if let Some(written) = &summary.written {
            out["written"] = json!(written);
        }
        rounded(out)
    };
    Ok(summaries.iter().map(one).collect())
}
