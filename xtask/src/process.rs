//! Running other programs, so that Ctrl-C ends them with us.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::Result;

/// The one program running for us now.
static CHILD: Mutex<Option<Child>> = Mutex::new(None);

fn child() -> MutexGuard<'static, Option<Child>> {
    CHILD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes Ctrl-C end the running program, then us.
pub fn stop_children_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if let Some(child) = child().as_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What the shell reports for a program that was interrupted.
        std::process::exit(130);
    })
    .map_err(|e| format!("cannot listen for Ctrl-C: {e}"))
}

/// Runs `command` with its output shown; an error unless it succeeds.
pub fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let shown = line(command);
    let started = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| format!("{name} could not be started: {e}"))?;
    *child() = Some(started);
    let status = loop {
        match child().as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => break status,
            Some(Ok(None)) => {}
            Some(Err(e)) => return Err(format!("{name} was lost: {e}")),
            None => return Err(format!("{name} was lost")),
        }
        thread::sleep(Duration::from_millis(20));
    };
    *child() = None;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed ({status})"))
    }
}

/// What `command` prints, when it can be run and succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(crate::paths::root());
    command
}

/// `command` as one would type it.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
