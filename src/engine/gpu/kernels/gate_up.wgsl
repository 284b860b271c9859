// RMSNorm, W_gate and W_up, z = act(gate) * up, and the lane's edits.
//
// Matrix: rows of W_gate and W_up in turn, so that 2j and 2j + 1 make neuron j.

@group(0) @binding(4) var<storage, read> x: array<Input>;
@group(0) @binding(6) var<storage, read> batch: array<u32>;
// Factors on z, slots x layers x neurons.
@group(0) @binding(7) var<storage, read> factors: array<f32>;
// z after the edits, tokens x neurons, rows padded to whole blocks.
@group(0) @binding(8) var<storage, read_write> edited: array<f32>;
// z before the edits, layers x capacity x neurons; written where activity is wanted.
@group(0) @binding(9) var<storage, read_write> activity: array<f32>;

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
    for (var k = local; k < TILE / 2u * T; k += THREADS) {
        let t = k / (TILE / 2u);
        let r = 2u * (k % (TILE / 2u));
        let neuron = group.x * (TILE / 2u) + r / 2u;
        if (neuron >= dims.neurons || first + t >= frame.tokens) {
            continue;
        }
        let scale = inverse_rms(t);
        var gate = total(t, r) * scale;
        var up = total(t, r + 1u) * scale;
//% if BIAS
        gate += extra(0u, 2u * neuron);
        up += extra(0u, 2u * neuron + 1u);
//% end
        // Held below 80, where e^x has room in f32; beyond it the activation is 0 to every digit.
//% if GELU
        // GELU in its tanh form: x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)).
        let inner = 1.5957691216 * (gate + 0.044715 * gate * gate * gate);
        let z = gate / (1.0 + exp(min(-inner, 80.0))) * up;
//% else
        let z = gate / (1.0 + exp(min(-gate, 80.0))) * up;
//% end
        let slot = batch[(first + t) * PLACE];
        edited[(first + t) * dims.neuron_stride + neuron] = z * factors[(slot * dims.layers + dims.layer) * dims.neurons + neuron];
        if (frame.capture == 1u) {
            activity[(dims.layer * dims.capacity + first + t) * dims.neurons + neuron] = z;
        }
    }
}
