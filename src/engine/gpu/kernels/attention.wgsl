// Causal grouped-query attention with an online softmax (Milakov & Gimelshein 2018): one workgroup a key head and token,
// for all GROUP query heads that share the key head, PAGE keys at a time. Thread i owns key i of the page, and then
// dimensions i, i + 64, ... of the results. Pages are counted from the sequence's beginning, so a token's numbers do not
// depend on the batch.

@group(0) @binding(0) var<uniform> dims: Dims;
// tokens x hidden.
@group(0) @binding(1) var<storage, read> queries: array<f32>;
// See qkv.wgsl.
@group(0) @binding(2) var<storage, read> cache: array<f32>;
@group(0) @binding(3) var<storage, read> batch: array<u32>;
// tokens x hidden, rows padded to whole blocks.
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
    let q = token * dims.hidden + kv_head * GROUP * dims.head_dim;
    let scale = inverseSqrt(f32(dims.head_dim));
//% for g in GROUP
    var highest$g = LOWEST;
    var sum$g = 0.0;
//% for i in DIMS
    var out$g_$i = 0.0;
//% end
//% end
    for (var first = 0u; first < visible; first += PAGE) {
        let n = min(PAGE, visible - first);
        let page = batch[pages + first / PAGE] * (2u * kv * PAGE);
//% for g in GROUP
        var score$g = LOWEST;
//% end
        if (local < n) {
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
//% for g in GROUP
            score$g = dot$g * scale;
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
    let to = token * dims.hidden_stride + kv_head * GROUP * dims.head_dim + local;
//% for i in DIMS
    if (local + $iu * 64u < dims.head_dim) {
//% for g in GROUP
        attended[to + $gu * dims.head_dim + $iu * 64u] = out$g_$i / sum$g;
//% end
    }
//% end
}
