//! Connection strings and environments: one a line, compared with `psql`.

use super::logins;
use super::oracle::{Case, compare_all};

/// Strings that lead into the server of `logins`; blanks at the ends are left out.
const STRINGS_IN: &str = r"
postgresql://ann:ann@127.0.0.1:{port}/shop
postgres://ann:ann@127.0.0.1:{port}/shop
postgresql://ann:ann@localhost:{port}
postgresql://trusted@127.0.0.1:{port}/shop
postgresql://plain:plain@127.0.0.1:{port}/shop
postgresql://hashed:hashed@127.0.0.1:{port}/shop
postgresql://a%20b%27c:a%20b%27c@127.0.0.1:{port}/we%3Frd%20d%3Db
postgresql://{socket%}:{port}/shop?user=ann
postgresql://ann@{socket%}:{port}/shop
postgresql:///shop?host={socket}&port={port}&user=ann
postgresql://ann@/shop?host={socket}&port={port}
postgresql://ann:ann@127.0.0.1:1,127.0.0.1:{port}/shop
postgresql://ann:ann@127.0.0.1,127.0.0.1:{port},{socket%}/shop?port={port}
postgresql://ann:ann@[::1]:{port},127.0.0.1:{port}/shop
postgresql://ann:ann@127.0.0.1:{port}/shop?application_name=x&options=-c%20work_mem%3D5MB
postgresql://ann:ann@127.0.0.1:{port}/shop?ssl=true
postgresql://ann:ann@127.0.0.1:{port}/tlsonly
postgresql://ann:ann@127.0.0.1:{port}/tlsonly?sslmode=allow
postgresql://ann:ann@127.0.0.1:{port}/clearonly
postgresql://ann:ann@127.0.0.1:{port}/clearonly?sslmode=allow
postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=require
postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=disable
host=127.0.0.1 port={port} user=ann password=ann dbname=shop
host = 127.0.0.1 port = {port} user = 'ann' password = 'a\nn' dbname = shop
host=127.0.0.1 port={port} user='a b\'c' password='a b\'c' dbname='we?rd d=b'
host=127.0.0.1 port={port} user=a\ b\'c password=a\ b\'c dbname=shop
host=127.0.0.1 port={port} user=ann password=ann
hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop
host=no-such-host.invalid hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop
host={socket} port={port} user=ann dbname=shop sslmode=require
host={socket} port={port} user=ann dbname=shop sslmode=verify-full sslrootcert=/nothere
host={socket} port={port} dbname=shop
host={socket} port={port}
host={socket} port={port} user='' dbname=shop
host={socket} port={port} user=ann dbname=''
host={socket},{socket} port=1,{port} user=ann dbname=shop
host={socket} port={port} user=ann dbname=shop connect_timeout=5
host={socket} port={port} user=ann dbname=shop connect_timeout=-1
host=127.0.0.1 port={port} user=trusted dbname=shop keepalives=1 keepalives_idle=9 keepalives_interval=8 keepalives_count=7 tcp_user_timeout=6000
host={socket} port={port} user=ann dbname=shop target_session_attrs=any
host={socket} port={port} user=ann dbname=shop target_session_attrs=read-write
host={socket} port={port} user=ann dbname=shop target_session_attrs=primary
host={socket} port={port} user=ann dbname=shop target_session_attrs=prefer-standby
host={socket} port={port} user=ann dbname=shop options='-c default_transaction_read_only=on' target_session_attrs=read-only
host={socket} port={port} user=ann dbname=shop gssencmode=disable sslcompression=0 sslsni=0 client_encoding=UTF8 fallback_application_name=f replication=off
host=127.0.0.1 port={port} user=ann password=ann dbname=shop ssl_max_protocol_version=TLSv1.2
host=127.0.0.1 port={port} user=ann password=ann dbname=shop ssl_min_protocol_version=TLSv1.3
";

/// Strings that are refused, by us or by the server.
const STRINGS_OUT: &str = r"
postgresql://ann:wrong@127.0.0.1:{port}/shop
postgresql://ann@127.0.0.1:{port}/shop
postgresql://nobody:nobody@127.0.0.1:{port}/shop
postgresql://ann:ann@127.0.0.1:{port}/nothere
postgresql://ann:ann@127.0.0.1:1/shop
postgresql://ann:ann@no-such-host.invalid:{port}/shop
postgresql://ann:ann@127.0.0.1,127.0.0.1,127.0.0.1:1,2/shop?port=1,2
postgresql://nobody:nobody@127.0.0.1:{port},{socket%}:{port}/shop
postgresql://ann:ann@127.0.0.1:{port}/shop?spam=1
postgresql://ann:ann@127.0.0.1:{port}/shop?sslmode=maybe
postgresql://ann:ann@127.0.0.1:{port}/tlsonly?sslmode=disable
postgresql://ann:ann@127.0.0.1:{port}/clearonly?sslmode=require
postgresql://ann:ann@127.0.0.1:{port}/shop?channel_binding=require&sslmode=disable
postgresql://hashed:hashed@127.0.0.1:{port}/shop?channel_binding=require
hostaddr=localhost port={port} user=ann password=ann dbname=shop
host=a,b hostaddr=127.0.0.1 port={port} user=ann password=ann dbname=shop
host={socket} port=0 user=ann dbname=shop
host={socket} port=65536 user=ann dbname=shop
host={socket} port=x user=ann dbname=shop
host={socket} port={port},{port} user=ann dbname=shop
host={socket} port={port} user=ann dbname=shop connect_timeout=x
host=127.0.0.1 port={port} user=trusted dbname=shop keepalives=x
host={socket} port={port} user=ann dbname=shop target_session_attrs=read-only
host={socket} port={port} user=ann dbname=shop target_session_attrs=standby
host={socket} port={port} user=ann dbname=shop target_session_attrs=x
host={socket} port={port} user=ann dbname=shop options='-c default_transaction_read_only=on' target_session_attrs=read-write
host={socket} port={port} user=ann dbname=shop options='-c nonsense=1'
host={socket} port={port} user=ann dbname=shop spam
host={socket} port={port} user=ann dbname='shop
host={socket} port={port} user=ann dbname=shop ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2
";

/// Variables and a string, of which all together lead in.
const ENVIRONMENTS_IN: &str = r"
PGHOST={socket}; PGPORT={port} |
PGHOST={socket}; PGPORT={port} | shop
PGHOST={socket}; PGPORT={port}; PGUSER=ann | shop
PGHOST={socket}; PGPORT={port}; PGUSER=ann |
PGHOST={socket}; PGPORT={port}; PGUSER=ann; PGDATABASE=shop |
PGHOST={socket}; PGPORT={port}; PGUSER= |
PGHOST={socket}; PGPORT={port}; PGUSER=ann; PGDATABASE= |
PGHOST={socket}; PGPORT={port}; PGUSER=nobody; PGDATABASE=nothere | user=ann dbname=shop
PGHOST={socket}; PGPORT={port}; PGUSER=ann | postgresql:///shop
PGHOST={socket}; PGPORT={port}; PGOPTIONS=-c work_mem=7MB | shop
PGHOST={socket}; PGPORT={port}; PGOPTIONS=-c work_mem=7MB | options='-c work_mem=6MB'
PGHOST={socket}; PGPORT={port}; PGCONNECT_TIMEOUT=10; PGAPPNAME=x | shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann | user=ann dbname=shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGREQUIRESSL=0 | user=ann dbname=clearonly
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGREQUIRESSL=1 | user=ann dbname=clearonly sslmode=prefer
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGCHANNELBINDING=require | user=ann dbname=shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGSSLMAXPROTOCOLVERSION=TLSv1.2 | user=ann dbname=shop
PGPORT={port}; PGPASSWORD=ann; PGHOSTADDR=127.0.0.1; PGHOST=x | user=ann dbname=shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGGSSENCMODE=disable | user=ann dbname=shop
";

/// Variables and a string that do not.
const ENVIRONMENTS_OUT: &str = r"
PGHOST={socket}; PGPORT= |
PGHOST={socket}; PGPORT={port}; PGTARGETSESSIONATTRS=standby | shop
PGHOST={socket}; PGPORT={port}; PGCONNECT_TIMEOUT=x | shop
PGHOST={socket}; PGPORT=1 | dbname=shop
PGHOST=127.0.0.1; PGPORT={port} | user=ann dbname=shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann | user=ann dbname=shop password=wrong
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann | user=ann dbname=shop password=''
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGSSLMODE=disable | user=ann dbname=tlsonly
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGSSLMODE=require | user=ann dbname=clearonly
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGREQUIRESSL=1 | user=ann dbname=clearonly
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGSSLROOTCERT=/nothere; PGSSLMODE=verify-ca | user=ann dbname=shop
PGPASSWORD=ann; PGHOST=127.0.0.1,x; PGPORT=1 | user=ann dbname=shop
PGHOST=127.0.0.1; PGPORT={port}; PGPASSWORD=ann; PGSSLMODE=nonsense | user=ann dbname=shop
";

/// The cases of a table, each with whether it should get in.
fn cases(table: &str, gets_in: bool, read: fn(&str) -> Case) -> Vec<(Case, bool)> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| (read(line), gets_in)).collect()
}

fn with_variables(line: &str) -> Case {
    let (variables, text) = line.split_once('|').expect("variables | string");
    let mut case = logins().case(text.trim());
    for variable in variables.trim().split("; ") {
        let (name, value) = variable.split_once('=').expect("NAME=VALUE");
        case = case.env(name, logins().filled(value));
    }
    case
}

#[test]
fn connection_strings_lead_where_psql_goes() {
    let mut all = cases(STRINGS_IN, true, |line| logins().case(line));
    all.extend(cases(STRINGS_OUT, false, |line| logins().case(line)));
    assert!(all.len() > 70, "{}", all.len());
    compare_all(&all);
}

#[test]
fn the_environment_counts_as_it_does_for_psql() {
    let mut all = cases(ENVIRONMENTS_IN, true, with_variables);
    all.extend(cases(ENVIRONMENTS_OUT, false, with_variables));
    assert!(all.len() > 30, "{}", all.len());
    compare_all(&all);
}
