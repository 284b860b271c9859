//! Lints while the tests are compiled. `cargo clippy` checks every dependency a second time, natively and for wasm, before it
//! says a word about our own code; those checks were a fifth of a whole test. Here cargo compiles once, and for each crate
//! of ours it calls xtask in the compiler's place: the compiler first, then clippy on the same source and the same
//! dependencies. The tests run what the compiler made, and clippy's result is the crate's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{Result, process};

/// Names clippy's program to the xtask that stands in the compiler's place.
const DRIVER: &str = "HNEURONS_LINT_DRIVER";

/// Makes the cargo command `cargo` lint what it compiles of this workspace, and fail at a warning.
pub fn while_compiling(cargo: &mut Command) -> Result<()> {
    let us = std::env::current_exe().map_err(|e| format!("xtask does not find itself: {e}"))?;
    cargo
        .env("RUSTC_WORKSPACE_WRAPPER", us)
        .env(DRIVER, driver()?)
        // As `cargo clippy -- -D warnings` says it to its driver.
        .env(
            "CLIPPY_ARGS",
            "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
        );
    Ok(())
}

fn driver() -> Result<PathBuf> {
    let missing = "clippy is missing; add it with `rustup component add clippy`";
    let sysroot = process::output(Command::new("rustc").args(["--print", "sysroot"]))
        .ok_or("rustc could not be started; install Rust with rustup (https://rustup.rs)")?;
    let name = format!("clippy-driver{}", std::env::consts::EXE_SUFFIX);
    let driver = Path::new(&sysroot).join("bin").join(name);
    if driver.exists() {
        Ok(driver)
    } else {
        Err(missing.to_owned())
    }
}

/// In the compiler's place: compiles and lints one crate. `None` when xtask was not called for that.
pub fn in_the_compilers_place() -> Option<ExitCode> {
    let driver = std::env::var_os(DRIVER)?;
    let mut arguments = std::env::args_os().skip(1);
    let rustc = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let mut commands = vec![Command::new(&rustc)];
    commands[0].args(&arguments);
    if let Some(checked) = for_a_check(&arguments) {
        let mut clippy = Command::new(driver);
        clippy.arg(&rustc).args(checked);
        commands.push(clippy);
    }
    for mut command in commands {
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return Some(ExitCode::from(code.unwrap_or(1)));
            }
            Err(e) => {
                eprintln!(
                    "error: {:?} could not be started: {e}",
                    command.get_program()
                );
                return Some(ExitCode::FAILURE);
            }
        }
    }
    Some(ExitCode::SUCCESS)
}

/// The compiler's arguments, changed to check and to write nothing that cargo waits for; `None` for cargo's questions.
fn for_a_check(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let text = |argument: &OsString| argument.to_string_lossy().into_owned();
    let mut checked = Vec::new();
    let mut compiles = false;
    let mut at = arguments.iter();
    while let Some(argument) = at.next() {
        let said = text(argument);
        if said == "--out-dir" {
            compiles = true;
            let folder = Path::new(at.next()?).join("lint");
            std::fs::create_dir_all(&folder).ok()?;
            checked.extend([argument.clone(), folder.into()]);
        } else if said.starts_with("--emit=") {
            checked.push("--emit=metadata".into());
        } else if let Some(kinds) = said.strip_prefix("--json=") {
            // Cargo believes that an announced artifact is the crate's own.
            let kinds: Vec<_> = kinds
                .split(',')
                .filter(|kind| *kind != "artifacts")
                .collect();
            checked.push(format!("--json={}", kinds.join(",")).into());
        } else if said == "-C" {
            let option = at.next()?;
            if !text(option).starts_with("incremental=") {
                checked.extend([argument.clone(), OsStr::new(option).to_owned()]);
            }
        } else {
            checked.push(argument.clone());
        }
    }
    compiles.then_some(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_checked_as_it_is_compiled_and_a_question_of_cargo_s_is_not() {
        let folder = std::env::temp_dir().join(format!("hneurons-lint-{}", std::process::id()));
        let words = |text: &str| -> Vec<OsString> {
            let text = text.replace("OUT", &folder.to_string_lossy());
            text.split(' ').map(OsString::from).collect()
        };
        let compile = "--crate-name a --edition=2024 src/lib.rs --json=diagnostic-rendered-ansi,artifacts \
                       --emit=dep-info,metadata,link -C opt-level=3 -C incremental=x --cfg f --out-dir OUT --extern b=b";
        let check = "--crate-name a --edition=2024 src/lib.rs --json=diagnostic-rendered-ansi \
                     --emit=metadata -C opt-level=3 --cfg f --out-dir OUT/lint --extern b=b";
        assert_eq!(for_a_check(&words(compile)), Some(words(check)));
        assert_eq!(for_a_check(&words("- --crate-name ___ --print=cfg")), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
