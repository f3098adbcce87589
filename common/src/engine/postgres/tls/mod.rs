//! TLS as libpq does it: what `sslmode`, root certificates and client certificates mean.
//!
//! Opens no connection; `session` does, with the connector made here.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::engine::postgres::conninfo::{Roots, SslMode, TlsSettings, TlsVersion};
use crate::fault::{Code, Fault, Result};

mod certificate;
mod identity;
mod verify;

pub(super) use verify::Check;
use verify::{LibpqVerifier, Trust};

/// What a connection really reached, for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// A Unix socket: the bytes do not leave the machine.
    Local,
    /// TCP without TLS.
    Clear,
    /// TLS.
    Tls {
        /// Major and minor version.
        version: &'static str,
        /// What was found out about the server's certificate.
        checked: Checked,
    },
}

/// What is known about the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Nothing: anybody in between could have presented it.
    Nothing,
    /// A trusted authority signed it.
    Authority,
    /// A trusted authority signed it, and it was made for this host.
    Name,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, checked) = match self {
            Protection::Local => return f.write_str("Unix socket"),
            Protection::Clear => return f.write_str("not encrypted"),
            Protection::Tls { version, checked } => (version, checked),
        };
        let checked = match checked {
            Checked::Nothing => "certificate not verified",
            Checked::Authority => "certificate verified, host name not",
            Checked::Name => "certificate and host name verified",
        };
        write!(f, "TLS {version}, {checked}")
    }
}

/// Makes TLS connections to one host.
pub(super) struct Connector {
    pub(super) maker: MakeRustlsConnect,
    check: Check,
    version: Arc<Mutex<Option<&'static str>>>,
}

impl Connector {
    /// What a handshake of this connector reached; nothing when there was none.
    pub(super) fn reached(&self) -> Option<Protection> {
        let version = *self.version.lock().unwrap_or_else(PoisonError::into_inner);
        version.map(|version| Protection::Tls {
            version,
            checked: match self.check {
                Check::Nothing => Checked::Nothing,
                Check::Chain => Checked::Authority,
                Check::ChainAndName(_) => Checked::Name,
            },
        })
    }
}

/// Prepares TLS to the host called `name`; the files are read anew each time.
pub(super) fn connector(settings: &TlsSettings, name: Option<&str>) -> Result<Connector> {
    let trust = trust(settings)?;
    let check = check(settings, trust.is_some(), name)?;
    let provider = Arc::new(ring::default_provider());
    let version = Arc::new(Mutex::new(None));
    let verifier = LibpqVerifier::new(
        check.clone(),
        trust.unwrap_or_default(),
        provider.signature_verification_algorithms,
        Arc::clone(&version),
    );
    let versions: &[_] = match (settings.oldest, settings.newest) {
        (TlsVersion::V1_2, TlsVersion::V1_2) => &[&TLS12],
        (TlsVersion::V1_3, _) => &[&TLS13],
        (TlsVersion::V1_2, TlsVersion::V1_3) => &[&TLS12, &TLS13],
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| Fault::new(Code::Tls, "cannot prepare TLS").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity::load(settings.identity.as_ref(), &provider)? {
        Some(identity) => config.with_client_cert_resolver(Arc::new(identity)),
        None => config.with_no_client_auth(),
    };
    config.enable_sni = settings.send_name;
    // Servers from 17 on insist on it when TLS starts at once; older ones ignore it.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Connector {
        maker: MakeRustlsConnect::new(config),
        check,
        version,
    })
}

/// How far the server's certificate is to be checked. As in libpq, root certificates that are
/// there are used whatever `sslmode` says.
fn check(settings: &TlsSettings, trusting: bool, name: Option<&str>) -> Result<Check> {
    let verifying = settings.mode >= SslMode::VerifyCa;
    if verifying && !trusting {
        let file = match &settings.roots {
            Roots::File(path) => path.display().to_string(),
            Roots::System | Roots::Nowhere => "~/.postgresql/root.crt".to_owned(),
        };
        return Err(Fault::new(Code::Tls, "there is no file of root certificates to verify the server with")
            .at(file)
            .hint("provide the file, set sslrootcert to another one or to `system`, or choose a weaker sslmode"));
    }
    if !trusting {
        return Ok(Check::Nothing);
    }
    if let Some(revoked) = settings.revoked.as_ref().filter(|path| path.exists()) {
        return Err(Fault::new(
            Code::Tls,
            "a certificate revocation list is there, and Waybill cannot honour it",
        )
        .at(revoked.display())
        .hint("remove the list, or connect through a program that honours it"));
    }
    if settings.mode != SslMode::VerifyFull {
        return Ok(Check::Chain);
    }
    match name {
        Some(name) => Ok(Check::ChainAndName(name.to_owned())),
        None => Err(Fault::new(
            Code::Tls,
            "a server known only by its address has no name to verify",
        )
        .hint("give the host name in `host`, or use sslmode=verify-ca")),
    }
}

/// The certificates to trust; nothing when there is no file of them.
fn trust(settings: &TlsSettings) -> Result<Option<Trust>> {
    match &settings.roots {
        Roots::Nowhere => Ok(None),
        Roots::System => system_trust().map(Some),
        Roots::File(path) if !path.exists() => Ok(None),
        Roots::File(path) => file_trust(path).map(Some),
    }
}

fn file_trust(path: &Path) -> Result<Trust> {
    let wrong = |what: &'static str| Fault::new(Code::Tls, what).at(path.display());
    let bytes = std::fs::read(path)
        .map_err(|error| wrong("cannot read the file of root certificates").because(error))?;
    let mut trust = Trust::default();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate
            .map_err(|error| wrong("the file of root certificates is damaged").because(error))?;
        trust
            .add(certificate)
            .map_err(|error| wrong("a root certificate cannot be used").because(error))?;
    }
    if trust.is_empty() {
        return Err(wrong("the file of root certificates holds none"));
    }
    Ok(trust)
}

fn system_trust() -> Result<Trust> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(loaded.certs);
    if usable == 0 {
        let fault = Fault::new(Code::Tls, "the operating system has no root certificates");
        return Err(match loaded.errors.into_iter().next() {
            Some(error) => fault.because(error),
            None => fault,
        });
    }
    Ok(Trust::of_system(roots))
}

/// Whether a handshake failed (or was refused by the verifier), rather than the network.
pub(super) fn is_handshake_failure(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        // `io::Error::source` skips the error it wraps.
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if inner.is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>) {
            return true;
        }
        next = cause.source();
    }
    false
}
