//! Archives with one thing changed and every digest above it made right again.

use super::sample::{Rows, archive, open, open_expecting, rows_of, small};
use crate::archive::content_root::content_root;
use crate::archive::derived::{self, Facts};
use crate::archive::emit::Emitter;
use crate::archive::frame;
use crate::archive::layout::Member;
use crate::archive::limits::Limits;
use crate::archive::manifest::{self, Manifest};
use crate::archive::walk;
use crate::archive::{json, schema_json};
use crate::digest::Digest;
use crate::fault::{Code, Fault};
use crate::model::schema::Schema;

type Edit = fn(&mut Manifest);
type EditAny = fn(&mut Forge);

/// An archive taken apart: each member with its content, or a part with its frame.
struct Forge {
    schema: Schema,
    members: Vec<(Member, Vec<u8>, u32)>,
    manifest: Manifest,
}

impl Forge {
    fn new(schema: Schema, rows: &[Rows]) -> Self {
        let (bytes, _) = archive(&schema, rows);
        let file = super::sample::file_of(&bytes);
        let spans = walk::walk(&file, bytes.len() as u64, &Limits::default()).unwrap();
        let member = |span: walk::Span| {
            let mut content = bytes[span.offset as usize..][..span.frame_bytes as usize].to_vec();
            if !matches!(span.member, Member::Part { .. }) {
                frame::open_stored(&mut content, u64::from(span.bytes)).unwrap();
            }
            (span.member, content, span.bytes)
        };
        let members: Vec<_> = spans.into_iter().map(member).collect();
        let manifest = members
            .iter()
            .find(|(m, ..)| *m == Member::Manifest)
            .unwrap();
        Forge {
            schema,
            manifest: json::from_bytes(&manifest.1).unwrap(),
            members,
        }
    }

    fn small() -> Self {
        let (schema, rows) = small();
        Forge::new(schema, &rows)
    }

    fn content(&mut self, member: Member) -> &mut Vec<u8> {
        &mut self
            .members
            .iter_mut()
            .find(|(m, ..)| *m == member)
            .unwrap()
            .1
    }

    fn replace(&mut self, member: Member, from: &str, to: &str) {
        let content = String::from_utf8(self.content(member).clone()).unwrap();
        assert!(content.contains(from), "{from} in {content}");
        *self.content(member) = content.replacen(from, to, 1).into_bytes();
    }

    /// Makes the sums of the manifest right.
    fn sum_up(&mut self) {
        for table in &mut self.manifest.tables {
            let sums = manifest::sums(&table.parts).unwrap();
            (table.rows, table.bytes) = (sums.rows, sums.bytes);
            table.rows_sha256 = sums.rows_sha256;
        }
        self.manifest.totals = manifest::totals(&self.manifest.tables).unwrap();
        self.manifest.content_root =
            content_root(&schema_json::content(&self.schema), &self.manifest.tables);
    }

    /// Writes the manifest, and derives what is derived from it.
    fn derive(&mut self) {
        let schema_bytes = self.content(Member::Schema).len() as u64;
        *self.content(Member::Manifest) = json::to_bytes(&self.manifest);
        let program = concat!("waybill ", env!("CARGO_PKG_VERSION"));
        let (mut package, mut list, mut info) = (Vec::new(), Vec::new(), Vec::new());
        let facts = Facts {
            schema: &self.schema,
            schema_bytes,
            manifest: &self.manifest,
            program,
        };
        derived::data_package(&mut package, &facts).unwrap();
        derived::payload_manifest(&mut list, &facts).unwrap();
        derived::bag_info(&mut info, &facts).unwrap();
        *self.content(Member::DataPackage) = package;
        *self.content(Member::PayloadManifest) = list;
        *self.content(Member::BagInfo) = info;
    }

    /// Makes the root file right.
    fn seal(&mut self) {
        let mut root = Vec::new();
        let members = &self.members;
        let digest = |member| Digest::of(&members.iter().find(|(m, ..)| *m == member).unwrap().1);
        derived::root_file(&mut root, digest).unwrap();
        *self.content(Member::Root) = root;
    }

    /// Puts the archive together as it is.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut emitter = Emitter::new(&mut out);
        for (member, content, size) in &self.members {
            if matches!(member, Member::Part { .. }) {
                emitter.content(*member, content, *size).unwrap();
            } else {
                emitter.stored(*member, content).unwrap();
            }
        }
        emitter.finish().unwrap();
        out
    }
}

/// Why `bytes` is refused, by opening it or by reading its rows.
fn refusal(bytes: &[u8]) -> Fault {
    match open(bytes).and_then(|archive| rows_of(&archive)) {
        Err(fault) => fault,
        Ok(_) => panic!("accepted"),
    }
}

fn other(digest: &mut Digest) {
    digest.0[31] ^= 1;
}

#[test]
fn a_forge_that_changes_nothing_makes_the_same_bytes() {
    let (schema, rows) = small();
    let (bytes, _) = archive(&schema, &rows);
    let mut forge = Forge::small();
    forge.sum_up();
    forge.derive();
    forge.seal();
    assert_eq!(forge.bytes(), bytes);
}

#[test]
fn each_digest_of_the_manifest_is_recomputed() {
    let edits: [(Edit, bool, Code, &str); 5] = [
        (
            |m| other(&mut m.schema_sha256),
            false,
            Code::ArchiveInconsistent,
            "the schema does not match its recorded digest",
        ),
        (
            |m| other(&mut m.content_root),
            false,
            Code::ArchiveInconsistent,
            "the content does not give the recorded content root",
        ),
        (
            |m| other(&mut m.tables[2].rows_sha256),
            false,
            Code::ArchiveInconsistent,
            "the parts' digests do not give the table's",
        ),
        (
            |m| other(&mut m.tables[2].parts[0].sha256),
            true,
            Code::ArchiveDamaged,
            "the rows do not match their recorded digest",
        ),
        (
            |m| other(&mut m.tables[2].parts[0].frame_sha256),
            true,
            Code::ArchiveDamaged,
            "the frame does not match its recorded digest",
        ),
    ];
    for (edit, sum_up, code, what) in edits {
        let mut forge = Forge::small();
        edit(&mut forge.manifest);
        if sum_up {
            forge.sum_up();
        }
        forge.derive();
        forge.seal();
        let fault = refusal(&forge.bytes());
        assert_eq!((fault.code(), fault.what()), (code, what));
    }
}

#[test]
fn each_number_of_the_manifest_is_held_to_what_it_counts() {
    let edits: [(Edit, &str); 13] = [
        (|m| m.totals.tables += 1, "the tables are counted wrong"),
        (|m| m.totals.parts += 1, "the parts are counted wrong"),
        (|m| m.totals.rows += 1, "the tables' rows do not add up"),
        (|m| m.totals.bytes += 1, "the tables' bytes do not add up"),
        (|m| m.tables[0].rows += 1, "the parts' rows do not add up"),
        (|m| m.tables[0].bytes += 1, "the parts' bytes do not add up"),
        (
            |m| m.tables[0].id += 1,
            "a table is out of order in the manifest",
        ),
        (
            |m| m.tables[0].name.push('x'),
            "a table has another name in the manifest",
        ),
        (
            |m| m.tables[0].parts[0].offset += 1,
            "the frame is not where the manifest says",
        ),
        (
            |m| m.tables[0].parts[0].frame_bytes += 1,
            "the frame has another length",
        ),
        (
            |m| drop(m.tables.pop()),
            "the manifest has another number of tables than the schema",
        ),
        (
            |m| drop(m.tables[0].columns.pop()),
            "there is evidence for another number of columns than are stored",
        ),
        (
            |m| m.tables.swap(0, 2),
            "a table is out of order in the manifest",
        ),
    ];
    for (edit, what) in edits {
        let mut forge = Forge::small();
        edit(&mut forge.manifest);
        forge.derive();
        forge.seal();
        let fault = refusal(&forge.bytes());
        assert_eq!(
            (fault.code(), fault.what()),
            (Code::ArchiveInconsistent, what)
        );
    }
}

#[test]
fn parts_and_manifest_must_name_the_same() {
    let edits: [(EditAny, &str); 4] = [
        (
            |f| f.manifest.tables[0].parts[0].bytes += 1,
            "the lines have another length",
        ),
        (
            |f| f.manifest.tables[0].parts.truncate(0),
            "a part of the manifest is not in the archive",
        ),
        (
            |f| f.manifest.tables[2].parts.truncate(0),
            "a part is not in the manifest",
        ),
        (
            |f| f.manifest.tables[2].parts[0].rows = 0,
            "a part has no rows",
        ),
    ];
    for (edit, what) in edits {
        let mut forge = Forge::small();
        edit(&mut forge);
        forge.sum_up();
        for table in &mut forge.manifest.tables {
            if table.rows == 0 {
                // Keeps the evidence from being the first to complain.
                table.columns = Vec::new();
            }
        }
        forge.derive();
        forge.seal();
        let fault = refusal(&forge.bytes());
        assert_eq!(fault.code(), Code::ArchiveInconsistent, "{fault:?}");
        assert!(
            fault.what() == what || fault.what().contains("evidence"),
            "{fault:?}"
        );
    }
}

#[test]
fn each_derived_file_is_derived_again() {
    for (member, from, to) in [
        (Member::Bagit, "1.0", "0.9"),
        (Member::DataPackage, "\"any\"", "\"all\""),
        (Member::PayloadManifest, "  data", "  date"),
        (Member::BagInfo, "Oxum: 1", "Oxum: 2"),
        (Member::BagInfo, "\n", "\nMore: x\n"),
    ] {
        let mut forge = Forge::small();
        if from == "Oxum: 1" {
            let info = String::from_utf8(forge.content(Member::BagInfo).clone()).unwrap();
            let digit = &info[info.find("Oxum: ").unwrap() + 6..][..1];
            forge.replace(
                member,
                &format!("Oxum: {digit}"),
                &format!("Oxum: {digit}9"),
            );
        } else {
            forge.replace(member, from, to);
        }
        forge.seal();
        let fault = refusal(&forge.bytes());
        let expected = if member == Member::Bagit {
            Code::ArchiveForeign
        } else {
            Code::ArchiveInconsistent
        };
        // A bagit.txt of another length shows in the first header already.
        assert!(
            fault.code() == expected
                || member == Member::Bagit && fault.code() == Code::ArchiveInconsistent,
            "{member:?}: {fault:?}"
        );
        assert!(member == Member::Bagit || fault.place().entry == Some(member.path()));
    }
}

#[test]
fn each_line_of_the_root_file_is_checked() {
    let lines = Forge::small()
        .content(Member::Root)
        .split(|byte| *byte == b'\n')
        .count()
        - 1;
    assert_eq!(lines, 6);
    for line in 0..lines {
        let mut forge = Forge::small();
        let at = line * 64 + {
            let root = forge.content(Member::Root);
            let starts = root
                .split(|byte| *byte == b'\n')
                .take(line)
                .map(|l| l.len() + 1 - 64);
            starts.sum::<usize>()
        };
        let digit = &mut forge.content(Member::Root)[at];
        *digit = if *digit == b'0' { b'1' } else { b'0' };
        let fault = refusal(&forge.bytes());
        assert_eq!(fault.code(), Code::ArchiveInconsistent, "line {line}");
        assert_eq!(fault.place().entry, Some(Member::Root.path()));
    }
}

#[test]
fn nothing_is_parsed_before_the_root_is_the_expected_one() {
    let mut forge = Forge::small();
    *forge.content(Member::Preamble) = b"{\"format\":\"waybill\",\"version\":2,".to_vec();
    forge.seal();
    let root = Digest::of(forge.content(Member::Root));
    let bytes = forge.bytes();
    let code = |root| open_expecting(&bytes, root).err().unwrap().code();
    assert_eq!(code(Some(Digest::default())), Code::ArchiveUnexpected);
    assert_eq!(code(Some(root)), Code::ArchiveInconsistent);
    assert_eq!(code(None), Code::ArchiveInconsistent);
}

#[test]
fn a_newer_archive_is_called_newer_even_when_its_members_are_unknown() {
    let mut forge = Forge::small();
    forge.replace(
        Member::Preamble,
        "\"version\":1,",
        "\"version\":2,\"more\":[],",
    );
    forge.seal();
    assert_eq!(refusal(&forge.bytes()).code(), Code::ArchiveTooNew);
    forge
        .members
        .retain(|(member, ..)| *member != Member::BagInfo);
    assert_eq!(refusal(&forge.bytes()).code(), Code::ArchiveTooNew);

    let mut forge = Forge::small();
    forge.replace(
        Member::Preamble,
        "\"requires\":[]",
        "\"requires\":[\"json-cells\"]",
    );
    forge.seal();
    assert_eq!(refusal(&forge.bytes()).code(), Code::ArchiveTooNew);
}

#[test]
fn a_dropped_row_passes_every_check_but_an_expected_root() {
    let (schema, mut rows) = small();
    let (_, honest) = archive(&schema, &rows);
    rows[0].pop();
    let (forged, _) = archive(&schema, &rows);
    assert!(open(&forged).is_ok());
    let refused = open_expecting(&forged, Some(honest.root)).err().unwrap();
    assert_eq!(refused.code(), Code::ArchiveUnexpected);
    let (bytes, _) = archive(&small().0, &small().1);
    assert!(open_expecting(&bytes, Some(honest.root)).is_ok());
}

#[test]
fn rows_that_do_not_follow_the_grammar_are_refused_by_table_and_row() {
    for (lines, row) in [
        (&b"[1,\"eins\"]\n[2, null]\n"[..], "row 2"),
        (b"[1,\"eins\"]\n[2,null,null]\n", "row 2"),
        (b"[1,true]\n[2,null]\n", "row 1"),
        (b"[1,{\"number\":\"1e400\"}]\n[2,null]\n", "row 1"),
        (b"[1,\"\xff\"]\n[2,null]\n", "row 1"),
    ] {
        let mut forge = Forge::small();
        let mut frame = Vec::new();
        let mut packer = crate::archive::content::Packer::new(3).unwrap();
        packer.pack(lines, &mut frame).unwrap();
        let part = Member::Part { table: 1, part: 1 };
        let grown = frame.len() as i64 - forge.content(part).len() as i64;
        let record = &mut forge.manifest.tables[0].parts[0];
        record.bytes = lines.len() as u32;
        record.sha256 = Digest::of(lines);
        record.frame_bytes = frame.len() as u32;
        record.frame_sha256 = Digest::of(&frame);
        let member = forge.members.iter_mut().find(|(m, ..)| *m == part).unwrap();
        *member = (part, frame, lines.len() as u32);
        // What follows moves with the frame and with its padding, which stays within one block.
        let padding = |bytes: usize| (512 - bytes % 512) % 512;
        let moved = padding(lines.len()) as i64 - padding(b"[1,\"eins\"]\n[2,null]\n".len()) as i64;
        let later = &mut forge.manifest.tables[2].parts[0].offset;
        *later = later.checked_add_signed(grown + moved).unwrap();
        forge.sum_up();
        forge.derive();
        forge.seal();
        let fault = refusal(&forge.bytes());
        assert_eq!(fault.code(), Code::ArchiveInconsistent, "{fault:?}");
        let place = fault.place();
        assert_eq!(
            (place.table.as_deref(), place.row.as_deref()),
            (Some("a"), Some(row))
        );
        assert_eq!(place.entry, Some(part.path()));
    }
}
