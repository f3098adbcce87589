//! Export: a source drives its rows through the codec into the archive writer, once.

use super::request::ExportRequest;
use super::select::select;
use super::{source, wording};
use crate::archive::{self, OutputFile, PartsSink, WriterOptions, Written};
use crate::fault::{Code, Fault, Result};
use crate::location::ArchivePath;
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::profile::TableProfile;
use crate::progress::{Extent, Watch};
use crate::report::{ArchiveFacts, Report, Totals};
use crate::seam::{RowSink, Source};
use std::io::Write;

/// Writes the archive. Nothing appears under its final name before everything is in it.
pub fn export(request: &ExportRequest, watch: &dyn Watch) -> Result<Report> {
    let mut output = match &request.archive {
        ArchivePath::Path(path) => Some(OutputFile::create(path, request.force, request.sync)?),
        ArchivePath::Pipe => None,
    };
    let mut source = source::open(&request.source, watch)?;
    let selection = select(source.schema(), &request.tables)?;
    let mut pipe = std::io::stdout();
    let out: &mut (dyn Write + Send) = match &mut output {
        Some(file) => file,
        None => &mut pipe,
    };
    let written = write(out, source.as_mut(), &selection.schema, request, watch)
        .map_err(|fault| fault.at(request.archive.shown()))?;
    source.finish()?;
    match output {
        Some(file) => file.commit()?,
        None => flush(&mut pipe)?,
    }
    let mut report = report(request, &selection.schema, &written);
    report.source = Some(source.location());
    report.findings = source.findings().to_vec();
    Ok(report)
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
        .sum();
    watch.phase("exporting", Extent { rows, bytes: None });
    archive::write(out, schema, &options, watch, &mut |parts| {
        for table in schema.tables.iter().filter(|table| table.has_rows()) {
            watch.table(&table.name);
            let mut sink = Recorder::new(table, parts);
            source
                .read(table, &mut sink)
                .map_err(|fault| fault.in_table(&table.name))?;
            sink.end()?;
        }
        Ok(())
    })
}

/// Takes the rows of one table: evidence first, then the archive.
struct Recorder<'a, 'p, 't> {
    parts: &'a mut PartsSink<'p>,
    profile: TableProfile<'t>,
    number: u64,
}

impl<'a, 'p, 't> Recorder<'a, 'p, 't> {
    fn new(table: &'t Table, parts: &'a mut PartsSink<'p>) -> Self {
        Recorder {
            parts,
            profile: TableProfile::new(table),
            number: 0,
        }
    }

    fn end(self) -> Result<()> {
        self.parts.end_table(self.profile.finish())
    }
}

impl RowSink for Recorder<'_, '_, '_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.number += 1;
        self.profile.observe(row, self.number);
        self.parts.row(row)
    }
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
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
    };
    let path = request.archive.shown();
    Report {
        summary: format!("exported {} to {path}", wording::extent(&totals)),
        archive: Some(ArchiveFacts {
            path,
            root: written.root.to_string(),
            content_root: written.content_root.to_string(),
            sha256: Some(written.sha256.to_string()),
            bytes: written.bytes,
        }),
        totals,
        tables,
        ..Report::default()
    }
}
