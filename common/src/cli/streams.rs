//! Standard streams and the file of `--json`: every write is checked, and a file appears whole.

use super::args::JsonOutput;
use crate::fault::{Code, Fault, Result};
use crate::location::ArchivePath;
use crate::report::escape::escaped_json;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read as _, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Gives `write` the standard output and makes sure that all of it has been taken. A terminal is
/// shown no control character of the data.
pub fn to_stdout<T>(write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    if io::stdout().is_terminal() {
        let mut out = Escaping::new(io::stdout().lock());
        let result = write(&mut out);
        let flushed = out.flush().map_err(unwritten);
        return result.and_then(|value| flushed.map(|()| value));
    }
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let result = write(&mut out);
    // What was written before a failure is flushed as well, but the first failure is the one told.
    let flushed = out.flush().map_err(unwritten);
    drop(out.into_parts());
    result.and_then(|value| flushed.map(|()| value))
}

/// Passes text on, its unsafe characters as `\uXXXX`, as JSON allows.
struct Escaping<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Escaping<W> {
    fn new(out: W) -> Self {
        Escaping {
            out,
            line: Vec::new(),
        }
    }

    /// Passes on what has come in; a line is complete, so no character is cut.
    fn pass(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.line);
        self.out.write_all(escaped_json(&text).as_bytes())?;
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.iter().position(|byte| *byte == b'\n');
        let taken = taken.map_or(bytes.len(), |at| at + 1);
        self.line.extend_from_slice(&bytes[..taken]);
        if self.line.ends_with(b"\n") {
            self.pass()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass()?;
        self.out.flush()
    }
}

/// Prints `text` on standard output.
pub(super) fn print(text: &str) -> Result<()> {
    to_stdout(|out| out.write_all(text.as_bytes()).map_err(unwritten))
}

/// Prints `text` on standard error. Nobody can be told when that fails.
pub(super) fn complain(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn unwritten(error: io::Error) -> Fault {
    Fault::new(Code::Stream, "cannot write to standard output").because(error)
}

/// Refuses to wait for an archive to be typed.
pub fn from_stdin(archive: &ArchivePath) -> Result<()> {
    if *archive == ArchivePath::Pipe && io::stdin().is_terminal() {
        return Err(
            Fault::new(Code::Usage, "standard input is a terminal, not an archive")
                .hint("name the file, or send it with `< FILE` or through a pipe"),
        );
    }
    Ok(())
}

/// Refuses to write an archive to a terminal.
pub fn onto_stdout(archive: &ArchivePath) -> Result<()> {
    if *archive == ArchivePath::Pipe && io::stdout().is_terminal() {
        return Err(Fault::new(
            Code::Usage,
            "standard output is a terminal, and an archive is binary",
        )
        .hint("name a file, or send the archive on with `> FILE` or through a pipe"));
    }
    Ok(())
}

/// Where the JSON object goes, opened before the job so that a wrong path ends it early.
#[derive(Debug)]
pub(super) enum JsonSink {
    /// Standard output.
    Stdout,
    /// A new file beside its final place, and their folder.
    Beside(PathBuf, NamedTempFile, File),
    /// A device or pipe, which cannot be replaced.
    Direct(PathBuf, File),
}

impl JsonSink {
    pub(super) fn open(output: JsonOutput<'_>) -> Result<Self> {
        let JsonOutput::File(path) = output else {
            return Ok(JsonSink::Stdout);
        };
        let fault = |error| unwritable(path, error);
        if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            let file = File::options().write(true).open(path).map_err(fault)?;
            return Ok(JsonSink::Direct(path.to_owned(), file));
        }
        refuse_foreign(path)?;
        // tempfile gives its files mode 0600: the result shows keys of rows.
        let folder = File::open(folder_of(path)).map_err(fault)?;
        let file = tempfile::Builder::new()
            .prefix(".waybill-")
            .tempfile_in(folder_of(path))
            .map_err(fault)?;
        Ok(JsonSink::Beside(path.to_owned(), file, folder))
    }

    /// Writes the object and, for a file, gives it its name.
    pub(super) fn write(self, json: &str) -> Result<()> {
        match self {
            JsonSink::Stdout => print(json),
            JsonSink::Direct(path, mut file) => file
                .write_all(json.as_bytes())
                .map_err(|error| unwritable(&path, error)),
            JsonSink::Beside(path, file, folder) => {
                publish(&path, file, &folder, json).map_err(|error| unwritable(&path, error))
            }
        }
    }
}

/// How a result begins, blanks aside.
const RESULT_START: &[u8] = b"{\"schema\":\"waybill.result/";
/// The first line of a report in words.
pub(super) const REPORT_TITLE: &str = "Waybill report";

/// Lets a result replace nothing but an older result, or an empty file.
fn refuse_foreign(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(256).read_to_end(&mut start));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unwritable(path, error)),
        Ok(0) => return Ok(()),
        Ok(_) => {}
    }
    start.retain(|byte| !byte.is_ascii_whitespace());
    let mut title: Vec<u8> = REPORT_TITLE.into();
    title.retain(|byte| !byte.is_ascii_whitespace());
    if start.starts_with(RESULT_START) || start.starts_with(&title) {
        return Ok(());
    }
    let what = "the file exists already and is not a result of an earlier run";
    Err(Fault::new(Code::OutputExists, what)
        .at(path.display())
        .hint("choose another name, or remove the file"))
}

fn publish(path: &Path, mut file: NamedTempFile, folder: &File, json: &str) -> io::Result<()> {
    file.write_all(json.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    folder.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, error: io::Error) -> Fault {
    Fault::new(Code::OutputUnwritable, "cannot write the result")
        .at(path.display())
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_data_without_control_characters_however_it_is_cut() {
        let text = "[\"\u{9b}31m\u{202e}ü\"]\nend\u{7f}".as_bytes();
        for cut in 0..text.len() {
            let mut out = Escaping::new(Vec::new());
            out.write_all(&text[..cut]).unwrap();
            out.write_all(&text[cut..]).unwrap();
            out.flush().unwrap();
            let shown = String::from_utf8(out.out).unwrap();
            assert_eq!(
                shown, "[\"\\u009b31m\\u202eü\"]\nend\\u007f",
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_result_file_appears_only_when_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        let count = || fs::read_dir(folder.path()).unwrap().count();
        drop(JsonSink::open(JsonOutput::of(&path)).unwrap());
        assert_eq!(count(), 0);
        let sink = JsonSink::open(JsonOutput::of(&path)).unwrap();
        assert!(!path.exists());
        sink.write("{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert_eq!(count(), 1);
    }

    #[test]
    fn only_an_older_result_or_an_empty_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        for (older, replaced) in [
            ("", true),
            ("{\n  \"schema\": \"waybill.result/1\",\n", true),
            ("{\"schema\":\"waybill.result/2\"}", true),
            ("{\"schema\":\"other\"}", false),
            ("{}", false),
            ("SQLite format 3\0", false),
            (" ", false),
        ] {
            fs::write(&path, older).unwrap();
            let opened = JsonSink::open(JsonOutput::of(&path)).map(drop);
            let code = opened.err().map(|fault| fault.code());
            assert_eq!(code, (!replaced).then_some(Code::OutputExists), "{older:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), older);
        }
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let path = Path::new("/dev/null");
        JsonSink::open(JsonOutput::of(path))
            .unwrap()
            .write("{}\n")
            .unwrap();
        assert!(!fs::metadata(path).unwrap().is_file());
    }

    #[test]
    fn a_wrong_folder_is_told_before_the_job() {
        let fault = JsonSink::open(JsonOutput::of(Path::new("/no/such/folder/x"))).unwrap_err();
        assert_eq!(fault.code(), Code::OutputUnwritable);
        assert_eq!(fault.place().to_string(), "`/no/such/folder/x`");
    }
}
