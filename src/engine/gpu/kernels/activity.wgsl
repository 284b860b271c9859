// What the watched neurons did, packed for the read-back: for each token the norm of every layer's W_down z, and z of the
// watched neurons, both before the edits. One workgroup a layer and token.
//
// The stream has W_down z of the edited z. What the edits took out, column by column, is added again for the norm.

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> frame: Frame;
@group(0) @binding(2) var<storage, read> batch: array<u32>;
// See residual.wgsl.
@group(0) @binding(3) var<storage, read> outputs: array<f32>;
// See gate_up.wgsl.
@group(0) @binding(4) var<storage, read> activity: array<f32>;
// For each slot: where each layer's edits begin (layers + 1), then (index, 1 - alpha as bits) of each.
@group(0) @binding(5) var<storage, read> edits: array<u32>;
// Columns of W_down of the edited neurons, slots x frame.edits x hidden.
@group(0) @binding(6) var<storage, read> columns: array<f32>;
// (layer, index) of each watched neuron.
@group(0) @binding(7) var<storage, read> watched: array<vec2<u32>>;
@group(0) @binding(8) var<storage, read_write> report: array<f32>;

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
    let layer = group.x;
    let token = group.y;
    let slot = batch[token * PLACE];
    let row = (layer * dims.capacity + token) * dims.hidden;
    let z = (layer * dims.capacity + token) * dims.neurons;
    let list = slot * frame.edit_stride;
    let begin = edits[list + layer];
    let end = edits[list + layer + 1u];
    var squares = 0.0;
    for (var r = local; r < dims.hidden; r += 64u) {
        var h = outputs[row + r];
        for (var e = begin; e < end; e++) {
            let entry = list + dims.layers + 1u + 2u * e;
            let removed = activity[z + edits[entry]] * bitcast<f32>(edits[entry + 1u]);
            h = fma(removed, columns[(slot * frame.edits + e) * dims.hidden + r], h);
        }
        squares = fma(h, h, squares);
    }
    let norm = sqrt(all_sum(squares, local));
    let to = frame.report_at + token * frame.report_stride;
    if (local == 0u) {
        report[to + layer] = norm;
    }
    for (var i = local; i < frame.watched; i += 64u) {
        if (watched[i].x == layer) {
            report[to + dims.layers + i] = activity[z + watched[i].y];
        }
    }
}
