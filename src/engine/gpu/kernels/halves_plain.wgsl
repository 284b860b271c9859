// Two half-precision numbers as f32, on any adapter.
fn halves(word: u32) -> vec2<f32> {
    return unpack2x16float(word);
}
