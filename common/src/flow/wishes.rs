//! What the operator says of a plan: on the command line, and in a mapping file, which is read here
//! with the files that it names.

use crate::fault::{Code, Fault, Result};
use crate::mapping::file::{MappingFile, Naming, Placed};
use crate::mapping::kept::Kept;
use crate::mapping::operator::{OperatorSql, Script};
use crate::mapping::{self, Mapping, NameRule, Request};
use crate::model::schema::Schema;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest mapping file, and longest file of SQL, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;
/// The schema that tables go to when nobody says otherwise.
const PUBLIC: &str = "public";

/// Everything that the operator says of a plan.
#[derive(Debug, Clone)]
pub(super) struct Wishes {
    /// The schema that gets the tables.
    pub(super) target_schema: String,
    names: NameRule,
    mapping: Option<Mapping>,
}

impl Wishes {
    /// Reads the mapping file, if there is one; what the command line says goes before it.
    pub(super) fn read(
        map: Option<&Path>,
        into_schema: Option<&str>,
        names: Option<NameRule>,
    ) -> Result<Self> {
        let mapping = map.map(read).transpose()?;
        let document = mapping.as_ref().map(|mapping| &mapping.file.document);
        let schema = document.and_then(|document| Some(document.into_schema.as_ref()?.get_ref()));
        let said = document.and_then(|document| document.names);
        let said = said.map(|naming| match naming {
            Naming::Keep => NameRule::Keep,
            Naming::Fold => NameRule::Fold,
        });
        Ok(Wishes {
            target_schema: into_schema
                .or(schema.map(String::as_str))
                .unwrap_or(PUBLIC)
                .to_owned(),
            names: names.or(said).unwrap_or_default(),
            mapping,
        })
    }

    /// Fails when the mapping file does not fit `schema`, which is all of the source.
    pub(super) fn check(&self, schema: &Schema) -> Result<()> {
        match &self.mapping {
            Some(mapping) => mapping::check(&mapping.file, schema),
            None => Ok(()),
        }
    }

    /// Fails when there is a mapping file although the target is no PostgreSQL database.
    pub(super) fn refuse_mapping(&self) -> Result<()> {
        let Some(mapping) = &self.mapping else {
            return Ok(());
        };
        let what =
            "a mapping file says what becomes of a source in PostgreSQL, and the target is SQLite";
        let hint = "leave out --map: an SQLite target holds every value as it is";
        Err(Fault::new(Code::Usage, what)
            .at(mapping.file.name())
            .hint(hint))
    }

    /// Fails when the mapping file makes structure, which tables that are filled have already.
    pub(super) fn check_filling(&self) -> Result<()> {
        match &self.mapping {
            Some(mapping) => mapping.file.rows_only(),
            None => Ok(()),
        }
    }

    /// The same wishes with this mapping file.
    pub(super) fn with(self, mapping: Mapping) -> Self {
        Wishes {
            mapping: Some(mapping),
            ..self
        }
    }

    /// What a plan for a server of this version is asked for.
    pub(super) fn request(&self, server_version: u32) -> Request {
        Request {
            target_schema: self.target_schema.clone(),
            server_version,
            names: self.names,
            mapping: self.mapping.clone(),
            kept: Kept::new(),
        }
    }
}

fn read(path: &Path) -> Result<Mapping> {
    let name = path.display().to_string();
    let text = text(path).map_err(|why| {
        let what = "cannot read the mapping file";
        Fault::new(Code::MappingInvalid, what)
            .at(&name)
            .because(why)
    })?;
    let file = MappingFile::parse(&text, &name)?;
    let script = |named: &Option<Placed>| named.as_ref().map(|at| script(&file, at)).transpose();
    let (before, after) = (
        script(&file.document.before)?,
        script(&file.document.after)?,
    );
    Ok(Mapping {
        file,
        before,
        after,
    })
}

fn script(file: &MappingFile, at: &Placed) -> Result<Script> {
    let path = file.path(at.get_ref());
    let sql = text(&path).map_err(|why| {
        let what = format!("cannot read `{}`", path.display());
        file.fault(at, what).because(why)
    })?;
    Ok(Script {
        name: path.display().to_string(),
        sql: OperatorSql(sql),
    })
}

/// A file of text, whole; or why not.
fn text(path: &Path) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err("it is longer than 64 MiB".into());
    }
    let text = String::from_utf8(bytes).map_err(|error| error.utf8_error())?;
    if text.contains('\0') {
        return Err("it holds the character NUL".into());
    }
    Ok(text)
}
