//! Compiling to wasm, once for every set of SIMD instructions the page chooses from.

use std::path::PathBuf;
use std::process::Command;

use crate::{Result, paths, process};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// How much time the compiler may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Whole-program optimization, for publishing and for numbers.
    Web,
    /// The same code, compiled in a fraction of the time.
    Quick,
}

impl Profile {
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Quick => "web-quick",
        }
    }
}

/// One build of the module, for browsers that have these instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Simd128,
    RelaxedSimd,
}

impl Variant {
    pub const ALL: [Self; 2] = [Self::Simd128, Self::RelaxedSimd];

    pub fn name(self) -> &'static str {
        match self {
            Self::Simd128 => "simd128",
            Self::RelaxedSimd => "relaxed-simd",
        }
    }

    /// The compiler's flags. They replace the user's own, which are meant for this machine.
    pub fn rustflags(self) -> &'static str {
        match self {
            Self::Simd128 => "-Ctarget-feature=+simd128",
            Self::RelaxedSimd => "-Ctarget-feature=+simd128,+relaxed-simd",
        }
    }

    /// Each variant has its own folder: cargo would otherwise write one result over the other.
    pub fn target_dir(self) -> PathBuf {
        paths::target().join("wasm").join(self.name())
    }
}

/// Sees to it that the compiler can make wasm.
pub fn ensure_target() -> Result<()> {
    let sysroot = process::output(Command::new("rustc").args(["--print", "sysroot"]))
        .ok_or("rustc could not be started; install Rust with rustup (https://rustup.rs)")?;
    if PathBuf::from(sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .exists()
    {
        return Ok(());
    }
    if process::output(Command::new("rustup").arg("--version")).is_none() {
        return Err(format!(
            "this Rust has no {TARGET} target and there is no rustup to add it; \
             install Rust with rustup (https://rustup.rs)"
        ));
    }
    process::run(Command::new("rustup").args(["target", "add", TARGET]))
}

/// A cargo command for `variant`: `build` or `clippy`.
pub fn cargo(command: &str, package: &str, variant: Variant, profile: Profile) -> Command {
    let mut cargo = process::cargo();
    cargo
        .args([command, "--lib", "--package", package])
        .args(["--target", TARGET, "--profile", profile.name()])
        .arg("--target-dir")
        .arg(variant.target_dir())
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", variant.rustflags());
    cargo
}

/// Compiles `package`'s library and returns the `.wasm` file.
pub fn compile(package: &str, variant: Variant, profile: Profile) -> Result<PathBuf> {
    process::run(&mut cargo("build", package, variant, profile))?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(variant
        .target_dir()
        .join(TARGET)
        .join(profile.name())
        .join(file))
}
