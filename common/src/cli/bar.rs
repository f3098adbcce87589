//! Shows progress on standard error: bars, plain lines or JSON events, drawn by a thread of its own.

use super::args::ProgressChoice;
use super::progress::{Progress, Snapshot};
use super::streams::complain;
use crate::report::escape::escaped_json;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often bars are drawn and SIGUSR1 is looked for.
const TICK: Duration = Duration::from_millis(100);
/// A job that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_millis(250);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Only when SIGUSR1 asks for it.
    OnRequest,
    Bar,
    /// Text, every ten seconds.
    Lines,
    /// JSON, every second.
    Events,
}

/// The thread that draws; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Display {
    // Never sent through: dropping it wakes and ends the thread.
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a new phase does at once: with JSON, an event.
pub(super) fn on_phase(choice: ProgressChoice) -> Option<fn(&Snapshot)> {
    (choice == ProgressChoice::Json).then_some(event as fn(&Snapshot))
}

impl Display {
    /// Starts to show `progress`. Without a thread nothing is shown, and the job runs all the same.
    pub(super) fn start(progress: Arc<Progress>, choice: ProgressChoice) -> Self {
        let style = match choice {
            ProgressChoice::Auto if io::stderr().is_terminal() => Style::Bar,
            ProgressChoice::Auto | ProgressChoice::Never => Style::OnRequest,
            ProgressChoice::Always => Style::Lines,
            ProgressChoice::Json => Style::Events,
        };
        let (end, ended) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || show(&progress, style, &ended));
        Display {
            end: Some(end),
            thread: thread.ok(),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            // It draws only; a panic there is no reason to fail the job.
            let _ = thread.join();
        }
    }
}

fn show(progress: &Progress, style: Style, ended: &mpsc::Receiver<()>) {
    let begun = Instant::now();
    let mut told = begun;
    let mut bar = None;
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let due = |pause| told.elapsed() >= pause;
        match style {
            Style::Bar if begun.elapsed() >= PATIENCE => {
                let bar = bar.get_or_insert_with(|| {
                    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
                });
                draw(bar, &progress.snapshot("progress"));
            }
            Style::Lines if due(Duration::from_secs(10)) => {
                line(&progress.snapshot("progress"));
                told = Instant::now();
            }
            Style::Events if due(Duration::from_secs(1)) => {
                event(&progress.snapshot("progress"));
                told = Instant::now();
            }
            _ => {}
        }
        if progress.asked() {
            let now = progress.snapshot("progress");
            match &bar {
                Some(bar) => bar.suspend(|| line(&now)),
                None if style == Style::Events => event(&now),
                None => line(&now),
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, now: &Snapshot) {
    match now.share() {
        Some((done, total)) => {
            bar.set_style(style("[{bar:24}] {wide_msg}"));
            bar.set_length(total);
            bar.set_position(std::cmp::min(done, total));
        }
        None => bar.set_style(style("{spinner} {wide_msg}")),
    }
    bar.set_message(now.line());
    bar.tick();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the two templates above are well-formed")
        .progress_chars("=> ")
}

fn line(now: &Snapshot) {
    complain(&format!("{}\n", now.line()));
}

fn event(now: &Snapshot) {
    let json = serde_json::to_string(now).expect("strings and numbers are JSON");
    complain(&format!("{}\n", escaped_json(&json)));
}
