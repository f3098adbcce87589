//! The writer's threads: failures end the job with the right fault, and nothing waits for ever.

use super::sample::{Rows, archive_watched, options, send, small, table};
use crate::archive::write;
use crate::fault::{Code, Fault};
use crate::model::schema::Schema;
use crate::model::value::{OwnedValue, Value};
use crate::profile::evidence::TableEvidence;
use crate::progress::{Extent, Unwatched, Watch};
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Takes so many bytes, then fails.
struct Full(usize, io::ErrorKind);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(self.1.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Some parts of a table, 700 KB a row.
fn long() -> (Schema, Vec<Rows>) {
    let schema = Schema {
        tables: vec![table("long", &["x"])],
        ..Schema::default()
    };
    let row = |n: i64| {
        vec![
            OwnedValue::Integer(n),
            OwnedValue::Blob(vec![n as u8; 500_000]),
        ]
    };
    (schema, vec![(0..60).map(row).collect()])
}

#[test]
fn a_full_disk_and_a_closed_pipe_end_the_job() {
    let (schema, rows) = long();
    let mut options = options();
    options.jobs = 2;
    for room in [0, 3_000, 7_000] {
        for (kind, code) in [
            (io::ErrorKind::StorageFull, Code::OutputUnwritable),
            (io::ErrorKind::BrokenPipe, Code::Stream),
        ] {
            let fault = write(
                &mut Full(room, kind),
                &schema,
                &options,
                &Unwatched,
                &mut |parts| send(&schema, &rows, parts),
            )
            .unwrap_err();
            assert_eq!(
                (fault.code(), fault.what()),
                (code, "cannot write the archive")
            );
        }
    }
}

#[test]
fn a_source_that_fails_ends_the_job_with_its_own_fault() {
    let (schema, _) = long();
    let fault = write(
        &mut Vec::new(),
        &schema,
        &options(),
        &Unwatched,
        &mut |parts| {
            parts.table(0, &mut |sink| {
                sink.row(&[Value::Integer(1), Value::Null])?;
                Err(Fault::new(Code::SourceDamaged, "a page is torn"))
            })
        },
    )
    .unwrap_err();
    assert_eq!(fault.code(), Code::SourceDamaged);
}

#[test]
fn tables_left_out_repeated_or_of_the_wrong_width_are_our_own_fault() {
    let (schema, rows) = small();
    let fault = |produce: &mut dyn FnMut(
        &mut crate::archive::PartsSink<'_>,
    ) -> crate::fault::Result<()>| {
        let fault = write(&mut Vec::new(), &schema, &options(), &Unwatched, produce).unwrap_err();
        assert_eq!(fault.code(), Code::Bug);
        fault.what().to_owned()
    };
    assert_eq!(fault(&mut |_| Ok(())), "a table was left out");
    let twice = fault(&mut |parts| {
        send(&schema, &rows, parts)?;
        send(&schema, &rows, parts)
    });
    assert_eq!(twice, "a table came out of turn");
    let narrow = fault(&mut |parts| {
        parts.table(0, &mut |sink| {
            sink.row(&[Value::Null])?;
            unreachable!("the row was refused")
        })
    });
    assert_eq!(narrow, "a row has another number of cells than its table");
    let unproven = fault(&mut |parts| parts.table(0, &mut |_| Ok(TableEvidence::default())));
    assert_eq!(unproven, "the evidence is not that of the rows");
}

/// Adds up what it is told, and stops after so many calls.
struct Stop {
    after: u64,
    asked: AtomicU64,
    told: Mutex<(u64, u64)>,
}

impl Watch for Stop {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, rows: u64, bytes: u64) {
        let mut told = self.told.lock().unwrap();
        told.0 += rows;
        told.1 += bytes;
    }
    fn stopped(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.after
    }
}

#[test]
fn a_signal_stops_the_job_at_the_next_part() {
    let (schema, rows) = long();
    let watch = |after| Stop {
        after,
        asked: AtomicU64::new(0),
        told: Mutex::default(),
    };
    let stopped = watch(2);
    let fault = archive_watched(&schema, &rows, &options(), &stopped)
        .1
        .unwrap_err();
    assert_eq!(fault.code(), Code::Interrupted);

    let through = watch(u64::MAX);
    let written = archive_watched(&schema, &rows, &options(), &through)
        .1
        .unwrap();
    assert_eq!(
        *through.told.lock().unwrap(),
        (written.totals.rows, written.totals.bytes)
    );
}

#[test]
fn a_source_of_more_tables_than_an_archive_numbers_is_refused_before_a_byte_is_written() {
    let mut schema = Schema {
        tables: (0..10_000)
            .map(|n| table(&format!("t{n}"), &["x"]))
            .collect(),
        ..Schema::default()
    };
    let written = |schema: &Schema| {
        write(
            &mut Full(0, io::ErrorKind::StorageFull),
            schema,
            &options(),
            &Unwatched,
            &mut |_| Ok(()),
        )
        .unwrap_err()
    };
    let fault = written(&schema);
    assert_eq!(
        (fault.code(), fault.what()),
        (Code::SourceLimit, "the source has too many tables")
    );
    schema.tables.pop();
    assert_eq!(written(&schema).code(), Code::OutputUnwritable);
}
