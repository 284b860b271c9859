//! The direct effect, and what the norms' scales add to it, against the equations written out in f64.
//!
//! That the gradient is the margin's derivative is shown from outside, in `tests/gradient.rs`.

use std::path::Path;

use super::{MarginPass, Sides, activation};
use crate::{
    engine::Edits,
    model::{Linear, ModelFile},
};

fn tiny(name: &str) -> ModelFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny_models");
    let bytes = std::fs::read(folder.join(format!("{name}.gguf"))).expect("a fixture");
    ModelFile::parse(bytes).expect("the tiny model is sound")
}

/// `g` back through `x_i s w_i`: with the scale held, `s w g`; else also `-s^3 x mean(x w g)`.
fn norm_back(x: &[f32], weight: &[f32], eps: f32, g: &[f64], held: bool) -> Vec<f64> {
    let n = x.len() as f64;
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let scaled: Vec<f64> = (weight.iter().zip(g))
        .map(|(&w, g)| f64::from(w) * g)
        .collect();
    let squares = x.iter().map(|x| x * x).sum::<f64>() / n;
    let s = (squares + f64::from(eps)).powf(-0.5);
    let along: f64 = x.iter().zip(&scaled).map(|(x, g)| x * g).sum::<f64>() / n;
    let along = if held { 0.0 } else { s * s * s * along };
    (scaled.iter().zip(&x))
        .map(|(g, x)| s * g - along * x)
        .collect()
}

/// `z_j (W_down[:, j] . g)` of every neuron.
fn written(z: &[f32], down: &Linear, g: &[f64]) -> Vec<f64> {
    let mut column = vec![0f32; g.len()];
    (z.iter().enumerate())
        .map(|(j, &z)| {
            down.matrix.dequantize_column(j, &mut column);
            let along = column.iter().zip(g).map(|(&w, g)| f64::from(w) * g);
            f64::from(z) * along.sum::<f64>()
        })
        .collect()
}

fn worst(got: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let size = wanted.iter().fold(0f64, |m, w| m.max(w.abs()));
    let off = got
        .iter()
        .zip(wanted)
        .map(|(&g, w)| (f64::from(g) - w).abs());
    off.fold(0f64, f64::max) / size
}

/// After the last layer's MLP there is nothing but one norm or two. So the gradient there is the direct effect plus what these
/// norms' scales give way, and in a layer before it the direct effect is the same equation.
#[test]
fn the_direct_effect_is_the_last_layers_gradient_with_the_norms_scales_held() {
    for name in ["llama", "qwen2", "gemma3", "ernie4_5"] {
        let file = tiny(name);
        let c = file.blueprint();
        let pass = MarginPass::new(&file).expect("room");
        let ids: Vec<u32> = (0..15).map(|i| (i * 7 + 3) % 60).collect();
        let sides = Sides {
            give: &[5, 11],
            stand: &[17, 20, 41],
        };
        let gradient = pass.gradient(&ids, &sides, &Edits::none()).expect("a pass");
        let ones = vec![1f32; c.neuron_count()];
        let trace = pass.forward(&ids, &ones).expect("a pass");
        let last = pass.last(&trace.stream);
        let read = sides.check(c.vocabulary).expect("two sides");
        let weights = file.weights();
        let read = read.read(weights, pass.final_norm(), last).expect("finite");
        let u: Vec<f64> = read.unembedded.iter().map(|&u| f64::from(u)).collect();
        for (l, layer) in weights.layers.iter().enumerate() {
            let t = &trace.layers[l];
            let of_last = |x: &[f32]| x[x.len() - c.neurons..].to_vec();
            let z = activation::z(c.activation, &of_last(&t.gate), &of_last(&t.up));
            let wanted = |held: bool| {
                let g = norm_back(last, &weights.output_norm, c.norm_eps, &u, held);
                let g = match (&layer.ffn_post_norm, &t.written) {
                    (Some(w), Some(x)) => norm_back(pass.last(x), w, c.norm_eps, &g, held),
                    (None, None) => g,
                    _ => panic!("{name}: a norm without what it was given"),
                };
                written(&z, &layer.ffn_down, &g)
            };
            let part = l * c.neurons..(l + 1) * c.neurons;
            let direct = &gradient.direct[part.clone()];
            let off = worst(direct, &wanted(true));
            assert!(
                off < 1e-5,
                "{name}: direct effect of layer {l} off by {off}"
            );
            if l + 1 == c.layers {
                let off = worst(&gradient.factors[part], &wanted(false));
                assert!(
                    off < 1e-5,
                    "{name}: gradient of the last layer off by {off}"
                );
                let apart = worst(direct, &wanted(false));
                assert!(apart > 1e-3, "{name}: the norms' scales matter: {apart}");
            }
        }
    }
}
