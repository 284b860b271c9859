// F32: eight vec4<u32> of floats a block.
fn block(b: u32, row: u32) -> Block {
    let at = 8u * b * dims.rows + row;
    let n = dims.rows;
    return Block(
        bitcast<vec4<f32>>(quads[at]), bitcast<vec4<f32>>(quads[at + n]),
        bitcast<vec4<f32>>(quads[at + 2u * n]), bitcast<vec4<f32>>(quads[at + 3u * n]),
        bitcast<vec4<f32>>(quads[at + 4u * n]), bitcast<vec4<f32>>(quads[at + 5u * n]),
        bitcast<vec4<f32>>(quads[at + 6u * n]), bitcast<vec4<f32>>(quads[at + 7u * n]),
    );
}
