// 32 weights of one row, dequantized.
alias Block = array<vec4<f32>, 8>;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> frame: Frame;
// A matrix's integers (or floats), by block, then by vec4 within the block, then by row: neighbouring threads own
// neighbouring rows and read neighbouring words.
@group(0) @binding(2) var<storage, read> quads: array<vec4<u32>>;
// Its scales, by block, then by row, where it has any; then what each row has beside it (`extra`).
@group(0) @binding(3) var<storage, read> scales: array<u32>;

// The number of a row in the list `list` that follows the scales.
fn extra(list: u32, row: u32) -> f32 {
    return bitcast<f32>(scales[dims.extras + list * dims.rows + row]);
}

fn half_of(index: u32) -> f32 {
    let pair = halves(scales[index >> 1u]);
    return select(pair.x, pair.y, (index & 1u) == 1u);
}
