// RMSNorm (Zhang & Sennrich 2019) fused into the product that follows it: W (x * weight / rms) = (W (x * weight)) / rms.
// Whoever wrote the residual stream also wrote x * weight, and for each token `dims.tiles` partial sums of x^2.
const LANES: u32 = 8u;
var<workgroup> squares: array<f32, T * LANES>;

@group(0) @binding(5) var<storage, read> partials: array<f32>;

// First half, before the product's barrier. `token`: which tokens of the batch these are.
fn gather_squares(local: u32, token: array<u32, T>) {
    var tokens = token;
    for (var k = local; k < T * LANES; k += THREADS) {
        let from_ = tokens[k / LANES] * dims.tiles;
        var sum = 0.0;
        for (var i = k % LANES; i < dims.tiles; i += LANES) {
            sum += partials[from_ + i];
        }
        squares[k] = sum;
    }
}

// 1 / sqrt(mean(x^2) + eps) of token t of the group; after the barrier.
fn inverse_rms(t: u32) -> f32 {
    var sum = squares[t * LANES];
    for (var i = 1u; i < LANES; i++) {
        sum += squares[t * LANES + i];
    }
    return 1.0 / sqrt(sum / f32(dims.hidden) + dims.eps);
}
