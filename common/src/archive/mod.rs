//! The archive on disk, version 1: writing in one forward pass, reading what nobody trusts.
