// Q4_1: w = d * q + m. One vec4<u32> of nibbles a block: byte i holds weight i low and weight i + 16 high. `scales` has
// one word a block, d low and m high. A nibble is taken where it lies in its word, and d divided by that power of two,
// which is exact: it saves a shift.
const PLACES = vec4<f32>(1.0, 0.00390625, 0.0000152587890625, 0.000000059604644775390625);

fn nibbles(word: u32, d: vec4<f32>, m: vec4<f32>) -> vec4<f32> {
    let q = vec4<i32>(bitcast<i32>(word)) & vec4<i32>(0x0f, 0x0f00, 0x0f0000, 0x0f000000);
    return fma(vec4<f32>(q), d, m);
}

fn block(b: u32, row: u32) -> Block {
    let at = b * dims.rows + row;
    let q = quads[at];
    let s = halves(scales[at]);
    let d = s.x * PLACES;
    let m = vec4<f32>(s.y);
    let h = q >> vec4<u32>(4u);
    return Block(
        nibbles(q.x, d, m), nibbles(q.y, d, m), nibbles(q.z, d, m), nibbles(q.w, d, m),
        nibbles(h.x, d, m), nibbles(h.y, d, m), nibbles(h.z, d, m), nibbles(h.w, d, m),
    );
}
