// RMSNorm, the query, key and value projections, RoPE, and the write into the KV cache.
//
// Where heads are normalized, what is written are the vectors times the norm's weight, and beside them the sum of squares of
// every eight of their numbers: RoPE is linear, so attention divides its scores by what these say.
//
// Matrix: rows of W_q, then of W_k, then of W_v. RoPE in Llama's interleaved form turns rows 2i and 2i + 1 of a head.
// Cache of a layer, in pages of PAGE positions: for each page the keys as kv_heads x head_dim x PAGE, then the values as
// kv_heads x PAGE x head_dim, then the keys' sums of squares as kv_heads x head_dim / 8 x PAGE.

// x * weight of the norm, tokens x hidden.
@group(0) @binding(4) var<storage, read> x: array<Input>;
@group(0) @binding(6) var<storage, read> batch: array<u32>;
// tokens x width; then, for `capacity` tokens, their sums of squares, tokens x width / 8.
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
//% if BIAS
        v += extra(0u, row);
//% end
        // Within its head, and whether it is a query (0), a key (1) or a value (2).
        let kind = select(select(2u, 1u, row < dims.width + kv), 0u, row < dims.width);
        let own = row - select(select(dims.width + kv, dims.width, kind == 1u), 0u, kind == 0u);
        let head = own / dims.head_dim;
        let d = own % dims.head_dim;
        let position = batch[place + 1u];
        let page = batch[batch[place + 3u] + position / PAGE] * dims.page;
        let slot = position % PAGE;
        if (kind < 2u) {
            var other = total(t, r ^ 1u) * scale;
//% if BIAS
            other += extra(0u, row ^ 1u);
//% end
//% if QK_NORM
            if (d % 8u == 0u) {
                var squares = 0.0;
                for (var i = 0u; i < 8u; i++) {
                    var x = total(t, r + i) * scale;
//% if BIAS
                    x += extra(0u, row + i);
//% end
                    squares = fma(x, x, squares);
                }
                if (kind == 0u) {
                    queries[dims.capacity * dims.width + (first + t) * (dims.width / 8u) + own / 8u] = squares;
                } else {
                    cache[page + 2u * kv * PAGE + own / 8u * PAGE + slot] = squares;
                }
            }
            v *= extra(1u, row);
            other *= extra(1u, row ^ 1u);
//% end
            let turn = batch[place + 4u] + dims.turns + (d & ~1u);
            let cosine = bitcast<f32>(batch[turn]);
            let sine = bitcast<f32>(batch[turn + 1u]);
            v = select(other * sine + v * cosine, v * cosine - other * sine, (d & 1u) == 0u);
        }
        if (kind == 0u) {
            queries[(first + t) * dims.width + own] = v;
            continue;
        }
        if (kind == 1u) {
            cache[page + (head * dims.head_dim + d) * PAGE + slot] = v;
        } else {
            cache[page + kv * PAGE + (head * PAGE + slot) * dims.head_dim + d] = v;
        }
    }
}
