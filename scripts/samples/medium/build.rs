//! The benchmark database: what an application of some years has, in bulk.

use random::Random;
use rusqlite::{Connection, Result, params};
use std::fmt::Write as _;

#[path = "../random.rs"]
mod random;

/// Rows of each table at full size.
const REGIONS: u32 = 70;
const USERS: u32 = 120_000;
const DEVICES: u32 = 25_000;
const EVENTS: u32 = 900_000;
const READINGS: u32 = 420_000;
const DOCUMENTS: u32 = 170_000;
const LINKS_PER_DOCUMENT: u32 = 3;
const LINKS: u32 = 506_000;
const ATTACHMENTS: u32 = 4_000;

/// Makes everything in the empty database behind `connection`; `factor` scales the rows.
pub(crate) fn build(connection: &Connection, factor: f64) -> Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;",
    )?;
    connection.execute_batch(include_str!("schema.sql"))?;
    let mut maker = Maker {
        connection,
        random: Random::new(2),
        words: words(),
        factor,
    };
    maker.people()?;
    maker.events()?;
    maker.readings()?;
    maker.documents()?;
    connection.execute_batch(include_str!("indexes.sql"))?;
    connection.execute_batch("COMMIT;")
}

/// Two thousand made-up words; texts of them compress like prose.
fn words() -> Vec<String> {
    let mut random = Random::new(3);
    let syllables = [
        "ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "xu",
        "yä", "zß", "ch", "st", "tr", "ng", "lé",
    ];
    (0..2_000)
        .map(|_| {
            (0..=random.below(4))
                .map(|_| random.pick(&syllables))
                .collect()
        })
        .collect()
}

struct Maker<'a> {
    connection: &'a Connection,
    random: Random,
    words: Vec<String>,
    factor: f64,
}

impl Maker<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the factor is from 0 to 1"
    )]
    fn scaled(&self, rows: u32) -> u32 {
        ((f64::from(rows) * self.factor).round() as u32)
            .saturating_add(u32::from(self.factor < 1.0))
    }

    fn text(&mut self, words: u32) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let word = &self.words[self.random.below(2_000) as usize];
            // Some words carry a number, or no two texts would differ enough.
            let _ = if self.random.once_in(8) {
                write!(text, "{word}{} ", self.random.below(10_000))
            } else {
                write!(text, "{word} ")
            };
        }
        text.pop();
        text
    }

    fn moment(&mut self) -> String {
        format!("{} {}", self.random.day(), self.random.time())
    }

    fn people(&mut self) -> Result<()> {
        let mut region = self
            .connection
            .prepare("INSERT INTO regions VALUES (?, ?, ?)")?;
        for id in 1..=REGIONS {
            region.execute(params![id, format!("R{id:03}"), self.text(2)])?;
        }
        let mut user = self
            .connection
            .prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
        for id in 1..=self.scaled(USERS) {
            let email = format!("user{:08x}.{id}@example.org", self.random.below(u32::MAX));
            let (name, moment) = (self.text(2), self.moment());
            let (region, balance) = (1 + self.random.below(REGIONS), self.random.money(90_000));
            let (level, active) = (self.random.below(9), !self.random.once_in(6));
            user.execute(params![
                id, email, name, region, moment, balance, level, active
            ])?;
        }
        let mut device = self
            .connection
            .prepare("INSERT INTO devices VALUES (?, ?, ?, ?)")?;
        for id in 1..=self.scaled(DEVICES) {
            let owner = 1 + self.random.below(self.scaled(USERS));
            let serial = format!("{:016X}", self.random.next());
            device.execute(params![id, owner, serial, self.text(1)])?;
        }
        Ok(())
    }

    fn events(&mut self) -> Result<()> {
        let mut event = self
            .connection
            .prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)")?;
        for id in 1..=self.scaled(EVENTS) {
            let user = 1 + self.random.below(self.scaled(USERS));
            let (kind, moment) = (self.random.below(40), self.moment());
            let words = 4 + self.random.below(16);
            let message = (!self.random.once_in(20)).then(|| self.text(words));
            let duration = (!self.random.once_in(3)).then(|| self.random.below(100_000));
            event.execute(params![id, user, kind, moment, message, duration])?;
        }
        Ok(())
    }

    fn readings(&mut self) -> Result<()> {
        let mut reading = self
            .connection
            .prepare("INSERT INTO readings VALUES (?, ?, ?, ?, ?)")?;
        for id in 1..=self.scaled(READINGS) {
            let device = 1 + self.random.below(self.scaled(DEVICES));
            let moment = self.moment();
            let value = self.random.fraction() * 100.0 - 20.0;
            let error = (!self.random.once_in(4)).then(|| self.random.fraction() / 1e3);
            reading.execute(params![id, device, moment, value, error])?;
        }
        Ok(())
    }

    fn documents(&mut self) -> Result<()> {
        let documents = self.scaled(DOCUMENTS);
        let mut document = self
            .connection
            .prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?)")?;
        for id in 1..=documents {
            let user = 1 + self.random.below(self.scaled(USERS));
            let (title, words) = (self.text(4), 54 + self.random.below(80));
            let body = self.text(words);
            let score = (!self.random.once_in(10)).then(|| self.random.fraction());
            document.execute(params![id, user, title, body, score])?;
        }
        let mut link = self
            .connection
            .prepare("INSERT INTO links VALUES (?, ?, ?, ?)")?;
        for index in 0..std::cmp::min(self.scaled(LINKS), documents * LINKS_PER_DOCUMENT) {
            let (from, number) = (1 + index / LINKS_PER_DOCUMENT, index % LINKS_PER_DOCUMENT);
            let label = self.random.once_in(2).then(|| self.text(1));
            link.execute(params![
                from,
                number,
                1 + self.random.below(documents),
                label
            ])?;
        }
        let mut attachment = self
            .connection
            .prepare("INSERT INTO attachments VALUES (?, ?, ?, ?)")?;
        for id in 1..=self.scaled(ATTACHMENTS) {
            let length = 2_000 + self.random.below(4_000) as usize;
            let content = self.random.bytes(length);
            let document = 1 + self.random.below(documents);
            attachment.execute(params![id, document, "application/pdf", content])?;
        }
        Ok(())
    }
}
