//! From the compiler's `.wasm` to what a browser imports: wasm-bindgen's glue, and wasm-opt where there is a good one.
//!
//! wasm-bindgen is used as a library: the program of the same name would be one more thing to install, in exactly the
//! version of the crate.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::wasm::Profile;
use crate::{Result, paths, process, report};

/// The version of wasm-bindgen-cli-support in our manifest.
const VERSION: &str = "0.2.130";

/// wasm-opt before this version does not know the final relaxed-simd instructions.
const WASM_OPT_MIN: u32 = 116;

/// Writes `NAME.js` and `NAME_bg.wasm` into `out`; returns what to say about them.
pub fn generate(wasm: &Path, name: &str, out: &Path, profile: Profile) -> Result<String> {
    let input = fs::read(wasm).map_err(|e| format!("cannot read {}: {e}", wasm.display()))?;
    let optimizer = optimizer(profile);
    let hash = format!("{:x}", Sha256::digest(&input));
    let inputs = format!("{hash} {VERSION} {optimizer:?}");
    // Beside the compiler's file, not in `out`: everything there is deployed.
    let stamp = wasm.with_extension("stamp");
    let js = out.join(format!("{name}.js"));
    let module = out.join(format!("{name}_bg.wasm"));
    if js.exists()
        && module.exists()
        && let Ok(kept) = fs::read_to_string(&stamp)
        && let Some((kept_inputs, said)) = kept.split_once('\n')
        && kept_inputs == format!("{inputs} {}", out.display())
    {
        return Ok(said.to_owned());
    }

    check_version()?;
    if out.exists() {
        fs::remove_dir_all(out).map_err(|e| format!("cannot clear {}: {e}", out.display()))?;
    }
    let failed = |e| format!("wasm-bindgen failed on {}: {e:#}", wasm.display());
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen
        .input_bytes(name, input)
        .web(true)
        .map_err(failed)?
        .omit_default_module_path(false)
        .typescript(false)
        .remove_producers_section(true)
        // Names cost a tenth of the file; the quick build keeps them for readable stack traces.
        .remove_name_section(profile == Profile::Web)
        .generate(out)
        .map_err(failed)?;

    let note = match &optimizer {
        Optimizer::Use => {
            optimize(&module)?;
            String::new()
        }
        Optimizer::Skip(why) => why.clone(),
    };
    let said = describe(&module, profile, &note)?;
    let kept = format!("{inputs} {}\n{said}", out.display());
    fs::write(&stamp, kept).map_err(|e| format!("cannot write {}: {e}", stamp.display()))?;
    Ok(said)
}

/// The glue and the module speak a private format that changes with every version.
fn check_version() -> Result<()> {
    let lock = paths::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(|e| format!("cannot read Cargo.lock: {e}"))?;
    match locked_version(&text, "wasm-bindgen") {
        Some(VERSION) => Ok(()),
        Some(other) => Err(format!(
            "Cargo.lock has wasm-bindgen {other} but xtask was written for {VERSION}; run `cargo update \
             wasm-bindgen --precise {VERSION}`, or change wasm-bindgen-cli-support in xtask to {other}"
        )),
        None => {
            Err("Cargo.lock does not name wasm-bindgen; run `cargo generate-lockfile`".to_owned())
        }
    }
}

/// The version of `package` in the text of a `Cargo.lock`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    lines
        .next()?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

/// Whether wasm-opt is used.
#[derive(Debug)]
enum Optimizer {
    Use,
    Skip(String),
}

fn optimizer(profile: Profile) -> Optimizer {
    if profile == Profile::Quick {
        return Optimizer::Skip(String::new());
    }
    let Some(said) = process::output(Command::new("wasm-opt").arg("--version")) else {
        return Optimizer::Skip("without wasm-opt: not installed".to_owned());
    };
    match wasm_opt_version(&said) {
        Some(version) if version >= WASM_OPT_MIN => Optimizer::Use,
        Some(version) => Optimizer::Skip(format!(
            "without wasm-opt: version {version} is older than {WASM_OPT_MIN}"
        )),
        None => Optimizer::Skip("without wasm-opt: it does not tell its version".to_owned()),
    }
}

/// The number in `wasm-opt version 116 (version_116)`.
fn wasm_opt_version(said: &str) -> Option<u32> {
    said.split_whitespace().find_map(|word| word.parse().ok())
}

fn optimize(module: &Path) -> Result<()> {
    process::run(
        Command::new("wasm-opt")
            .args(["-O3", "--enable-simd", "--enable-relaxed-simd"])
            .args(["--enable-bulk-memory", "--enable-sign-ext"])
            .args([
                "--enable-nontrapping-float-to-int",
                "--enable-mutable-globals",
            ])
            .args(["--enable-reference-types", "--enable-multivalue"])
            .arg(module)
            .arg("-o")
            .arg(module),
    )
}

fn describe(module: &Path, profile: Profile, note: &str) -> Result<String> {
    let bytes = fs::read(module).map_err(|e| format!("cannot read {}: {e}", module.display()))?;
    let mut said = format!(
        "{} {}",
        paths::shown(module),
        report::megabytes(bytes.len())
    );
    // What travels over the network; the quick build never does.
    if profile == Profile::Web {
        let gzip = compressed_gzip(&bytes)?;
        let brotli = compressed_brotli(&bytes)?;
        let (gzip, brotli) = (report::megabytes(gzip), report::megabytes(brotli));
        said += &format!(", gzip {gzip}, brotli {brotli}");
    }
    if !note.is_empty() {
        said += &format!(" ({note})");
    }
    Ok(said)
}

fn compressed_gzip(bytes: &[u8]) -> Result<usize> {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes)
        .and_then(|()| gzip.finish())
        .map(|out| out.len())
        .map_err(|e| e.to_string())
}

fn compressed_brotli(bytes: &[u8]) -> Result<usize> {
    let params = brotli::enc::BrotliEncoderParams {
        // The best quality takes ten times as long for a few per cent.
        quality: 9,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut std::io::sink(), &params)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_the_wasm_bindgen_we_are_pinned_to() {
        check_version().unwrap();
    }

    #[test]
    fn versions_are_read() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "absent"), None);
        assert_eq!(wasm_opt_version("wasm-opt version 108"), Some(108));
        assert_eq!(
            wasm_opt_version("wasm-opt version 123 (version_123)"),
            Some(123)
        );
    }
}
