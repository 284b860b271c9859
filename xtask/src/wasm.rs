//! Compiling to wasm, once for every set of SIMD instructions the page chooses from.

use std::path::PathBuf;
use std::process::Command;

use crate::{Result, lint, paths, process};

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

    /// What our own crates are compiled with beyond what their dependencies are.
    fn own_flags(self) -> &'static [&'static str] {
        match self {
            Self::Simd128 => &[],
            Self::RelaxedSimd => &["-Ctarget-feature=+relaxed-simd"],
        }
    }
}

/// Whether our own code is linted on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lint {
    Yes,
    No,
}

/// What everything is compiled with. It replaces the user's own flags, which are meant for this machine. Only our own
/// kernels know more instructions than these, so that the dependencies, most of the work, are compiled once.
const RUSTFLAGS: &str = "-Ctarget-feature=+simd128";

fn target_dir() -> PathBuf {
    paths::target().join("wasm")
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

/// Compiles `package`'s library and returns the `.wasm` file, which the next call may replace.
pub fn compile(package: &str, variant: Variant, profile: Profile, lint: Lint) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo
        .args(["rustc", "--lib", "--package", package])
        .args(["--target", TARGET, "--profile", profile.name()])
        .arg("--target-dir")
        .arg(target_dir())
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS);
    // The feature does nothing in the code: it keeps cargo from taking one variant for the other.
    if variant == Variant::RelaxedSimd && package == "hneurons" {
        cargo.args(["--features", "relaxed-simd"]);
    }
    cargo.arg("--").args(variant.own_flags());
    if lint == Lint::Yes {
        lint::while_compiling(&mut cargo)?;
    }
    process::run(&mut cargo)?;
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(target_dir().join(TARGET).join(profile.name()).join(file))
}
