// Sums and maxima over a workgroup of 64, in shared memory. Every thread gets the result.
var<workgroup> shared_: array<f32, 64>;

fn all_sum(v: f32, local: u32) -> f32 {
    workgroupBarrier();
    shared_[local] = v;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if (local < n) {
            shared_[local] += shared_[local + n];
        }
        workgroupBarrier();
    }
    return shared_[0];
}

fn all_max(v: f32, local: u32) -> f32 {
    workgroupBarrier();
    shared_[local] = v;
    workgroupBarrier();
    for (var n = 32u; n > 0u; n >>= 1u) {
        if (local < n) {
            shared_[local] = max(shared_[local], shared_[local + n]);
        }
        workgroupBarrier();
    }
    return shared_[0];
}
