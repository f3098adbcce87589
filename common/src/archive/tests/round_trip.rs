//! What goes in comes out.

use super::sample::{
    Rows, archive, archive_watched, everything, evidence, file_of, open, options, rows_of, small,
    table,
};
use crate::archive::limits::PART_BYTES;
use crate::archive::{Archive, Limits, Member};
use crate::digest::{Digest, Hasher};
use crate::fault::{Code, Result};
use crate::model::schema::Schema;
use crate::model::value::{OwnedValue, Value};
use crate::progress::Unwatched;
use crate::report::Totals;
use crate::seam::{PartBuffers, PartReader as _, RowSink};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn rows_schema_evidence_and_words_come_back() {
    let schema = everything();
    let mut whole: Vec<OwnedValue> = (0..12).map(OwnedValue::Integer).collect();
    whole[4] = OwnedValue::Text("\u{0}\n\"ü\u{2028}".to_owned());
    whole[5] = OwnedValue::RawText(vec![0xff, 0xfe]);
    whole[6] = OwnedValue::Blob(vec![0; 5]);
    whole[7] = OwnedValue::Real(-0.0);
    whole[8] = OwnedValue::Real(f64::NEG_INFINITY);
    let rows: Vec<Rows> = vec![vec![whole; 3], vec![], vec![vec![OwnedValue::Null]], vec![]];
    let mut options = options();
    options.labels = vec![("ticket".to_owned(), "4711".to_owned())];
    let (bytes, written) = archive_watched(&schema, &rows, &options, &Unwatched);
    let written = written.unwrap();

    let archive = open(&bytes).unwrap();
    assert_eq!(*archive.schema(), schema);
    assert_eq!(rows_of(&archive).unwrap(), rows);
    assert_eq!(archive.evidence()[0], evidence(&schema.tables[0], &rows[0]));
    assert_eq!(archive.evidence()[3].columns.len(), 0);
    assert_eq!(archive.preamble().labels, options.labels);
    assert_eq!(archive.root(), written.root);
    assert_eq!(archive.content_root(), written.content_root);
    assert_eq!(archive.totals(), written.totals);
    assert_eq!((written.totals.tables, written.totals.rows), (4, 4));
    assert_eq!(written.bytes, bytes.len() as u64);
    assert_eq!(written.sha256, Digest::of(&bytes));
    assert_eq!(archive.file_sha256(&Unwatched).unwrap(), written.sha256);
}

#[test]
fn an_archive_of_nothing_is_an_archive() {
    let (bytes, written) = archive(&Schema::default(), &[]);
    let archive = open(&bytes).unwrap();
    assert_eq!(archive.parts(), []);
    assert_eq!(written.totals, Totals::default());
    assert_eq!(archive.entries().count(), 8);
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let schema = Schema {
        tables: vec![table("a", &["x"]), table("b", &["x"])],
        ..Schema::default()
    };
    // 700 KB a row: 12 rows fill a part.
    let row = |n: i64| {
        let text = format!("{n} ").repeat(350_000);
        vec![
            OwnedValue::Integer(n),
            OwnedValue::Text(text[..700_000].to_owned()),
        ]
    };
    let rows: Vec<Rows> = vec![(0..40).map(row).collect(), (0..13).map(row).collect()];
    let mut options = options();
    options.level = 1;
    let (one, _) = archive_watched(&schema, &rows, &options, &Unwatched);
    options.jobs = 4;
    let (four, _) = archive_watched(&schema, &rows, &options, &Unwatched);
    assert!(one == four, "{} and {} bytes", one.len(), four.len());

    let archive = open(&four).unwrap();
    let spans: Vec<_> = archive
        .parts()
        .iter()
        .map(|p| (p.table, p.part, p.rows, p.first_row))
        .collect();
    assert_eq!(
        spans,
        [
            (0, 1, 12, 1),
            (0, 2, 12, 13),
            (0, 3, 12, 25),
            (0, 4, 4, 37),
            (1, 1, 12, 1),
            (1, 2, 1, 13)
        ]
    );
    assert_eq!(rows_of(&archive).unwrap(), rows);
    assert_eq!(archive.table_parts(1).len(), 2);
    assert!(archive.parts()[0].bytes >= PART_BYTES as u64);
}

#[test]
fn the_content_root_depends_on_the_content_alone() {
    let (schema, rows) = small();
    let (bytes, written) = archive(&schema, &rows);
    let mut other = options();
    other.level = 19;
    other.labels = vec![("a".to_owned(), "b".to_owned())];
    other.source_version = "3.0.0".to_owned();
    let again = archive_watched(&schema, &rows, &other, &Unwatched)
        .1
        .unwrap();
    assert_eq!(again.content_root, written.content_root);
    assert_ne!(again.root, written.root);

    // The formula of docs/format.md, done by hand.
    let archive = open(&bytes).unwrap();
    let mut digest = Hasher::default();
    digest.update(b"waybill content 1\n");
    let schema_json = String::from_utf8(archive.tag_file(Member::Schema).unwrap()).unwrap();
    let mut content = schema_json.clone();
    for sql in [
        "CREATE TABLE a(x)",
        "CREATE TABLE b()",
        "CREATE TABLE c(y,z)",
    ] {
        content = content.replace(&format!(",\"note\":\"{sql}\""), "");
    }
    digest.update(content.as_bytes());
    for (id, (name, lines)) in (1..).zip([
        ("a", &b"[1,\"eins\"]\n[2,null]\n"[..]),
        ("b", b""),
        ("c", b"[-7,0.5,{\"blob\":\"AP8=\"}]\n"),
    ]) {
        let count = lines.split(|byte| *byte == b'\n').count() - 1;
        let parts = if lines.is_empty() {
            vec![]
        } else {
            Digest::of(lines).0.to_vec()
        };
        let rows_sha256 = Digest::of(&parts);
        digest.update(format!("[{id},\"{name}\",{count},\"{rows_sha256}\"]\n").as_bytes());
    }
    assert_eq!(written.content_root, digest.finish());
}

#[test]
fn entries_list_every_member_with_the_digest_of_its_content() {
    let (schema, rows) = small();
    let (bytes, written) = archive(&schema, &rows);
    let archive = open(&bytes).unwrap();
    let entries: Vec<_> = archive.entries().collect();
    assert_eq!(entries.len(), 10);
    assert_eq!(entries[3].member.path(), "waybill/data/t0001/p000001.jsonl");
    assert_eq!(entries[3].rows, Some(2));
    assert_eq!(entries[3].sha256, Digest::of(b"[1,\"eins\"]\n[2,null]\n"));
    assert_eq!(entries[9].sha256, written.root);
    let frame = &bytes[entries[4].offset as usize..][..entries[4].frame_bytes as usize];
    let lines = zstd::bulk::decompress(frame, 1000).unwrap();
    assert_eq!(lines, b"[-7,0.5,{\"blob\":\"AP8=\"}]\n");
}

#[test]
fn a_reader_may_lower_the_limits() {
    let (schema, rows) = small();
    let (bytes, _) = archive(&schema, &rows);
    let lower: [fn(&mut Limits); 4] = [
        |limits| limits.schema_bytes = 100,
        |limits| limits.tag_bytes = 100,
        |limits| limits.part_bytes = 20,
        |limits| limits.parts = 1,
    ];
    for (number, lower) in lower.iter().enumerate() {
        let mut limits = Limits::default();
        lower(&mut limits);
        let refused = Archive::open(file_of(&bytes), "a", &limits, None)
            .err()
            .unwrap();
        assert_eq!(
            refused.code(),
            Code::ArchiveLimit,
            "limit {number}: {refused:?}"
        );
    }
}

#[test]
fn a_part_above_the_limit_is_named_with_its_size_and_the_way_out() {
    let (schema, rows) = small();
    let (bytes, _) = archive(&schema, &rows);
    let limits = Limits {
        part_bytes: 20,
        ..Limits::default()
    };
    let refused = Archive::open(file_of(&bytes), "a", &limits, None)
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::ArchiveLimit);
    let entry = refused.place().entry.clone();
    assert_eq!(entry.as_deref(), Some("waybill/data/t0003/p000001.jsonl"));
    let text = format!("{refused:?}");
    assert!(text.contains("25 bytes, at most 20"), "{text}");
    assert!(text.contains("--max-part 25"), "{text}");
}

/// Counts the sinks that have a row at hand.
struct Busy<'a> {
    now: &'a AtomicUsize,
    most: &'a AtomicUsize,
    meet: Option<&'a Barrier>,
}

impl RowSink for Busy<'_> {
    fn row(&mut self, _: &[Value<'_>]) -> Result<()> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        match self.meet.take() {
            Some(meet) => drop(meet.wait()),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn large_parts_are_read_one_at_a_time_and_their_memory_is_given_back() {
    let (schema, rows) = small();
    let (bytes, _) = archive(&schema, &rows);
    for large in [true, false] {
        let mut limits = Limits::default();
        if large {
            limits.large_part_bytes = 10;
        }
        let archive = Archive::open(file_of(&bytes), "a", &limits, None).unwrap();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let meet = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut buffers = PartBuffers::default();
                    let mut sink = Busy {
                        now: &now,
                        most: &most,
                        // Others can be met only where they need not wait.
                        meet: (!large).then_some(&meet),
                    };
                    let part = &archive.parts()[0];
                    archive.read(part, &mut buffers, &mut sink).unwrap();
                    assert_eq!(buffers.lines.capacity() == 0, large);
                    assert_eq!(buffers.frame.capacity() == 0, large);
                    archive.check_part(part, &mut buffers).unwrap();
                    assert_eq!(buffers.lines.capacity() == 0, large);
                });
            }
        });
        assert_eq!(most.into_inner(), if large { 1 } else { 4 });
    }
}
