// Sums and maxima over a workgroup of 64, by subgroups. Every thread gets the result. The order of a sum depends on the
// adapter's subgroups, so these serve kernels that come in one form only.
var<workgroup> shared_: array<f32, 64>;
// Set by the entry point: whether this thread speaks for its subgroup.
var<private> leads: bool;

fn all_sum(v: f32, local: u32) -> f32 {
    let part = subgroupAdd(v);
    workgroupBarrier();
    shared_[local] = select(0.0, part, leads);
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < 64u; i++) {
        sum += shared_[i];
    }
    return sum;
}

fn all_max(v: f32, local: u32) -> f32 {
    let part = subgroupMax(v);
    workgroupBarrier();
    shared_[local] = part;
    workgroupBarrier();
    var most = shared_[0];
    for (var i = 1u; i < 64u; i++) {
        most = max(most, shared_[i]);
    }
    return most;
}
