// Where an architecture normalizes what attention or the MLP adds to the stream: RMSNorm of the vectors that the projection
// left, added to the stream; then, as in residual.wgsl, the next norm's weight and the sum of squares. One workgroup a token.

@group(0) @binding(0) var<uniform> dims: Dims;
// What is to be added, tokens x hidden, rows padded to whole blocks.
@group(0) @binding(1) var<storage, read> added: array<f32>;
// This norm's weight, and the next one's.
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> next: array<f32>;
// See residual.wgsl.
@group(0) @binding(4) var<storage, read_write> stream: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;

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
    let row = token * dims.hidden_stride;
    var squares = 0.0;
    for (var i = local; i < dims.hidden; i += 64u) {
        squares = fma(added[row + i], added[row + i], squares);
    }
    let scale = 1.0 / sqrt(all_sum(squares, local) / f32(dims.hidden) + dims.eps);
    squares = 0.0;
    for (var i = local; i < dims.hidden; i += 64u) {
        let sum = stream[row + i] + added[row + i] * scale * weight[i];
        stream[row + i] = sum;
        stream[dims.capacity * dims.hidden_stride + row + i] = sum * next[i];
        squares = fma(sum, sum, squares);
    }
    let total = all_sum(squares, local);
    for (var i = local; i < dims.tiles; i += 64u) {
        partials[token * dims.tiles + i] = select(0.0, total, i == 0u);
    }
}
