use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Talk on standard error: a bar on terminals, and a line for what is done everywhere.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    silent: bool,
}

impl Progress {
    /// Talks on standard error.
    #[must_use]
    pub fn stderr() -> Self {
        // Hides itself where standard error is not a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, silent: false }
    }

    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { bar: ProgressBar::hidden(), silent: true }
    }

    /// Begins something of `steps` steps.
    pub fn begin(&self, what: String, steps: usize) {
        self.bar.set_length(steps as u64);
        self.bar.set_position(0);
        self.bar.set_message(what);
    }

    /// One step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Says what is done.
    pub fn say(&self, what: &str) {
        if !self.silent {
            self.bar.suspend(|| eprintln!("{what}"));
        }
    }

    /// Clears the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
