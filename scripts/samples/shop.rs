//! Makes the sample shop: a small database that has a bit of everything SQLite can hold.
//!
//! `make-shop PATH` makes what every target can hold; `make-shop --quirks PATH` makes what only
//! SQLite can. The file must not exist. The same program makes the same content every time.

use rusqlite::Connection;
use std::error::Error;
use std::path::PathBuf;

#[path = "shop/build.rs"]
mod build;
#[path = "shop/quirks.rs"]
mod quirks;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let quirks = arguments.iter().any(|argument| argument == "--quirks");
    arguments.retain(|argument| argument != "--quirks");
    let [path] = arguments.as_slice() else {
        return Err("usage: make-shop [--quirks] PATH".into());
    };
    let path = PathBuf::from(path);
    if path.exists() {
        return Err(format!("{} exists already", path.display()).into());
    }
    let connection = Connection::open(path)?;
    if quirks {
        quirks::build(&connection)?;
    } else {
        build::build(&connection)?;
    }
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
