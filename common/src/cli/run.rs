//! Runs a program: command line in, exit code out. Whatever happens between, it is told once.

use super::args::{ColorChoice, OutputArgs};
use super::bar::{self, Display};
use super::exit::{Ending, is_broken_pipe};
use super::log::Log;
use super::progress::Progress;
use super::render::json::{self, Start};
use super::render::text::{self, Canvas};
use super::report::ReportFile;
use super::signals::Signals;
use super::streams::{self, JsonSink, complain};
use super::usage::{self, NotRun};
use super::{args::JsonOutput, panic};
use crate::fault::{Code, Exit, Fault, Result};
use crate::location::TouchedFiles;
use crate::progress::Watch;
use crate::report::{Report, Severity};
use clap::Parser;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

/// What a program's arguments say about its way to run.
pub trait Program: Parser {
    /// How it tells what it does and found.
    #[must_use]
    fn output(&self) -> &OutputArgs;

    /// The files that its job reads or makes: the result's file must be none of them.
    #[must_use]
    fn files(&self) -> TouchedFiles;

    /// Whether standard output carries data, an archive or rows, so that the result as text goes to
    /// standard error.
    fn data_on_stdout(&self) -> bool {
        false
    }

    /// The exit code that a failure gives this program.
    #[must_use]
    fn exit(fault: &Fault) -> Exit {
        fault.code().exit()
    }
}

/// Parses the command line, lets `work` do the job, and tells what came of it.
pub fn run<A: Program>(work: impl FnOnce(A, &dyn Watch) -> Result<Report>) -> ExitCode {
    panic::install();
    let line: Vec<OsString> = std::env::args_os().collect();
    let command = A::command();
    let version = command.get_version().unwrap_or_default();
    let start = Start::now(command.get_name(), version);
    match usage::parse::<A>(&line) {
        Ok(args) => perform(args, &start, work),
        Err(NotRun::Asked(text)) => match streams::print(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(fault) => unprinted(&fault, Canvas::default()).finish(),
        },
        Err(NotRun::Wrong { fault, usage }) => {
            complain(&text::fault(&fault, canvas(ColorChoice::Auto, false)));
            complain(&usage);
            let mut ending = Ending::Exit(Exit::Usage);
            if usage::asks_for_json(&line) {
                let json = json::object(&start, ending, &Report::default(), Some(&fault));
                if let Err(fault) = streams::print(&json) {
                    ending = unprinted(&fault, Canvas::default());
                }
            }
            ending.finish()
        }
    }
}

/// What a job came to.
struct Outcome {
    report: Report,
    fault: Option<Fault>,
    ending: Ending,
}

impl Outcome {
    fn failed(fault: Fault, ending: Ending) -> Self {
        Outcome {
            report: Report::default(),
            fault: Some(fault),
            ending,
        }
    }
}

fn perform<A: Program>(
    args: A,
    start: &Start,
    work: impl FnOnce(A, &dyn Watch) -> Result<Report>,
) -> ExitCode {
    let output = args.output().clone();
    let telling = Telling {
        start,
        canvas: canvas(output.color(), output.verbose()),
        quiet: output.quiet(),
        result_aside: args.data_on_stdout(),
    };
    match Files::open(&output, &args, start) {
        Ok(mut files) => {
            let log = files.log.take();
            let outcome = job(args, &output, log.clone(), work);
            let ending = telling.tell(&outcome, files);
            if let Some(log) = log {
                log.end(&outcome.report, outcome.fault.as_ref(), ending);
                if let Some(fault) = log.failed() {
                    complain(&text::fault(&fault, telling.canvas));
                }
            }
            ending.finish()
        }
        Err(fault) => {
            let ending = Ending::Exit(fault.code().exit());
            let asked = output.json().is_some() && !args.data_on_stdout();
            let sink = asked.then_some(JsonSink::Stdout);
            let files = Files {
                sink,
                ..Files::default()
            };
            telling
                .tell(&Outcome::failed(fault, ending), files)
                .finish()
        }
    }
}

/// The files that tell what the job does and comes to.
#[derive(Debug, Default)]
struct Files {
    sink: Option<JsonSink>,
    report: Option<ReportFile>,
    log: Option<Arc<Log>>,
}

impl Files {
    fn open<A: Program>(output: &OutputArgs, args: &A, start: &Start) -> Result<Files> {
        let sink = sink(output, args)?;
        let log = output.log();
        for path in output.report().into_iter().chain(log.map(|log| log.path)) {
            args.files().refuse(path)?;
        }
        let report = output.report().map(ReportFile::open).transpose()?;
        let log = log.map(|log| Log::open(log, start)).transpose()?;
        Ok(Files {
            sink,
            report,
            log: log.map(Arc::new),
        })
    }
}

/// Where the JSON object goes, if one is wanted.
fn sink<A: Program>(output: &OutputArgs, args: &A) -> Result<Option<JsonSink>> {
    match output.json() {
        Some(JsonOutput::Stdout) if args.data_on_stdout() => Err(Fault::new(
            Code::Usage,
            "standard output cannot take both the data and the result",
        )
        .hint("write the result to a file with --json=FILE")),
        Some(target) => {
            if let JsonOutput::File(path) = target {
                args.files().refuse(path)?;
            }
            JsonSink::open(target).map(Some)
        }
        None => Ok(None),
    }
}

fn job<A: Program>(
    args: A,
    output: &OutputArgs,
    log: Option<Arc<Log>>,
    work: impl FnOnce(A, &dyn Watch) -> Result<Report>,
) -> Outcome {
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            let fault = Fault::new(Code::Bug, "cannot set up signals").because(error);
            return Outcome::failed(fault, Ending::Exit(Exit::Failed));
        }
    };
    let progress = Progress::new(signals.clone(), bar::on_phase(output.progress())).logged(log);
    let progress = Arc::new(progress);
    let display = Display::start(Arc::clone(&progress), output.progress());
    // Nothing that the job has touched is used after a panic.
    let result = catch_unwind(AssertUnwindSafe(|| work(args, &*progress)));
    drop(display);
    let mut outcome = outcome::<A>(result, output.fail_on(), signals.received());
    outcome.report.phases = progress.finish();
    outcome
}

/// What `result` comes to, after `signal` if there was one.
fn outcome<A: Program>(
    result: std::thread::Result<Result<Report>>,
    fail_on: Option<Severity>,
    signal: Option<i32>,
) -> Outcome {
    match result {
        // A job that was completed before it saw the signal is complete.
        Ok(Ok(report)) => Outcome {
            ending: Ending::Exit(report.exit(fail_on)),
            report,
            fault: None,
        },
        Ok(Err(fault)) if fault.code() != Code::Bug || panic::told().is_none() => {
            let ending = Ending::of(&fault, A::exit(&fault), signal);
            Outcome::failed(fault, ending)
        }
        // A panic, or what a flow made of the panic of one of its threads.
        Ok(Err(_)) | Err(_) => {
            let unknown = || Fault::new(Code::Bug, "the program has panicked");
            Outcome::failed(panic::told().unwrap_or_else(unknown), Ending::Panic)
        }
    }
}

/// How an outcome is told.
struct Telling<'a> {
    start: &'a Start,
    canvas: Canvas,
    quiet: bool,
    /// The result as text goes to standard error.
    result_aside: bool,
}

impl Telling<'_> {
    /// Tells the outcome on all streams. The ending changes when the result could not be written.
    fn tell(&self, outcome: &Outcome, files: Files) -> Ending {
        let Files {
            sink, report: file, ..
        } = files;
        self.complain(outcome);
        let (report, mut ending) = (&outcome.report, outcome.ending);
        let mut unwritten = None;
        let wanted = !matches!(sink, Some(JsonSink::Stdout)) && !self.quiet;
        if wanted && let Err(fault) = self.print(report) {
            ending = self.unwritten(unwritten.insert(incomplete(fault, report)), ending);
        }
        if let Some(file) = file {
            let fault = outcome.fault.as_ref().or(unwritten.as_ref());
            if let Err(fault) = file.write(self.start, ending, report, fault) {
                ending = self.unwritten(unwritten.insert(incomplete(fault, report)), ending);
            }
        }
        if let Some(sink) = sink {
            let fault = outcome.fault.as_ref().or(unwritten.as_ref());
            let json = json::object(self.start, ending, report, fault);
            if let Err(fault) = sink.write(&json) {
                ending = self.unwritten(&incomplete(fault, report), ending);
            }
        }
        ending
    }

    /// Findings and the failure, on standard error.
    fn complain(&self, outcome: &Outcome) {
        let from = if self.quiet {
            Severity::Error
        } else {
            Severity::Note
        };
        complain(&text::findings(&outcome.report.findings, from, self.canvas));
        // Whoever closed the pipe has seen enough.
        let closed = outcome
            .fault
            .as_ref()
            .filter(|fault| !is_broken_pipe(fault));
        if let Some(fault) = closed {
            complain(&text::fault(fault, self.canvas));
        }
    }

    fn print(&self, report: &Report) -> Result<()> {
        if self.result_aside {
            complain(&text::report(report, self.canvas));
            return Ok(());
        }
        let canvas = Canvas {
            color: false,
            width: terminal_width(),
            ..self.canvas
        };
        let text = text::report(report, canvas);
        if text.is_empty() {
            return Ok(());
        }
        streams::print(&text)
    }

    /// The ending when the result could not be written: a failure, unless the job ended worse.
    fn unwritten(&self, fault: &Fault, ending: Ending) -> Ending {
        let unprinted = unprinted(fault, self.canvas);
        match ending {
            Ending::Exit(Exit::Ok | Exit::Findings) => unprinted,
            worse => worse,
        }
    }
}

/// What `fault` in telling the result of a job means. After a job that was done nobody may take the
/// exit code for a failure of the job itself.
fn incomplete(fault: Fault, report: &Report) -> Fault {
    if report.summary.is_empty() || report.refused {
        return fault;
    }
    let told = Fault::new(
        Code::Stream,
        "the job is complete, but its report could not be written",
    )
    .hint(format!("it need not be run again: {}", report.summary));
    match fault.place().location.clone() {
        Some(location) => told.at(location),
        None => told,
    }
    .because(fault)
}

/// Tells that standard output or the result's file could not be written.
fn unprinted(fault: &Fault, canvas: Canvas) -> Ending {
    let ending = Ending::of(fault, fault.code().exit(), None);
    if !is_broken_pipe(fault) {
        complain(&text::fault(fault, canvas));
    }
    ending
}

fn canvas(color: ColorChoice, verbose: bool) -> Canvas {
    let auto = || anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    Canvas {
        color: match color {
            ColorChoice::Auto => auto(),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        },
        width: None,
        verbose,
    }
}

fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Finding;

    /// A program for tests, which refuses what verify finds
    #[derive(Debug, Parser)]
    #[command(
        name = "waybill-test",
        version,
        disable_help_flag = true,
        disable_version_flag = true
    )]
    struct Sample {
        #[command(flatten)]
        output: OutputArgs,
    }

    impl Program for Sample {
        fn output(&self) -> &OutputArgs {
            &self.output
        }

        fn files(&self) -> TouchedFiles {
            TouchedFiles::default()
        }

        fn exit(fault: &Fault) -> Exit {
            fault.exit_as_refusal()
        }
    }

    fn ending(result: std::thread::Result<Result<Report>>, signal: Option<i32>) -> Ending {
        outcome::<Sample>(result, Some(Severity::Error), signal).ending
    }

    #[test]
    fn a_panic_is_a_bug_and_ends_with_101() {
        let told = outcome::<Sample>(Err(Box::new("boom")), None, None);
        assert_eq!((told.ending.code(), told.ending.status()), (101, "bug"));
        assert_eq!(told.fault.map(|fault| fault.code()), Some(Code::Bug));
    }

    #[test]
    fn a_failure_after_a_signal_dies_of_it_and_a_completed_job_does_not() {
        let failed = || Ok(Err(Fault::interrupted()));
        assert_eq!(ending(failed(), Some(15)), Ending::Signal(15));
        assert_eq!(ending(failed(), None), Ending::Exit(Exit::Failed));
        assert_eq!(
            ending(Ok(Ok(Report::default())), Some(15)),
            Ending::Exit(Exit::Ok)
        );
    }

    #[test]
    fn the_program_decides_what_a_fault_and_the_report_what_a_result_gives() {
        let damaged = Fault::new(Code::ArchiveDamaged, "x");
        assert_eq!(ending(Ok(Err(damaged)), None), Ending::Exit(Exit::Refused));
        let found = Report {
            findings: vec![Finding::new(Code::KeyDuplicate, Severity::Error, "x")],
            ..Report::default()
        };
        assert_eq!(ending(Ok(Ok(found)), None), Ending::Exit(Exit::Findings));
    }
}
