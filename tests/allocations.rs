//! Decoding allocates next to nothing: a pass keeps its working memory from token to token.

mod common;

use hneurons::engine::{Edits, Engine, Logits, Neuron, Watch, cpu::Cpu};

/// Bytes a token may take: what a reading is handed over in, and no row of the model (the smallest has 2,304 bytes).
const MOST: u64 = 2048;

#[test]
fn a_token_takes_no_working_memory_of_its_own() {
    let mut cpu = Cpu::new(&common::model()).expect("the CPU engine");
    let neurons: Vec<Neuron> = (common::artifact().neurons.iter())
        .map(|n| Neuron {
            layer: n.layer,
            index: n.index,
        })
        .collect();
    let edits = Edits::scale(&neurons, 0.0, cpu.blueprint()).expect("the edits fit");
    for (what, edits, watch) in [
        ("as trained", Edits::none(), Watch::None),
        ("silenced and shown", edits, Watch::Chosen(neurons)),
    ] {
        let lane = cpu.open(&edits).expect("a lane");
        let mut token = 504;
        let mut step = |tokens: &[u32]| {
            let reading = common::feed(&mut cpu, lane, tokens, Logits::Choice, &watch);
            token = reading.choice.expect("a choice").id;
            token
        };
        let mut next = step(&[1; 40]);
        let mut bytes: Vec<u64> = (0..40)
            .map(|_| allocation_counter::measure(|| next = step(&[next])).bytes_total)
            .collect();
        // The cache of keys and values grows by doubling, so once in a while; a median does not see it.
        bytes.sort_unstable();
        println!("{what}: {} bytes a token, at most {}", bytes[20], bytes[39]);
        assert!(bytes[20] <= MOST, "{what}: {} bytes a token", bytes[20]);
    }
}
