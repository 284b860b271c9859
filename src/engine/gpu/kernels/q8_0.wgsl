// Q8_0: w = d * q. Two vec4<u32> of signed bytes a block; `scales` has the halves d of two blocks in a word. A byte is
// moved to the top of a word, which keeps its sign, and d divided by 2^24, which is exact.
fn signed_bytes(word: u32, d: f32) -> vec4<f32> {
    let q = vec4<i32>(vec4<u32>(word << 24u, word << 16u, word << 8u, word) & vec4<u32>(0xff000000u));
    return vec4<f32>(q) * d;
}

fn block(b: u32, row: u32) -> Block {
    let at = 2u * b * dims.rows + row;
    let p = quads[at];
    let q = quads[at + dims.rows];
    let d = half_of(b * dims.rows + row) * 0.000000059604644775390625;
    return Block(
        signed_bytes(p.x, d), signed_bytes(p.y, d), signed_bytes(p.z, d), signed_bytes(p.w, d),
        signed_bytes(q.x, d), signed_bytes(q.y, d), signed_bytes(q.z, d), signed_bytes(q.w, d),
    );
}
