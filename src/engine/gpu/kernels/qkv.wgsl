// RMSNorm, the query, key and value projections, RoPE, and the write into the KV cache.
//
// Matrix: rows of W_q, then of W_k, then of W_v. RoPE in Llama's interleaved form turns rows 2i and 2i + 1 of a head.
// Cache of a layer, in pages of PAGE positions: for each page the keys as kv_heads x head_dim x PAGE, then the values as
// kv_heads x PAGE x head_dim.

// x * weight of the norm, tokens x hidden.
@group(0) @binding(4) var<storage, read> x: array<Input>;
@group(0) @binding(6) var<storage, read> batch: array<u32>;
// tokens x hidden.
@group(0) @binding(7) var<storage, read_write> queries: array<f32>;
@group(0) @binding(8) var<storage, read_write> cache: array<f32>;

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
    token[$t] = min(first + $tu, frame.tokens - 1u);
    at[$t] = (dims.input + token[$t] * (dims.hidden_stride / 32u)) * INPUTS;
//% end
    gather_squares(local, token);
    product(group.x, local, at);
    workgroupBarrier();

    let kv = dims.kv_heads * dims.head_dim;
    for (var k = local; k < TILE * T; k += THREADS) {
        let t = k / TILE;
        let r = k % TILE;
        let row = group.x * TILE + r;
        if (row >= dims.rows || first + t >= frame.tokens) {
            continue;
        }
        let place = (first + t) * PLACE;
        let scale = inverse_rms(t);
        var v = total(t, r) * scale;
        // Within its head, and whether it is a query (0), a key (1) or a value (2).
        let kind = select(select(2u, 1u, row < dims.hidden + kv), 0u, row < dims.hidden);
        let own = row - select(select(dims.hidden + kv, dims.hidden, kind == 1u), 0u, kind == 0u);
        let head = own / dims.head_dim;
        let d = own % dims.head_dim;
        if (kind < 2u) {
            let other = total(t, r ^ 1u) * scale;
            let turn = batch[place + 4u] + (d & ~1u);
            let cosine = bitcast<f32>(batch[turn]);
            let sine = bitcast<f32>(batch[turn + 1u]);
            v = select(other * sine + v * cosine, v * cosine - other * sine, (d & 1u) == 0u);
        }
        if (kind == 0u) {
            queries[(first + t) * dims.hidden + own] = v;
            continue;
        }
        let position = batch[place + 1u];
        let page = batch[batch[place + 3u] + position / PAGE] * (2u * kv * PAGE);
        let slot = position % PAGE;
        if (kind == 1u) {
            cache[page + (head * dims.head_dim + d) * PAGE + slot] = v;
        } else {
            cache[page + kv * PAGE + (head * PAGE + slot) * dims.head_dim + d] = v;
        }
    }
}
