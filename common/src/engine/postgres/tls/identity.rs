//! The client's certificate and key.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::engine::postgres::conninfo::Identity;
use crate::fault::{Code, Fault, Result};

/// Presents one certificate to every server that asks for one.
///
/// rustls' own resolver refuses certificates of X.509 version 1, which the recipe in PostgreSQL's
/// documentation makes.
#[derive(Debug)]
pub(super) struct Presented(Arc<CertifiedKey>);

impl ResolvesClientCert for Presented {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Reads certificate and key; nothing when there is no certificate, as in libpq even when its file
/// was named.
pub(super) fn load(
    identity: Option<&Identity>,
    provider: &CryptoProvider,
) -> Result<Option<Presented>> {
    let Some(Identity { certificate, key }) = identity else {
        return Ok(None);
    };
    let wrong = |what: &'static str| Fault::new(Code::Tls, what).at(certificate.display());
    let bytes = match fs::read(certificate) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(wrong("cannot read the client certificate").because(error)),
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong("the client certificate is damaged").because(error))?;
    if chain.is_empty() {
        return Err(wrong("the file of the client certificate holds none"));
    }
    let key = private_key(key, provider)?;
    Ok(Some(Presented(Arc::new(CertifiedKey::new(chain, key)))))
}

fn private_key(
    path: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<dyn rustls::sign::SigningKey>> {
    let wrong = |what: &'static str| Fault::new(Code::Tls, what).at(path.display());
    check_permissions(path)?;
    let bytes = fs::read(path)
        .map_err(|error| wrong("cannot read the key of the client certificate").because(error))?;
    let encrypted = |marker: &str| {
        bytes
            .windows(marker.len())
            .any(|window| window == marker.as_bytes())
    };
    if encrypted("BEGIN ENCRYPTED PRIVATE KEY") || encrypted("Proc-Type: 4,ENCRYPTED") {
        return Err(wrong("the key of the client certificate is encrypted")
            .hint("decrypt it with `openssl pkey` into a file of mode 0600"));
    }
    let key = match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => key,
        Err(error) => PrivateKeyDer::try_from(bytes).map_err(|_| {
            wrong("the key of the client certificate is not understood").because(error)
        })?,
    };
    provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| wrong("the key of the client certificate cannot be used").because(error))
}

/// libpq's rule: a plain file nobody else can read; one that belongs to root may have a group.
fn check_permissions(path: &Path) -> Result<()> {
    let wrong = |what: &'static str| Fault::new(Code::Tls, what).at(path.display());
    let about = fs::metadata(path)
        .map_err(|error| wrong("the client certificate has no key").because(error))?;
    if !about.is_file() {
        return Err(wrong(
            "the key of the client certificate is not a plain file",
        ));
    }
    let forbidden = if about.uid() == 0 { 0o037 } else { 0o077 };
    if about.permissions().mode() & forbidden != 0 {
        return Err(
            wrong("the key of the client certificate can be read by others")
                .hint("give it mode 0600, or 0640 when it belongs to root"),
        );
    }
    Ok(())
}
