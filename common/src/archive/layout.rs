//! The members of an archive: their names and their order.
//!
//! Names carry ordinals, never names of tables, so nothing in the source can choose a path.

use super::limits::{TABLE_PARTS, TABLES};

/// The folder that all members are in.
pub(super) const FOLDER: &str = "waybill/";

/// A member of an archive. The order of the variants is the order in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// `bagit.txt`: two fixed lines.
    Bagit,
    /// `waybill.json`: what is known before the first row.
    Preamble,
    /// `data/schema.json`.
    Schema,
    /// `data/tNNNN/pNNNNNN.jsonl`: rows. Ordinals count from 1.
    Part {
        /// Ordinal of the table: its position in the schema plus one.
        table: u32,
        /// Ordinal of the part within its table.
        part: u32,
    },
    /// `manifest.json`: the hash tree, counts, offsets, evidence.
    Manifest,
    /// `datapackage.json`, derived: a Frictionless descriptor.
    DataPackage,
    /// `manifest-sha256.txt`, derived: the `BagIt` payload manifest.
    PayloadManifest,
    /// `bag-info.txt`, derived.
    BagInfo,
    /// `tagmanifest-sha256.txt`, derived: the root file.
    Root,
}

impl Member {
    /// The members that every archive has.
    pub(super) const FIXED: [Member; 8] = [
        Member::Bagit,
        Member::Preamble,
        Member::Schema,
        Member::Manifest,
        Member::DataPackage,
        Member::PayloadManifest,
        Member::BagInfo,
        Member::Root,
    ];

    /// The name within the folder.
    #[must_use]
    pub fn name(self) -> String {
        let fixed = match self {
            Member::Part { table, part } => return format!("data/t{table:04}/p{part:06}.jsonl"),
            Member::Bagit => "bagit.txt",
            Member::Preamble => "waybill.json",
            Member::Schema => "data/schema.json",
            Member::Manifest => "manifest.json",
            Member::DataPackage => "datapackage.json",
            Member::PayloadManifest => "manifest-sha256.txt",
            Member::BagInfo => "bag-info.txt",
            Member::Root => "tagmanifest-sha256.txt",
        };
        fixed.to_owned()
    }

    /// The name as it stands in the tar stream.
    #[must_use]
    pub fn path(self) -> String {
        format!("{FOLDER}{}", self.name())
    }

    /// The member of this path.
    pub(super) fn parse(path: &str) -> Option<Member> {
        let name = path.strip_prefix(FOLDER)?;
        if let Some(fixed) = Member::FIXED.into_iter().find(|fixed| fixed.name() == name) {
            return Some(fixed);
        }
        let (table, part) = name
            .strip_prefix("data/t")?
            .strip_suffix(".jsonl")?
            .split_once("/p")?;
        let table = ordinal(table, 4, u32::try_from(TABLES).ok()?)?;
        let part = ordinal(part, 6, TABLE_PARTS)?;
        Some(Member::Part { table, part })
    }

    /// Whether this member may stand directly after `before`.
    pub(super) fn follows(self, before: Option<Member>) -> bool {
        match (before, self) {
            (Some(Member::Schema), Member::Part { part, .. }) => part == 1,
            (
                Some(Member::Part { table, part }),
                Member::Part {
                    table: next_table,
                    part: next,
                },
            ) => {
                if table == next_table {
                    Some(next) == part.checked_add(1)
                } else {
                    next_table > table && next == 1
                }
            }
            (Some(Member::Schema | Member::Part { .. }), Member::Manifest)
            | (Some(Member::Bagit), Member::Preamble)
            | (Some(Member::Preamble), Member::Schema)
            | (Some(Member::Manifest), Member::DataPackage)
            | (Some(Member::DataPackage), Member::PayloadManifest)
            | (Some(Member::PayloadManifest), Member::BagInfo)
            | (Some(Member::BagInfo), Member::Root)
            | (None, Member::Bagit) => true,
            _ => false,
        }
    }
}

/// A number from 1 to `most` in exactly `digits` digits.
fn ordinal(text: &str, digits: usize, most: u32) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| text.parse().ok())??;
    (1..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_member_and_no_other_spelling_does() {
        let part = Member::Part {
            table: 9999,
            part: 999_999,
        };
        for member in Member::FIXED.into_iter().chain([part]) {
            assert_eq!(Member::parse(&member.path()), Some(member));
        }
        for bad in [
            "waybill.json",
            "waybill/../waybill.json",
            "waybill/data/t1/p000001.jsonl",
            "waybill/data/t0000/p000001.jsonl",
            "waybill/data/t0001/p000000.jsonl",
            "waybill/data/t+001/p000001.jsonl",
            "waybill/data/t00001/p000001.jsonl",
            "waybill/data/t0001/p000001.jsonl/",
            "Waybill/bagit.txt",
        ] {
            assert_eq!(Member::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_ascend_without_gaps_and_tables_may_be_left_out() {
        let part = |table, part| Member::Part { table, part };
        assert!(part(3, 1).follows(Some(Member::Schema)));
        assert!(part(3, 2).follows(Some(part(3, 1))));
        assert!(part(5, 1).follows(Some(part(3, 2))));
        assert!(Member::Manifest.follows(Some(part(5, 1))));
        assert!(Member::Manifest.follows(Some(Member::Schema)));
        for (before, after) in [
            (Member::Schema, part(1, 2)),
            (part(1, 1), part(1, 1)),
            (part(1, 1), part(1, 3)),
            (part(2, 1), part(1, 1)),
            (part(1, 1), part(2, 2)),
            (Member::Preamble, part(1, 1)),
            (Member::Manifest, part(1, 1)),
            (Member::Manifest, Member::Manifest),
        ] {
            assert!(!after.follows(Some(before)), "{before:?} then {after:?}");
        }
    }
}
