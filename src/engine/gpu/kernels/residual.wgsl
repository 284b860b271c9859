// A projection back into the residual stream: that of attention, and W_down of the MLP. It adds to the stream, multiplies
// by the next norm's weight and sums the squares for it, all in one. Where what is added is normalized first, it is left in
// `stream` for post_norm.wgsl instead.

// Attended values, or z after the edits; tokens x columns, padded to whole blocks.
@group(0) @binding(4) var<storage, read> x: array<Input>;
// `capacity` rows of the residual stream, then as many of it times the next norm's weight; rows padded to whole blocks.
@group(0) @binding(5) var<storage, read_write> stream: array<f32>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
// The next norm's weight.
@group(0) @binding(7) var<storage, read> weight: array<f32>;
// W_down z of the edited z, layers x capacity x hidden; written where activity is wanted.
@group(0) @binding(8) var<storage, read_write> outputs: array<f32>;

var<workgroup> written: array<f32, T * TILE>;

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
    var at: array<u32, T>;
//% for t in T
    at[$t] = min(first + $tu, frame.tokens - 1u) * dims.blocks * INPUTS;
//% end
    product(group.x, local, at);
    workgroupBarrier();
    for (var k = local; k < TILE * T; k += THREADS) {
        let t = k / TILE;
        let row = group.x * TILE + k % TILE;
        written[k] = 0.0;
        if (row < dims.rows && first + t < frame.tokens) {
            let h = total(t, k % TILE);
            let to = (first + t) * dims.hidden_stride + row;
            var more = h;
//% if BIAS
            more += extra(0u, row);
//% end
//% if POST_NORM
            stream[to] = more;
//% else
            let sum = stream[to] + more;
            stream[to] = sum;
            stream[dims.capacity * dims.hidden_stride + to] = sum * weight[row];
            written[k] = sum;
//% end
//% if DOWN
            if (frame.capture == 1u) {
                outputs[(dims.layer * dims.capacity + first + t) * dims.hidden + row] = h;
            }
//% end
        }
    }
//% if POST_NORM
//% else
    workgroupBarrier();
    if (local < T && first + local < frame.tokens) {
        var squares = 0.0;
        for (var r = 0u; r < TILE; r++) {
            let v = written[local * TILE + r];
            squares = fma(v, v, squares);
        }
        partials[(first + local) * dims.tiles + group.x] = squares;
    }
//% end
}
