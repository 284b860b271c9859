// Signed bytes: two vec4<u32> a block. A byte is moved to the top of a word, which keeps its sign, and d divided by 2^24, which
// is exact.
fn signed_bytes(word: u32, d: f32, m: f32) -> vec4<f32> {
    let q = vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word) & vec4<u32>(0xff000000u));
//% if ADDS
    return fma(vec4<f32>(q), vec4<f32>(d), vec4<f32>(m));
//% else
    return vec4<f32>(q) * d;
//% end
}

fn block(b: u32, row: u32) -> Block {
    let at = 2u * b * dims.rows + row;
    let p = quads[at];
    let q = quads[at + dims.rows];
    let s = scale(b * dims.rows + row);
    let d0 = s.x * 0.000000059604644775390625;
    let d1 = s.z * 0.000000059604644775390625;
    return Block(
        signed_bytes(p.x, d0, s.y), signed_bytes(p.y, d0, s.y), signed_bytes(p.z, d0, s.y), signed_bytes(p.w, d0, s.y),
        signed_bytes(q.x, d1, s.w), signed_bytes(q.y, d1, s.w), signed_bytes(q.z, d1, s.w), signed_bytes(q.w, d1, s.w),
    );
}
