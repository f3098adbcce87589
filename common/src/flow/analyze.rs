//! Analyze: look at a source, all of it, and say what an import would meet.

use super::keys::KeyCheck;
use super::map_out::MapOut;
use super::plan;
use super::request::{Against, AnalyzeRequest};
use super::select::select;
use super::wishes::Wishes;
use super::{examine, source, wording};
use crate::engine::postgres::catalogue::{Schemas, preflight};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::fault::Result;
use crate::location::Location;
use crate::mapping;
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::profile::TableProfile;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::progress::{Extent, Watch};
use crate::report::{Report, Severity, Totals};
use crate::seam::{RowSink, Source};

/// Reads every row, once for the evidence, and tables with broken keys once more to name the rows.
pub fn analyze(request: &AnalyzeRequest, watch: &dyn Watch) -> Result<Report> {
    let mut wishes = Wishes::read(request.map.as_deref(), None, request.names)?;
    if let Against::Sqlite | Against::Target(Location::Sqlite(_)) = &request.against {
        wishes.refuse_mapping()?;
    }
    let map_out = MapOut::begin(request)?;
    let mut source = source::open(&request.source, watch)?;
    wishes.check(source.schema())?;
    let selection = select(source.schema(), &request.tables)?;
    let schema = &selection.schema;
    let (evidence, keys) = gather(source.as_mut(), schema, watch)?;
    let findings = source.findings().to_vec();
    source.finish()?;
    let mut report = begin(schema, &evidence);
    report.source = Some(source.location());
    report.findings = findings;
    let mut written = String::new();
    if let Some(map_out) = map_out {
        let words;
        (wishes, words) = map_out.write(schema, &evidence, &keys, wishes)?;
        written = format!("; {words}");
    }
    judge((request, &wishes), schema, &evidence, &keys, &mut report)?;
    report.order = mapping::order(schema);
    let blocked = blockers(&report);
    let extent = wording::extent(&report.totals);
    report.summary = format!("analyzed {extent}: {blocked}{written}");
    Ok(report)
}

/// How much stands in the way, in words.
fn blockers(report: &Report) -> String {
    let findings = report.findings.iter();
    let errors = findings.filter(|finding| finding.severity == Severity::Error);
    match errors.count() {
        0 => "nothing stands in the way".to_owned(),
        count => format!("{} in the way", wording::counted(count as u64, "blocker")),
    }
}

/// What the rows are, and which keys they break.
fn gather(
    source: &mut dyn Source,
    schema: &Schema,
    watch: &dyn Watch,
) -> Result<(Vec<TableEvidence>, Vec<KeyEvidence>)> {
    let tables = schema.tables.iter();
    let estimates: Vec<Option<u64>> = tables.map(|table| source.estimate(table)).collect();
    let rows = estimates
        .iter()
        .try_fold(0_u64, |sum, rows| Some(sum.saturating_add((*rows)?)));
    watch.phase("analyzing", Extent { rows, bytes: None });
    let estimates: Vec<u64> = estimates
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect();
    let check = KeyCheck::new(schema, &estimates, examine::KEY_BUDGET);
    let mut evidence = Vec::new();
    for (position, table) in schema.tables.iter().enumerate() {
        evidence.push(look(source, position, table, &check, watch)?);
    }
    let mut broken = check.finish(watch)?;
    broken.read_source(source, schema, watch)?;
    Ok((evidence, broken.finish()))
}

fn look(
    source: &mut dyn Source,
    position: usize,
    table: &Table,
    check: &KeyCheck,
    watch: &dyn Watch,
) -> Result<TableEvidence> {
    let mut looker = Looker {
        profile: TableProfile::new(table),
        feed: check.feed(position),
        number: 0,
        watch,
    };
    if table.has_rows() {
        watch.table(&table.name);
        source
            .read(table, &mut looker)
            .map_err(|fault| fault.in_table(&table.name))?;
    }
    let Looker { profile, feed, .. } = looker;
    check.absorb(feed)?;
    Ok(profile.finish())
}

struct Looker<'a> {
    profile: TableProfile,
    feed: super::keys::Feed<'a>,
    number: u64,
    watch: &'a dyn Watch,
}

/// Rows between two reports of progress.
const STRIDE: u64 = 4096;

impl RowSink for Looker<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.number += 1;
        self.profile.observe(row, self.number);
        if self.number.is_multiple_of(STRIDE) {
            self.watch.advance(STRIDE, 0);
        }
        self.feed.row(row, self.number)
    }
}

fn begin(schema: &Schema, evidence: &[TableEvidence]) -> Report {
    let tables: Vec<_> = schema
        .tables
        .iter()
        .zip(evidence)
        .map(|(table, evidence)| {
            let mut report = wording::table(table, evidence.rows, 0);
            report.columns = plan::columns(table, evidence);
            report.keys = plan::keys(table);
            report
        })
        .collect();
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: 0,
    };
    Report {
        totals,
        tables,
        ..Report::default()
    }
}

fn judge(
    (request, wishes): (&AnalyzeRequest, &Wishes),
    schema: &Schema,
    evidence: &[TableEvidence],
    keys: &[KeyEvidence],
    report: &mut Report,
) -> Result<()> {
    let mut broken = examine::key_findings(schema, keys);
    let target = match &request.against {
        Against::Sqlite | Against::Target(Location::Sqlite(_)) => {
            report.findings.append(&mut broken);
            return Ok(());
        }
        Against::Postgres => None,
        Against::Target(Location::Postgres(text)) => {
            Some(ConnInfo::parse(text, &|name| std::env::var(name).ok())?)
        }
    };
    let planned = match &target {
        Some(settings) => plan::for_server(schema, evidence, keys, settings, wishes)?,
        None => mapping::plan(schema, evidence, keys, &wishes.request(plan::OLDEST_SERVER)),
    };
    broken.retain(|finding| !plan::words(finding));
    report.findings.append(&mut broken);
    plan::show(schema, &planned, evidence, "public", report);
    if let Some(settings) = &target {
        report.target = Some(settings.location());
        report.findings.extend(preflight(
            settings,
            Schemas::of(&wishes.target_schema),
            &planned,
        )?);
    }
    Ok(())
}
