// What a block's integers are multiplied by and what is added, of its first 16 weights (x, y) and of the others (z, w).
//% if CENTRED
// d (q - CENTRE). A word has the halves d of two blocks.
fn scale(at: u32) -> vec4<f32> {
    let d = half_of(at);
    let m = -f32(CENTRE) * d;
    return vec4<f32>(d, m, d, m);
}
//% end
//% if PLAIN
// d q. A word has the halves d of two blocks.
fn scale(at: u32) -> vec4<f32> {
    let d = half_of(at);
    return vec4<f32>(d, 0.0, d, 0.0);
}
//% end
//% if MINIMUM
// d q + m. A word a block, d low and m high.
fn scale(at: u32) -> vec4<f32> {
    return halves(scales[at]).xyxy;
}
//% end
//% if SUPER16
// d s q. A word a block: d low, then the bytes s.
fn scale(at: u32) -> vec4<f32> {
    let word = scales[at];
    let d = halves(word & 0xffffu).x;
    let s = vec2<f32>(vec2<i32>(bitcast<i32>(word << 8u), bitcast<i32>(word)) >> vec2<u32>(24u));
    return vec4<f32>(d * s.x, 0.0, d * s.y, 0.0);
}
//% end
//% if FACTORS
// d s q + m n. Two words a block: d low and m high; then bytes: s of both parts, n of both parts.
fn scale(at: u32) -> vec4<f32> {
    let h = halves(scales[2u * at]);
    let word = bitcast<i32>(scales[2u * at + 1u]);
    let f = vec4<f32>((vec4<i32>(word) << vec4<u32>(24u, 8u, 16u, 0u)) >> vec4<u32>(24u));
    return h.xyxy * f;
}
//% end
