//! `waybill.json`: what is known before the first row.

use super::json;
use super::limits::VERSION;
use super::writer::WriterOptions;
use crate::fault::{Code, Fault, Mismatch, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who wrote the archive, from what, and the operator's words. Nothing of it is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preamble {
    /// Engine of the source, such as `sqlite`.
    pub source_engine: String,
    /// Its version.
    pub source_version: String,
    /// The program that wrote the archive, with its version.
    pub program: String,
    /// The version of libzstd that compressed the rows.
    pub zstd: String,
    /// The compression level.
    pub level: i32,
    /// The operator's words, sorted by key.
    pub labels: Vec<(String, String)>,
    /// When it was written, where the operator asked for that: RFC 3339, in UTC.
    pub created: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreambleJson {
    format: String,
    #[serde(with = "json::count")]
    version: u64,
    requires: Vec<String>,
    source: SourceJson,
    encoder: EncoderJson,
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceJson {
    engine: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncoderJson {
    program: String,
    zstd: String,
    level: i32,
}

/// What every version of `waybill.json` has, whatever else a newer one may hold.
#[derive(Deserialize)]
struct Probe {
    format: String,
    version: u64,
    requires: Vec<String>,
}

impl Preamble {
    /// The preamble of an archive that this program writes now.
    pub(super) fn new(options: &WriterOptions) -> Result<Self> {
        let mut labels = options.labels.clone();
        labels.sort();
        if let Some(twice) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Fault::new(Code::Usage, "a label is given twice")
                .because(format!("label `{}`", twice[0].0)));
        }
        let preamble = Preamble {
            source_engine: options.source_engine.clone(),
            source_version: options.source_version.clone(),
            program: concat!("waybill ", env!("CARGO_PKG_VERSION")).to_owned(),
            zstd: zstd::zstd_safe::version_string().to_owned(),
            level: options.level,
            labels,
            created: options.created.clone(),
        };
        preamble
            .check()
            .map_err(|what| Fault::new(Code::Usage, what))?;
        Ok(preamble)
    }

    /// What must hold beyond the form.
    fn check(&self) -> Result<(), &'static str> {
        let names = [
            &self.source_engine,
            &self.source_version,
            &self.program,
            &self.zstd,
        ];
        let plain = |name: &str| {
            (1..=100).contains(&name.len())
                && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        if !names.into_iter().all(|name| plain(name)) {
            return Err("a name or version is not 1 to 100 printable ASCII characters");
        }
        if !(1..=19).contains(&self.level) {
            return Err("the compression level is not between 1 and 19");
        }
        if self.labels.iter().any(|(key, _)| key.is_empty()) {
            return Err("a label has no key");
        }
        let instant = |text: &String| {
            text.parse::<jiff::Timestamp>()
                .is_ok_and(|time| time.to_string() == *text)
        };
        if !self.created.iter().all(instant) {
            return Err("the time of creation is not RFC 3339 in UTC, as 2026-01-31T09:30:00Z");
        }
        Ok(())
    }

    /// The bytes of `waybill.json`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        json::to_bytes(&PreambleJson {
            format: "waybill".to_owned(),
            version: VERSION,
            requires: Vec::new(),
            source: SourceJson {
                engine: self.source_engine.clone(),
                version: self.source_version.clone(),
            },
            encoder: EncoderJson {
                program: self.program.clone(),
                zstd: self.zstd.clone(),
                level: self.level,
            },
            labels: self.labels.iter().cloned().collect(),
            created: self.created.clone(),
        })
    }

    /// Reads `waybill.json`: first whether it is ours to read at all, then strictly.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        refuse_newer(bytes)?;
        let json: PreambleJson = json::from_bytes(bytes)?;
        let preamble = Preamble {
            source_engine: json.source.engine,
            source_version: json.source.version,
            program: json.encoder.program,
            zstd: json.encoder.zstd,
            level: json.encoder.level,
            labels: json.labels.into_iter().collect(),
            created: json.created,
        };
        preamble
            .check()
            .map_err(|what| Fault::new(Code::ArchiveInconsistent, what))?;
        Ok(preamble)
    }
}

/// Refuses what says of itself that it needs a newer program, or is no archive of ours. What says
/// nothing of the kind is left to the strict reader.
pub(super) fn refuse_newer(bytes: &[u8]) -> Result<()> {
    let Ok(probe) = serde_json::from_slice::<Probe>(bytes) else {
        return Ok(());
    };
    if probe.format != "waybill" {
        return Err(Fault::new(
            Code::ArchiveForeign,
            "the format is not `waybill`",
        ));
    }
    if probe.version > VERSION {
        return Err(Fault::new(
            Code::ArchiveTooNew,
            "the archive has a newer format version",
        )
        .because(Mismatch::new(VERSION, probe.version)));
    }
    if let Some(feature) = probe.requires.first() {
        return Err(Fault::new(
            Code::ArchiveTooNew,
            "the archive requires a feature that is not known here",
        )
        .because(format!("feature `{feature}`")));
    }
    if probe.version != VERSION {
        return Err(Fault::new(
            Code::ArchiveInconsistent,
            "there is no such format version",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> WriterOptions {
        WriterOptions {
            labels: vec![
                ("b".to_owned(), "zwei\n".to_owned()),
                ("a".to_owned(), String::new()),
            ],
            created: Some("2026-01-31T09:30:00Z".to_owned()),
            ..WriterOptions::new("sqlite", "3.54.1")
        }
    }

    #[test]
    fn a_preamble_reads_back_with_its_labels_sorted() {
        let preamble = Preamble::new(&options()).unwrap();
        let bytes = preamble.to_bytes();
        assert_eq!(Preamble::from_bytes(&bytes).unwrap(), preamble);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("{\"format\":\"waybill\",\"version\":1,\"requires\":[],\"source\":{\"engine\":\"sqlite\",\"version\":\"3.54.1\"},\"encoder\":{\"program\":\"waybill "));
        assert!(text.ends_with("\"level\":3},\"labels\":{\"a\":\"\",\"b\":\"zwei\\n\"},\"created\":\"2026-01-31T09:30:00Z\"}\n"));
    }

    #[test]
    fn a_newer_archive_is_refused_as_such_whatever_else_it_holds() {
        let text = String::from_utf8(Preamble::new(&options()).unwrap().to_bytes()).unwrap();
        let code = |from: &str, to: &str| {
            let bad = text.replacen(from, to, 1);
            assert_ne!(bad, text, "{from}");
            Preamble::from_bytes(bad.as_bytes()).unwrap_err().code()
        };
        assert_eq!(
            code("\"version\":1,", "\"version\":2,\"new\":{},"),
            Code::ArchiveTooNew
        );
        assert_eq!(
            code("\"requires\":[]", "\"requires\":[\"json\"]"),
            Code::ArchiveTooNew
        );
        assert_eq!(code("\"waybill\"", "\"railbill\""), Code::ArchiveForeign);
        assert_eq!(
            code("\"version\":1,", "\"version\":0,"),
            Code::ArchiveInconsistent
        );
        assert_eq!(
            code("\"version\":1,", "\"version\":1,\"new\":{},"),
            Code::ArchiveInconsistent
        );
        assert_eq!(
            code("\"level\":3", "\"level\":20"),
            Code::ArchiveInconsistent
        );
        assert_eq!(code("3.54.1", "3\\n"), Code::ArchiveInconsistent);
        assert_eq!(code("09:30:00Z", "09:30Z"), Code::ArchiveInconsistent);
    }

    #[test]
    fn options_that_cannot_be_written_are_refused() {
        let refused = |change: &dyn Fn(&mut WriterOptions)| {
            let mut options = options();
            change(&mut options);
            Preamble::new(&options).unwrap_err().code()
        };
        assert_eq!(refused(&|o| o.level = 0), Code::Usage);
        assert_eq!(
            refused(&|o| o.created = Some("today".to_owned())),
            Code::Usage
        );
        assert_eq!(
            refused(&|o| o.labels.push(("a".to_owned(), "again".to_owned()))),
            Code::Usage
        );
        assert_eq!(
            refused(&|o| o.labels.push((String::new(), String::new()))),
            Code::Usage
        );
    }
}
