// Converts a few half-precision numbers, to see whether the adapter does it rightly. One workgroup.
@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> floats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if (local < arrayLength(&floats)) {
        floats[local] = halves(words[local]);
    }
}
