// The beginning of a batch: looks up each token's embedding, scales it, multiplies it by the first norm's weight and sums its
// squares. One workgroup a token. A token may be the one that its lane chose in an earlier submission.

@group(0) @binding(4) var<storage, read> batch: array<u32>;
// The last token chosen in each slot.
@group(0) @binding(5) var<storage, read> chosen: array<u32>;
@group(0) @binding(6) var<storage, read> weight: array<f32>;
// See residual.wgsl.
@group(0) @binding(7) var<storage, read_write> stream: array<f32>;
@group(0) @binding(8) var<storage, read_write> partials: array<f32>;
@group(0) @binding(9) var<storage, read_write> report: array<u32>;

fn put(to: u32, column: u32, v: vec4<f32>) -> f32 {
    var squares = 0.0;
    for (var i = 0u; i < 4u; i++) {
        if (column + i < dims.hidden) {
            let x = v[i] * dims.embedding_scale;
            stream[to + column + i] = x;
            stream[dims.capacity * dims.hidden_stride + to + column + i] = x * weight[column + i];
            squares = fma(x, x, squares);
        }
    }
    return squares;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
//% if SUBGROUPS
    @builtin(subgroup_invocation_id) member: u32,
//% end
) {
//% if SUBGROUPS
    leads = member == 0u;
//% end
    let token = group.x;
    let place = token * PLACE;
    var id = batch[place + 2u];
    if (id == CHOSEN) {
        id = chosen[batch[place]];
    }
    id = min(id, dims.rows - 1u);
    let to = token * dims.hidden_stride;
    var squares = 0.0;
    for (var b = local; b < dims.blocks; b += 64u) {
        let w = block(b, id);
//% for i in 8
        squares += put(to, b * 32u + $iu * 4u, w[$i]);
//% end
    }
    let sum = all_sum(squares, local);
    for (var i = local; i < dims.tiles; i += 64u) {
        partials[token * dims.tiles + i] = select(0.0, sum, i == 0u);
    }
    if (token == 0u && local == 0u) {
        report[0] = frame.ticket;
    }
}
