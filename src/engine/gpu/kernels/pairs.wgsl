// Numbers of sixteen bits, two in a word: four vec4<u32> a block. `four` makes four numbers of two words.
fn block(b: u32, row: u32) -> Block {
    let at = 4u * b * dims.rows + row;
    let p = quads[at];
    let q = quads[at + dims.rows];
    let r = quads[at + 2u * dims.rows];
    let s = quads[at + 3u * dims.rows];
    return Block(
        four(p.x, p.y), four(p.z, p.w), four(q.x, q.y), four(q.z, q.w),
        four(r.x, r.y), four(r.z, r.w), four(s.x, s.y), four(s.z, s.w),
    );
}
