//! The floating-point parts of the forward pass that are not matrix products.
//!
//! Everything here is plain multiplication and addition in a fixed order, with sums kept in eight interleaved
//! partial sums: the compiler vectorizes it on every target, and every target gets the same bits. That is why `exp`
//! is written out here too: the platforms' own differ in the last place.

/// Partial sums kept side by side.
const LANES: usize = 8;

/// Adds eight partial sums in the one order every kernel uses.
#[inline(always)]
pub(crate) fn reduce(acc: [f32; LANES]) -> f32 {
    ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]))
}

/// `sum a_i b_i` in f32. Both have the same length.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut acc = [0f32; LANES];
    let (a8, a_rest) = a.as_chunks::<LANES>();
    let (b8, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a8.iter().zip(b8) {
        for i in 0..LANES {
            acc[i] += x[i] * y[i];
        }
    }
    for (i, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        acc[i] += x * y;
    }
    reduce(acc)
}

/// Euclidean norm.
pub(crate) fn norm(x: &[f32]) -> f32 {
    dot(x, x).sqrt()
}

/// RMSNorm (Zhang & Sennrich 2019): `out_i = x_i / sqrt(mean(x^2) + eps) * weight_i`. Gives whether the sum of squares is
/// finite; where it is not, what comes out means nothing.
#[must_use]
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) -> bool {
    let squares = dot(x, x);
    let scale = 1.0 / (squares / x.len() as f32 + eps).sqrt();
    for ((o, &x), &w) in out.iter_mut().zip(x).zip(weight) {
        *o = x * scale * w;
    }
    squares.is_finite()
}

/// Whether no value is NaN or infinite.
pub(crate) fn all_finite(x: &[f32]) -> bool {
    // Looked through whole, without a way out in the middle, so that it is done eight at a time.
    x.iter().fold(true, |all, v| all & v.is_finite())
}

/// `e^x` to within 2 units in the last place; arguments are held to [-87, 88], where f32 has room.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number; its bits then hold that number.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    // Cephes' expf: e^r = 1 + r + r^2 p(r) on |r| <= ln(2) / 2.
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5.000_000_3e-1;
    let e = (p * (r * r) + r) + 1.0;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    // Two factors, since 2^128 alone is not a float.
    let half = exponent >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    e * power(half) * power(exponent - half)
}

/// `z = silu(gate) * up`, written over `gate`; `silu(x) = x / (1 + e^-x)`.
pub(crate) fn silu_mul(gate: &mut [f32], up: &[f32]) {
    for (g, &u) in gate.iter_mut().zip(up) {
        *g = *g / (1.0 + exp(-*g)) * u;
    }
}

/// `z = gelu(gate) * up`, written over `gate`; GELU in its tanh form, `x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))` (Hendrycks &
/// Gimpel 2016).
pub(crate) fn gelu_mul(gate: &mut [f32], up: &[f32]) {
    for (g, &u) in gate.iter_mut().zip(up) {
        let x = *g;
        let inner = GELU * (x + 0.044_715 * x * x * x);
        *g = x / (1.0 + exp(-inner)) * u;
    }
}

/// `2 sqrt(2 / pi)`.
pub(crate) const GELU: f32 = 1.595_769_2;

/// Softmax in place, over scores that have at least one entry.
pub(crate) fn softmax(scores: &mut [f32]) {
    let max = maximum(scores);
    let mut acc = [0f32; LANES];
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp(chunk[i] - max);
            acc[i] += chunk[i];
        }
    }
    for (i, s) in rest.iter_mut().enumerate() {
        *s = exp(*s - max);
        acc[i] += *s;
    }
    let scale = 1.0 / reduce(acc);
    for s in scores {
        *s *= scale;
    }
}

/// `softmax(logits / temperature)` into `out`, which has as many entries; `temperature` is above 0. The quotients are taken
/// of the distance to the largest logit, in f64, so that the smallest temperature overflows nothing.
pub(crate) fn softmax_at(logits: &[f32], temperature: f64, out: &mut [f32]) {
    let most = f64::from(maximum(logits));
    for (out, &logit) in out.iter_mut().zip(logits) {
        *out = ((f64::from(logit) - most) / temperature) as f32;
    }
    softmax(out);
}

/// The largest of `x`; minus infinity where none is a number.
pub(crate) fn maximum(x: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            most[i] = if chunk[i] > most[i] {
                chunk[i]
            } else {
                most[i]
            };
        }
    }
    let all = rest.iter().chain(&most);
    all.fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m })
}

/// The largest of `x`, and the first place that has it; 0 where none is a number.
pub(crate) fn largest(x: &[f32]) -> (usize, f32) {
    let most = maximum(x);
    // By parts that are looked through whole, which is quick, and one that is searched.
    let has = |part: &&[f32]| part.iter().fold(false, |has, &v| has | (v == most));
    let part = x.chunks(8 * LANES).position(|part| has(&part));
    let start = part.unwrap_or(0) * 8 * LANES;
    let within = x[start..].iter().position(|&v| v == most);
    (within.map_or(0, |i| start + i), most)
}

/// `log(sum e^x_i)`, the normalizer of logits, of which the largest is `max`: sums of 64 in f32, their sum in f64.
pub(crate) fn log_sum_exp(x: &[f32], max: f32) -> f64 {
    let mut sum = 0f64;
    for part in x.chunks(8 * LANES) {
        let mut acc = [0f32; LANES];
        let (chunks, rest) = part.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                acc[i] += exp(chunk[i] - max);
            }
        }
        for (i, v) in rest.iter().enumerate() {
            acc[i] += exp(v - max);
        }
        sum += f64::from(reduce(acc));
    }
    f64::from(max) + libm::log(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_two_units_in_the_last_place() {
        let mut worst = 0f64;
        for i in -860_000..870_000 {
            let x = i as f32 / 10_000.0;
            let truth = f64::from(x).exp();
            let ulp = f64::from(f32::EPSILON) * truth;
            worst = worst.max((f64::from(exp(x)) - truth).abs() / ulp);
        }
        assert!(worst < 2.0, "worst error {worst} ulp");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e30) < 1e-37 && exp(1e30).is_finite());
    }

    #[test]
    fn softmax_of_awkward_lengths_sums_to_one() {
        for len in [1, 2, 7, 8, 9, 64, 1001] {
            let mut s: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin() * 30.0).collect();
            softmax(&mut s);
            assert!(
                (s.iter().sum::<f32>() - 1.0).abs() < 1e-5,
                "length {len}: {s:?}"
            );
        }
    }

    #[test]
    fn log_sum_exp_of_equal_logits_is_their_value_plus_log_of_their_number() {
        let v = vec![3.25f32; 1000];
        assert!((log_sum_exp(&v, 3.25) - (3.25 + 1000f64.ln())).abs() < 1e-6);
    }
}
