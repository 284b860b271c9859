// Q4_0: w = d * (q - 8). Nibbles as in Q4_1; `scales` has the halves d of two blocks in a word.
const PLACES = vec4<f32>(1.0, 0.00390625, 0.0000152587890625, 0.000000059604644775390625);

fn nibbles(word: u32, d: vec4<f32>, m: vec4<f32>) -> vec4<f32> {
    let q = vec4<i32>(bitcast<i32>(word)) & vec4<i32>(0x0f, 0x0f00, 0x0f0000, 0x0f000000);
    return fma(vec4<f32>(q), d, m);
}

fn block(b: u32, row: u32) -> Block {
    let at = b * dims.rows + row;
    let q = quads[at];
    let scale = half_of(at);
    let d = scale * PLACES;
    let m = vec4<f32>(-8.0 * scale);
    let h = q >> vec4<u32>(4u);
    return Block(
        nibbles(q.x, d, m), nibbles(q.y, d, m), nibbles(q.z, d, m), nibbles(q.w, d, m),
        nibbles(h.x, d, m), nibbles(h.y, d, m), nibbles(h.z, d, m), nibbles(h.w, d, m),
    );
}
