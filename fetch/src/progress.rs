//! Progress of a long step: a bar on a terminal, a line every tenth of the way elsewhere, or nothing.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How progress is shown. All of it goes to stderr, so that stdout stays for results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A bar that redraws itself.
    Bar,
    /// A line now and then, for logs.
    Lines,
    /// Nothing.
    Silent,
}

impl Progress {
    /// A bar when stderr is a terminal, lines otherwise.
    pub fn to_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Bar
        } else {
            Self::Lines
        }
    }

    /// Says one thing.
    pub(crate) fn line(self, text: &str) {
        if self != Self::Silent {
            eprintln!("{text}");
        }
    }

    /// Begins a step of `total` bytes, or of unknown length when `total` is 0.
    pub(crate) fn begin(self, what: &str, total: u64, at: u64) -> Meter {
        let bar = (self == Self::Bar).then(|| {
            let (bar, template) = if total == 0 {
                (
                    ProgressBar::new_spinner(),
                    "{msg} {bytes} ({bytes_per_sec})",
                )
            } else {
                (
                    ProgressBar::new(total),
                    "{msg} [{bar:30}] {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left)",
                )
            };
            // The template is fixed; were it wrong, the plain bar would do.
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> ");
            bar.with_style(style).with_message(what.to_owned())
        });
        if let Some(bar) = &bar {
            // Speed and time left are those of this run, not of the bytes an earlier one got.
            bar.set_position(at);
            bar.reset_eta();
        }
        Meter {
            what: what.to_owned(),
            total,
            began: Instant::now(),
            said: None,
            lines: self == Self::Lines,
            bar,
        }
    }
}

/// One step under way.
pub(crate) struct Meter {
    what: String,
    total: u64,
    began: Instant,
    /// The last tenth (or, of unknown length, the last 10 MB) that was said.
    said: Option<u64>,
    lines: bool,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// The step has come to byte `at`.
    pub(crate) fn at(&mut self, at: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(at);
        }
        // What is over in a moment needs no lines.
        if !self.lines || self.began.elapsed() < Duration::from_secs(2) {
            return;
        }
        let mark = (at * 10).checked_div(self.total).unwrap_or(at / 10_000_000);
        if self.said == Some(mark) {
            return;
        }
        self.said = Some(mark);
        if self.total == 0 {
            eprintln!("{}: {} MB", self.what, at / 1_000_000);
        } else {
            eprintln!("{}: {} %", self.what, mark * 10);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
