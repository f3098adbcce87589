//! Export: a source drives its rows through the codec into the archive writer, once.

use super::request::ExportRequest;
use super::select::select;
use super::{source, wording};
use crate::archive::{self, Limits, OutputFile, WriterOptions, Written};
use crate::fault::{Code, Fault, Result};
use crate::location::{ArchivePath, TouchedFiles};
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::profile::TableProfile;
use crate::profile::evidence::TableEvidence;
use crate::progress::{Extent, Watch};
use crate::report::{ArchiveFacts, Finding, Report, Severity};
use crate::seam::{RowSink, Source};
use std::io::Write;

/// Writes the archive. Nothing appears under its final name before everything is in it.
pub fn export(request: &ExportRequest, watch: &dyn Watch) -> Result<Report> {
    let mut output = match &request.archive {
        ArchivePath::Path(path) => {
            let source = Ok(request.source.clone());
            TouchedFiles::default().database(&source).refuse(path)?;
            Some(OutputFile::create(path, request.force, request.sync)?)
        }
        ArchivePath::Pipe => None,
    };
    let mut source = source::open(&request.source, watch)?;
    refuse_damaged(source.as_ref())?;
    let selection = select(source.schema(), &request.tables)?;
    let mut pipe = std::io::stdout();
    let out: &mut (dyn Write + Send) = match &mut output {
        Some(file) => file,
        None => &mut pipe,
    };
    let written = write(out, source.as_mut(), &selection.schema, request, watch)
        .map_err(|fault| fault.at(request.archive.to_string()))?;
    source.finish()?;
    match output {
        Some(file) => file.commit()?,
        None => flush(&mut pipe)?,
    }
    let mut report = report(request, &selection.schema, &written);
    report.source = Some(source.location());
    report.findings = source.findings().to_vec();
    let accepted = Limits::default().part_bytes;
    report
        .findings
        .extend(long_parts(&selection.schema, &written, accepted));
    Ok(report)
}

/// Tables with a part of more bytes than a reader accepts unless told otherwise: better to learn
/// it here than where the archive arrives.
fn long_parts(schema: &Schema, written: &Written, accepted: u64) -> Vec<Finding> {
    let tables = schema.tables.iter().zip(&written.tables);
    let long = tables.filter(|(_, sums)| sums.longest_part > accepted);
    long.map(|(table, sums)| {
        let message = format!(
            "a row is so long that verify and import accept the archive only with --max-part {}",
            sums.longest_part
        );
        Finding::new(Code::ArchiveLimit, Severity::Warning, message).in_table(&table.name)
    })
    .collect()
}

fn write(
    out: &mut (dyn Write + Send),
    source: &mut dyn Source,
    schema: &Schema,
    request: &ExportRequest,
    watch: &dyn Watch,
) -> Result<Written> {
    let (engine, version) = source.engine();
    let options = WriterOptions {
        level: request.level,
        jobs: request.jobs,
        labels: request.labels.clone(),
        created: request.created.clone(),
        source_engine: engine.to_owned(),
        source_version: version,
    };
    let rows = schema
        .tables
        .iter()
        .map(|table| source.estimate(table))
        .try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?)));
    watch.phase("exporting", Extent { rows, bytes: None });
    archive::write(out, schema, &options, watch, &mut |parts| {
        for (position, table) in schema.tables.iter().enumerate() {
            if table.has_rows() {
                watch.table(&table.name);
                parts.table(position, &mut |out| record(source, table, out))?;
            }
        }
        Ok(())
    })
}

/// Sends the rows of one table, and gives what they say.
fn record(source: &mut dyn Source, table: &Table, out: &mut dyn RowSink) -> Result<TableEvidence> {
    let mut recorder = Recorder {
        out,
        profile: TableProfile::new(table),
        number: 0,
    };
    source
        .read(table, &mut recorder)
        .map_err(|fault| fault.in_table(&table.name))?;
    Ok(recorder.profile.finish())
}

/// Looks at each row, and passes it on.
struct Recorder<'a> {
    out: &'a mut dyn RowSink,
    profile: TableProfile,
    number: u64,
}

impl RowSink for Recorder<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.number += 1;
        self.profile.observe(row, self.number);
        self.out.row(row)
    }
}

/// A source that is damaged, or of which something cannot be carried at all, is not exported: the
/// archive would look whole and not be.
fn refuse_damaged(source: &dyn Source) -> Result<()> {
    let error = source
        .findings()
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    let Some(finding) = error else { return Ok(()) };
    let mut fault = Fault::new(finding.code, finding.message.clone()).at(source.location());
    if let Some(table) = &finding.place.table {
        fault = fault.in_table(table);
    }
    Err(fault)
}

fn flush(pipe: &mut std::io::Stdout) -> Result<()> {
    pipe.flush().map_err(|error| {
        Fault::new(Code::Stream, "cannot write the archive to standard output").because(error)
    })
}

fn report(request: &ExportRequest, schema: &Schema, written: &Written) -> Report {
    let tables: Vec<_> = schema
        .tables
        .iter()
        .zip(&written.tables)
        .map(|(table, sums)| wording::table(table, sums.rows, sums.bytes))
        .collect();
    let path = request.archive.to_string();
    Report {
        summary: format!("exported {} to {path}", wording::extent(&written.totals)),
        archive: Some(ArchiveFacts {
            path,
            root: written.root.to_string(),
            content_root: written.content_root.to_string(),
            sha256: Some(written.sha256.to_string()),
            bytes: written.bytes,
        }),
        totals: written.totals,
        tables,
        ..Report::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::TableWritten;
    use crate::digest::Digest;

    #[test]
    fn a_part_that_readers_refuse_by_default_is_a_warning() {
        let schema = Schema {
            tables: vec![Table::bare("short"), Table::bare("long")],
            ..Schema::default()
        };
        let written = Written {
            root: Digest::default(),
            content_root: Digest::default(),
            sha256: Digest::default(),
            bytes: 0,
            tables: [1000, 1001]
                .map(|longest_part| TableWritten {
                    rows: 1,
                    bytes: 5000,
                    longest_part,
                })
                .to_vec(),
            totals: crate::report::Totals::default(),
        };
        let findings = long_parts(&schema, &written, 1000);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].code, Code::ArchiveLimit);
        assert_eq!(findings[0].severity, Severity::Warning);
        assert_eq!(findings[0].place.table.as_deref(), Some("long"));
        assert!(findings[0].message.ends_with("--max-part 1001"));
    }
}
