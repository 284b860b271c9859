// Causal grouped-query attention with an online softmax (Milakov & Gimelshein 2018): one workgroup a key head and token,
// for all GROUP query heads that share the key head, PAGE keys at a time. Thread i owns key i of the page, and then
// dimensions i, i + 64, ... of the results. Pages are counted from the sequence's beginning, so a token's numbers do not
// depend on the batch.

@group(0) @binding(0) var<uniform> dims: Dims;
// See qkv.wgsl.
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> cache: array<f32>;
@group(0) @binding(3) var<storage, read> batch: array<u32>;
// tokens x width, rows padded to whole blocks.
@group(0) @binding(4) var<storage, read_write> attended: array<f32>;

const LOWEST: f32 = -3.0e38;
// Scores, then weights, of a page's keys for each query head.
var<workgroup> weights: array<f32, GROUP * PAGE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let kv_head = group.x;
    let token = group.y;
    let place = token * PLACE;
    let visible = batch[place + 1u] + 1u;
    let pages = batch[place + 3u];
    let kv = dims.kv_heads * dims.head_dim;
    let q = token * dims.width + kv_head * GROUP * dims.head_dim;
    let scale = inverseSqrt(f32(dims.head_dim));
//% for g in GROUP
    var highest$g = LOWEST;
    var sum$g = 0.0;
//% for i in DIMS
    var out$g_$i = 0.0;
//% end
//% end
//% if QK_NORM
    let eighths = dims.head_dim / 8u;
    let squares = dims.capacity * dims.width + token * (dims.width / 8u) + kv_head * GROUP * eighths;
//% for g in GROUP
    var square$g = 0.0;
    for (var i = 0u; i < eighths; i++) {
        square$g += queries[squares + $gu * eighths + i];
    }
    let norm$g = scale / sqrt(square$g / f32(dims.head_dim) + dims.eps);
//% end
//% end
    var start = 0u;
//% if WINDOW
    if (dims.window > 0u && visible > dims.window) {
        start = visible - dims.window;
    }
//% end
    for (var first = start / PAGE * PAGE; first < visible; first += PAGE) {
        let n = min(PAGE, visible - first);
        let page = batch[pages + first / PAGE] * dims.page;
//% for g in GROUP
        var score$g = LOWEST;
//% end
        if (local < n && first + local >= start) {
            let key = page + kv_head * dims.head_dim * PAGE + local;
//% for g in GROUP
            var dot$g = 0.0;
//% end
            for (var d = 0u; d < dims.head_dim; d++) {
                let k = cache[key + d * PAGE];
//% for g in GROUP
                dot$g = fma(queries[q + $gu * dims.head_dim + d], k, dot$g);
//% end
            }
//% if QK_NORM
            var square = 0.0;
            for (var i = 0u; i < eighths; i++) {
                square += cache[page + 2u * kv * PAGE + (kv_head * eighths + i) * PAGE + local];
            }
            let key_norm = 1.0 / sqrt(square / f32(dims.head_dim) + dims.eps);
//% for g in GROUP
            score$g = dot$g * norm$g * key_norm;
//% end
//% else
//% for g in GROUP
            score$g = dot$g * scale;
//% end
//% end
        }
        workgroupBarrier();
//% for g in GROUP
        weights[$gu * PAGE + local] = score$g;
//% end
        workgroupBarrier();
//% for g in GROUP
        var now$g = highest$g;
//% end
        for (var k = 0u; k < n; k++) {
//% for g in GROUP
            now$g = max(now$g, weights[$gu * PAGE + k]);
//% end
        }
        workgroupBarrier();
//% for g in GROUP
        let shrink$g = exp(highest$g - now$g);
        highest$g = now$g;
        weights[$gu * PAGE + local] = exp(score$g - now$g);
        sum$g *= shrink$g;
//% for i in DIMS
        out$g_$i *= shrink$g;
//% end
//% end
        workgroupBarrier();
        let value = page + kv * PAGE + kv_head * PAGE * dims.head_dim;
        for (var k = 0u; k < n; k++) {
//% for i in DIMS
            // Threads past the head's width repeat its last dimension and are dropped.
            let v$i = cache[value + k * dims.head_dim + min(local + $iu * 64u, dims.head_dim - 1u)];
//% end
//% for g in GROUP
            let weight$g = weights[$gu * PAGE + k];
            sum$g += weight$g;
//% for i in DIMS
            out$g_$i = fma(weight$g, v$i, out$g_$i);
//% end
//% end
        }
    }
    let to = token * dims.width_stride + kv_head * GROUP * dims.head_dim + local;
//% for i in DIMS
    if (local + $iu * 64u < dims.head_dim) {
//% for g in GROUP
        attended[to + $gu * dims.head_dim + $iu * 64u] = out$g_$i / sum$g;
//% end
    }
//% end
}
