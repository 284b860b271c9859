// Two half-precision numbers as f32, where the adapter has shader-f16. Exact, as the plain form is.
fn halves(word: u32) -> vec2<f32> {
    return vec2<f32>(bitcast<vec2<f16>>(word));
}
