//! Certificates, made by `openssl` as people make them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::HBA;
use crate::support::postgres::Server;

/// Makes every certificate the tests use. The names say what is special:
/// `root` and `wrong` are authorities; the others are for servers, but `client*`.
const RECIPE: &str = r#"
set -eu
key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }
authority() { # NAME
    key "$1"
    openssl req -new -x509 -key "$1.key" -subj "/CN=Test authority $1" -days 30 -out "$1.crt"
}
request() { key "$1"; openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"; } # NAME SUBJECT
signed() { # NAME SUBJECT AUTHORITY EXTENSIONS [MORE]
    request "$1" "$2"
    printf '%s\n' "$4" >ext
    openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -extfile ext \
        -days "${5:-30}" -out "$1.crt"
}
authority root
authority wrong
signed san /CN=ignored root subjectAltName=DNS:LocalHost
signed address /CN=ignored root subjectAltName=IP:127.0.0.1
signed star /CN=ignored root 'subjectAltName=DNS:*.example.org,DNS:*'
signed other /CN=other.example.org root basicConstraints=CA:FALSE
signed cn /CN=localhost root basicConstraints=CA:FALSE
signed mixed /CN=localhost root subjectAltName=DNS:other.example.org
signed expired /CN=localhost root subjectAltName=DNS:localhost -1
# As in PostgreSQL's documentation: no extension file, so X.509 version 1.
request version1 /CN=localhost
openssl x509 -req -in version1.csr -CA root.crt -CAkey root.key -CAcreateserial -days 30 -out version1.crt
# Its own authority, with and without the right to be one; the second as Debian's snakeoil.
key self; openssl req -new -x509 -key self.key -subj /CN=localhost -days 30 -out self.crt
key leaf; openssl req -new -x509 -key leaf.key -subj /CN=localhost -days 30 -out leaf.crt \
    -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost
# With RSA, and with an authority in between.
signed middle '/CN=Authority in between' root basicConstraints=critical,CA:TRUE
openssl genrsa -out chain.key 2048
openssl req -new -key chain.key -subj /CN=localhost -out chain.csr
printf 'subjectAltName=DNS:localhost\n' >ext
openssl x509 -req -in chain.csr -CA middle.crt -CAkey middle.key -CAcreateserial -extfile ext -days 30 -out chain.crt
cat middle.crt >>chain.crt
# For people.
signed client /CN=certuser root basicConstraints=CA:FALSE
signed clientwrong /CN=certuser wrong basicConstraints=CA:FALSE
request client1 /CN=certuser
openssl x509 -req -in client1.csr -CA root.crt -CAkey root.key -CAcreateserial -days 30 -out client1.crt
openssl pkey -in client.key -aes256 -passout pass:secret -out encrypted.key
cat wrong.crt root.crt >both.crt
printf 'nothing\n' >empty.crt
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >broken.crt
chmod 600 ./*.key
rm -f ext ./*.csr
"#;

/// Fills a new folder.
pub(crate) fn make() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("sh")
        .args(["-c", RECIPE])
        .current_dir(folder.path())
        .output()
        .expect("a shell and openssl");
    assert!(
        output.status.success(),
        "openssl failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

/// Copies some files into a folder, which is made if it is missing.
pub(crate) fn copy(from: &Path, names: &[(&str, &str)], to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for (name, new_name) in names {
        fs::copy(from.join(name), to.join(new_name)).expect("a certificate");
    }
}

/// Copies every file of a folder.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a readable folder");
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a certificate");
        }
    }
}

/// Starts a server that shows the certificate `shown` and lets in whom `HBA` lets in.
pub(crate) fn serve(bin: &Path, made: &Path, shown: &str) -> Server {
    let files = tempfile::tempdir().expect("a temporary folder");
    copy_all(made, files.path());
    let settings = format!(
        "ssl = on\nssl_ca_file = 'root.crt'\nssl_cert_file = '{shown}.crt'\nssl_key_file = '{shown}.key'\n"
    );
    fs::write(files.path().join("pg_hba.conf"), HBA).expect("a file");
    fs::write(files.path().join("extra.conf"), settings).expect("a file");
    Server::start(bin, Some(files.path()))
}
