// Greedy choice, second half: the largest of the shares, its log-probability, and both written where the next
// submission and the page find them. One workgroup a row of logits.

@group(0) @binding(0) var<uniform> frame: Frame;
// See select_scan.wgsl; the index travels as bits and is read as such, since it may look like no number.
@group(0) @binding(1) var<storage, read> shares: array<u32>;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
@group(0) @binding(3) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(4) var<storage, read_write> report: array<u32>;

var<workgroup> largest: array<f32, SHARES>;
var<workgroup> index: array<u32, SHARES>;
var<workgroup> sum: array<f32, SHARES>;

@compute @workgroup_size(SHARES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let at = (group.x * SHARES + local) * 3u;
    largest[local] = bitcast<f32>(shares[at]);
    index[local] = shares[at + 1u];
    sum[local] = bitcast<f32>(shares[at + 2u]);
    workgroupBarrier();
    if (local == 0u) {
        var most = largest[0];
        var id = index[0];
        for (var i = 1u; i < SHARES; i++) {
            // Shares are in the order of the vocabulary, so an equal one later does not win.
            if (largest[i] > most) {
                most = largest[i];
                id = index[i];
            }
        }
        var total = 0.0;
        for (var i = 0u; i < SHARES; i++) {
            total += sum[i] * exp(largest[i] - most);
        }
        // Where no logit is a number, the first token is taken, as on the CPU.
        id = select(id, 0u, id == 0xffffffffu);
        chosen[batch[frame.wanted_at + 2u * group.x + 1u]] = id;
        report[4u + 2u * group.x] = id;
        report[5u + 2u * group.x] = bitcast<u32>(-log(total));
    }
}
