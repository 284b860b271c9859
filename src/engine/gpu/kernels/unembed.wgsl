// The final RMSNorm and the unembedding, of the tokens that are to have logits.

@group(0) @binding(4) var<storage, read> x: array<Input>;
@group(0) @binding(6) var<storage, read> batch: array<u32>;
// wanted x vocabulary.
@group(0) @binding(7) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(ROWS * SPLITS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
//% if SHARED
    @builtin(subgroup_invocation_id) member_: u32,
//% end
) {
//% if SHARED
    member = member_;
//% end
    let first = group.y * T;
    var token: array<u32, T>;
    var at: array<u32, T>;
//% for t in T
    token[$t] = batch[frame.wanted_at + 2u * min(first + $tu, frame.wanted - 1u)];
    at[$t] = (dims.input + token[$t] * (dims.hidden_stride / 32u)) * INPUTS;
//% end
    gather_squares(local, token);
    product(group.x, local, at);
    workgroupBarrier();
    for (var k = local; k < TILE * T; k += THREADS) {
        let t = k / TILE;
        let row = group.x * TILE + k % TILE;
        if (row < dims.rows && first + t < frame.wanted) {
            logits[(first + t) * dims.vocabulary + row] = total(t, k % TILE) * inverse_rms(t);
        }
    }
}
