// The largest contributions of all neurons at a token, largest first; of equal ones the first neuron. One workgroup a token.
//
// A contribution is |z| * norm(W_down[:, j]) / norm(W_down z), with z before the edits (see engine/contribution.rs). Each
// thread holds the largest of its own neurons; whoever's was taken looks for its next one.

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> frame: Frame;
// See gate_up.wgsl.
@group(0) @binding(2) var<storage, read> activity: array<f32>;
// Norm of each column of W_down, layers x neurons.
@group(0) @binding(3) var<storage, read> column_norms: array<f32>;
// Read: the norms that activity.wgsl wrote. Written: frame.top times (neuron counted through all layers, contribution).
@group(0) @binding(4) var<storage, read_write> report: array<u32>;

const THREADS: u32 = 256u;
const NONE: u32 = 0xffffffffu;
const MOST: f32 = 3.4e38;

struct Candidate {
    value: f32,
    neuron: u32,
}

var<workgroup> best: array<Candidate, THREADS>;

// Whether a comes before b.
fn before(a: Candidate, b: Candidate) -> bool {
    return a.value > b.value || (a.value == b.value && a.neuron < b.neuron);
}

// The first of this thread's neurons that comes after `last`.
fn next(last: Candidate, token: u32, norms: u32, local: u32) -> Candidate {
    var found = Candidate(-1.0, NONE);
    for (var i = local; i < dims.layers * dims.neurons; i += THREADS) {
        let layer = i / dims.neurons;
        let norm = bitcast<f32>(report[norms + layer]);
        let z = activity[(layer * dims.capacity + token) * dims.neurons + i % dims.neurons];
        var value = 0.0;
        if (norm > 0.0) {
            value = abs(z) * column_norms[i] / norm;
        }
        let candidate = Candidate(value, i);
        if (before(last, candidate) && before(candidate, found)) {
            found = candidate;
        }
    }
    return found;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let token = group.x;
    let norms = frame.report_at + token * frame.report_stride;
    let to = norms + dims.layers + frame.watched;
    var own = next(Candidate(MOST, 0u), token, norms, local);
    for (var n = 0u; n < frame.top; n++) {
        workgroupBarrier();
        best[local] = own;
        workgroupBarrier();
        for (var half = THREADS / 2u; half > 0u; half >>= 1u) {
            if (local < half && before(best[local + half], best[local])) {
                best[local] = best[local + half];
            }
            workgroupBarrier();
        }
        let taken = best[0];
        if (local == 0u) {
            report[to + 2u * n] = taken.neuron;
            report[to + 2u * n + 1u] = bitcast<u32>(taken.value);
        }
        if (taken.neuron == own.neuron && taken.neuron != NONE) {
            own = next(taken, token, norms, local);
        }
    }
}
