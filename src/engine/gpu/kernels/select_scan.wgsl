// Greedy choice, first half: each workgroup finds the largest logit of its share of the vocabulary, and the sum of
// e^(x - largest) over it.

@group(0) @binding(0) var<uniform> dims: Dims;
// wanted x vocabulary.
@group(0) @binding(1) var<storage, read> logits: array<f32>;
// wanted x SHARES x (largest, its index as bits, sum).
@group(0) @binding(2) var<storage, read_write> shares: array<f32>;

const LOWEST: f32 = -3.4e38;
var<workgroup> best: array<u32, 64>;

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
    let row = group.y * dims.vocabulary;
    let each = (dims.vocabulary + SHARES - 1u) / SHARES;
    let end = min((group.x + 1u) * each, dims.vocabulary);
    var largest = LOWEST;
    var index = 0xffffffffu;
    for (var i = group.x * each + local; i < end; i += 64u) {
        let v = logits[row + i];
        if (v > largest) {
            largest = v;
            index = i;
        }
    }
    let most = all_max(largest, local);
    // Of equal logits the lowest index is chosen.
    best[local] = select(0xffffffffu, index, largest == most);
    var sum = 0.0;
    for (var i = group.x * each + local; i < end; i += 64u) {
        sum += exp(logits[row + i] - most);
    }
    let all = all_sum(sum, local);
    if (local == 0u) {
        var first = best[0];
        for (var i = 1u; i < 64u; i++) {
            first = min(first, best[i]);
        }
        let at = (group.y * SHARES + group.x) * 3u;
        shares[at] = most;
        shares[at + 1u] = bitcast<f32>(first);
        shares[at + 2u] = all;
    }
}
