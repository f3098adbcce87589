//! Makes the benchmark database: about 370 MB, 2.1 million rows, 8 tables, 20 keys and indexes,
//! 8 foreign keys, 16 MB of BLOBs.
//!
//! `make-medium PATH [--rows-factor N]`: N from 0 to 1 makes a smaller one. The file must not exist.

use rusqlite::Connection;
use std::error::Error;
use std::path::PathBuf;

#[path = "medium/build.rs"]
mod build;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: make-medium PATH [--rows-factor N]";
    let path = PathBuf::from(arguments.next().ok_or(usage)?);
    let factor = match (arguments.next(), arguments.next()) {
        (None, _) => 1.0,
        (Some(name), Some(value)) if name == "--rows-factor" => {
            value.to_str().ok_or(usage)?.parse()?
        }
        _ => return Err(usage.into()),
    };
    if !(0.0..=1.0).contains(&factor) {
        return Err("the rows factor is from 0 to 1".into());
    }
    if path.exists() {
        return Err(format!("{} exists already", path.display()).into());
    }
    let connection = Connection::open(path)?;
    build::build(&connection, factor)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
