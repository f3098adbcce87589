//! Connections to PostgreSQL, with `psql` as the oracle: what it reaches, Waybill reaches.

use waybill_common::engine::postgres::conninfo::ConnInfo;
use waybill_common::engine::postgres::session::Session;

use crate::support::postgres::servers;

#[test]
fn a_session_runs_statements_on_every_version() {
    for server in servers() {
        let settings = ConnInfo::parse(&server.fresh_database(), &|_| None).unwrap();
        let mut session = Session::connect(&settings).unwrap();
        session
            .execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")
            .unwrap();
        let rows = session
            .query("SELECT a FROM t WHERE a > $1", &[&1])
            .unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [2]);
        assert_eq!(session.server_version_num() / 10000, server.version);
    }
}
