//! COPY in both directions.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_postgres::CopyInSink;

use crate::fault::Result;

use super::Session;

/// A running `COPY … FROM STDIN`. Dropped before `finish`, it is given up: the server drops the
/// rows and the transaction is aborted.
pub struct CopyIn<'a> {
    session: &'a mut Session,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

impl CopyIn<'_> {
    /// Sends a block of COPY data, best 64 KiB to 1 MiB long. Rows may cross blocks. An error the
    /// server finds in the data comes from here or from `finish`.
    pub fn send(&mut self, block: Bytes) -> Result<()> {
        let sink = &mut self.sink;
        let sent = self.session.block_on(sink.feed(block));
        sent.map_err(|error| self.session.fault(error, "cannot send rows to the server"))
    }

    /// Ends the data, and waits until the server has taken all of it; gives the number of rows.
    pub fn finish(mut self) -> Result<u64> {
        let finished = self.session.block_on(self.sink.as_mut().finish());
        finished.map_err(|error| self.session.fault(error, "the server refuses the rows"))
    }
}

impl Session {
    /// Starts `COPY … FROM STDIN`.
    pub fn copy_in(&mut self, sql: &str) -> Result<CopyIn<'_>> {
        let started = self.block_on(self.client().copy_in(sql));
        match started {
            Ok(sink) => Ok(CopyIn {
                session: self,
                sink: Box::pin(sink),
            }),
            Err(error) => Err(self.fault(error, "the server refuses to take rows")),
        }
    }

    /// Runs `COPY … TO STDOUT`, and hands every message (one row in text and binary format) to
    /// `each`. When `each` fails, the statement is cancelled and the session can be used again.
    pub fn copy_out(&mut self, sql: &str, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let what = "the server cannot deliver the rows";
        let stream = self.block_on(self.client().copy_out(sql));
        let mut stream = Box::pin(stream.map_err(|error| self.fault(error, what))?);
        while let Some(block) = self.block_on(stream.next()) {
            let block = block.map_err(|error| self.fault(error, what))?;
            if let Err(fault) = each(&block) {
                // The server would go on sending; what is under way is read and dropped.
                if self.cancel_token().cancel_quietly().is_ok() {
                    while let Some(Ok(_)) = self.block_on(stream.next()) {}
                }
                return Err(fault);
            }
        }
        Ok(())
    }
}
