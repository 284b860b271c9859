//! The instruction sets kernels are written for.

/// An instruction set kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust: the reference.
    Scalar,
    /// 128-bit SIMD of WebAssembly.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// The same with relaxed SIMD's dot product of bytes, which pays on processors that have one.
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedSimd,
    /// 256-bit SIMD of x86-64.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The same with the dot products of AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// 128-bit SIMD of AArch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    /// Every set this machine runs, the reference first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut sets = vec![Self::Scalar];
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        sets.push(Self::Simd128);
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        if super::wasm::has_dot_product() {
            sets.push(Self::RelaxedSimd);
        } else {
            // The instruction is there, but made of several.
            sets.insert(1, Self::RelaxedSimd);
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
            sets.push(Self::Avx2);
            if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
                sets.push(Self::Vnni);
            }
        }
        // Always there on the usual targets. Lanes are taken for the file's bytes, so bytes must lie as they do in it.
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        if std::arch::is_aarch64_feature_detected!("neon") {
            sets.push(Self::Neon);
        }
        sets
    }

    /// The set to use where nothing was measured: the last one available.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Scalar)
    }

    /// The name the page and the benchmarks show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => "simd128",
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Self::RelaxedSimd => "relaxed-simd",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => "avx512-vnni",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
        }
    }
}
