//! `origins` on a pair made on the spot: a model, and a copy in which some neurons were turned and all others only scaled.

mod common;

use std::io::Cursor;

use candle_core::quantized::{GgmlDType, gguf_file::Content};
use common::tiny::{HIDDEN, LAYERS, NEURONS, Tiny};
use hneurons::{model::ModelFile, neurons::Neuron, research::origins::change};

#[test]
fn neurons_that_were_turned_are_told_from_those_that_were_scaled() {
    let base = Tiny::new(GgmlDType::F32).write();
    let content = Content::read(&mut Cursor::new(&base)).expect("a header");
    let mut tuned = base.clone();
    let turned: Vec<Neuron> = (0..LAYERS)
        .flat_map(|layer| {
            (0..8).map(move |i| Neuron {
                layer,
                index: 5 + 13 * i,
            })
        })
        .collect();
    for layer in 0..LAYERS {
        let info = &content.tensor_infos[&format!("blk.{layer}.ffn_up.weight")];
        let start = (content.tensor_data_offset + info.offset) as usize;
        for index in 0..NEURONS {
            let row = &mut tuned[start + index * HIDDEN * 4..][..HIDDEN * 4];
            let own = turned.contains(&Neuron { layer, index });
            for (c, w) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let factor = if own && c < HIDDEN / 2 { -1.0 } else { 2.0 };
                *w = (factor * f32::from_le_bytes(*w)).to_le_bytes();
            }
        }
    }
    let base = ModelFile::parse(base).expect("a model");
    let tuned = ModelFile::parse(tuned).expect("a model");
    let change = change(&base, &tuned).expect("of one shape");
    let of = |set: &[Neuron]| change.moved(set, 200).expect("room for controls");
    let moved = of(&turned);
    assert!(moved.mean_rank > 0.7, "{}", moved.mean_rank);
    assert!(moved.p < 0.01, "{}", moved.p);
    let others: Vec<Neuron> = turned
        .iter()
        .map(|n| Neuron {
            index: n.index + 1,
            ..*n
        })
        .collect();
    let stayed = of(&others);
    assert!(stayed.mean_rank < 0.5, "{}", stayed.mean_rank);
    // W_down is the same: every neuron shares the middle rank there.
    assert!(change.down.iter().all(|v| *v < 1e-6));
}

#[test]
fn models_of_different_shapes_are_refused() {
    let base = ModelFile::parse(Tiny::new(GgmlDType::F32).write()).expect("a model");
    let e = change(&base, &common::model())
        .err()
        .expect("another shape");
    assert!(e.to_string().contains("give the base"), "{e}");
}
