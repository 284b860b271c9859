// Nibbles: one vec4<u32> a block: byte i holds weight i low and weight i + 16 high. A nibble is taken where it lies in its word,
// and d divided by that power of two, which is exact: it saves a shift.
const PLACES = vec4<f32>(1.0, 0.00390625, 0.0000152587890625, 0.000000059604644775390625);

fn nibbles(word: u32, d: vec4<f32>, m: vec4<f32>) -> vec4<f32> {
    let q = vec4<i32>(bitcast<i32>(word)) & vec4<i32>(0x0f, 0x0f00, 0x0f0000, 0x0f000000);
    return fma(vec4<f32>(q), d, m);
}

fn block(b: u32, row: u32) -> Block {
    let at = b * dims.rows + row;
    let q = quads[at];
    let s = scale(at);
    let d0 = s.x * PLACES;
    let m0 = vec4<f32>(s.y);
    let d1 = s.z * PLACES;
    let m1 = vec4<f32>(s.w);
    let h = q >> vec4<u32>(4u);
    return Block(
        nibbles(q.x, d0, m0), nibbles(q.y, d0, m0), nibbles(q.z, d0, m0), nibbles(q.w, d0, m0),
        nibbles(h.x, d1, m1), nibbles(h.y, d1, m1), nibbles(h.z, d1, m1), nibbles(h.w, d1, m1),
    );
}
