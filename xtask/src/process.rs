//! Running other programs, so that Ctrl-C ends them with us.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use crate::Result;

/// The programs running for us now, by process id.
static CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

fn children() -> MutexGuard<'static, Vec<Child>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes Ctrl-C end the running programs, then us.
pub fn stop_children_on_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        for child in children().iter_mut() {
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
    let shown = line(command);
    let status = wait(command)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed ({status})"))
    }
}

/// Runs `command`; what it wrote, on either stream, is the result, as an error unless it succeeds.
pub fn run_quietly(command: &mut Command) -> Result<String> {
    let cannot = |e| format!("its output cannot be kept: {e}");
    // A file, where a pipe would have to be read while it runs.
    let place = std::env::temp_dir().join(format!(
        "xtask-{}-{}",
        std::process::id(),
        OUTPUTS.fetch_add(1, Ordering::Relaxed)
    ));
    let file = fs::File::create(&place).map_err(cannot)?;
    command
        .stdout(file.try_clone().map_err(cannot)?)
        .stderr(file);
    let status = wait(command);
    let said = fs::read(&place).map_err(cannot);
    let _ = fs::remove_file(&place);
    let said = String::from_utf8_lossy(&said?).into_owned();
    match status? {
        status if status.success() => Ok(said),
        status => Err(format!("{said}\n`{}` failed ({status})", line(command))),
    }
}

/// How many outputs were kept so far: each has a file of its own.
static OUTPUTS: AtomicUsize = AtomicUsize::new(0);

fn wait(command: &mut Command) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = command
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| format!("{name} could not be started: {e}"))?;
    let id = started.id();
    children().push(started);
    loop {
        let mut all = children();
        let Some(at) = all.iter().position(|child| child.id() == id) else {
            return Err(format!("{name} was lost"));
        };
        if !matches!(all[at].try_wait(), Ok(None)) {
            let mut ended = all.swap_remove(at);
            return ended.wait().map_err(|e| format!("{name} was lost: {e}"));
        }
        drop(all);
        thread::sleep(Duration::from_millis(20));
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
    forget_us(&mut command);
    command
}

/// Leaves out what cargo says of us to us, for cargo or what starts it: a dependency's build script that looks at such a
/// variable (ring's does) would run again, and all that hangs on it be compiled again, whenever `cargo xtask` and cargo alone
/// take turns.
pub fn forget_us(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
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
