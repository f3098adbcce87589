//! The certificate verifier: libpq's judgement with rustls' cryptography.
//!
//! rustls alone refuses a self-signed certificate that is its own root (`CaUsedAsEndEntity`), never
//! looks at the common name, and reads no certificate of X.509 version 1; the recipes in
//! PostgreSQL's documentation make all three.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, RootCertStore, SignatureScheme,
};

use super::certificate::Certificate;

/// How far a certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::postgres) enum Check {
    /// Only that the server holds the key of the certificate it shows.
    Nothing,
    /// That a trusted certificate stands behind it.
    Chain,
    /// And that it was made for this host.
    ChainAndName(String),
}

/// The certificates to trust.
#[derive(Debug)]
pub(super) struct Trust {
    roots: RootCertStore,
    /// The same certificates as they stand in the file.
    files: Vec<CertificateDer<'static>>,
}

impl Default for Trust {
    fn default() -> Self {
        Trust::of_system(RootCertStore::empty())
    }
}

impl Trust {
    /// Trust in what the operating system trusts; none of it may be a server's own certificate.
    pub(super) fn of_system(roots: RootCertStore) -> Self {
        Trust {
            roots,
            files: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), Error> {
        self.roots.add(certificate.clone())?;
        self.files.push(certificate);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

/// Checks as much as it was told to, and notes the TLS version it was asked for.
#[derive(Debug)]
pub(super) struct LibpqVerifier {
    check: Check,
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
    version: Arc<Mutex<Option<&'static str>>>,
}

impl LibpqVerifier {
    pub(super) fn new(
        check: Check,
        trust: Trust,
        algorithms: WebPkiSupportedAlgorithms,
        version: Arc<Mutex<Option<&'static str>>>,
    ) -> Self {
        LibpqVerifier {
            check,
            trust,
            algorithms,
            version,
        }
    }

    /// Whether a trusted certificate stands behind `server`.
    fn check_chain(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trust.files.iter().any(|root| root == server) {
            return Certificate::read(server)?.check_time(now);
        }
        let parsed = match ParsedCertificate::try_from(server) {
            Ok(parsed) => parsed,
            Err(error) => return self.check_version_1(server, now).unwrap_or(Err(error)),
        };
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.trust.roots,
            intermediates,
            now,
            self.algorithms.all,
        )
    }

    /// The verdict on a certificate of X.509 version 1; none when it is of another version. Only
    /// a root itself may have signed it.
    fn check_version_1(
        &self,
        server: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Option<Result<(), Error>> {
        let server = Certificate::read(server).ok()?;
        if !server.is_version_1() {
            return None;
        }
        let roots = self.trust.files.iter();
        let signed = roots
            .filter_map(|root| Certificate::read(root).ok())
            .any(|root| {
                root.check_time(now).is_ok() && server.is_signed_by(&root, self.algorithms.all)
            });
        Some(if signed {
            server.check_time(now)
        } else {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
        })
    }

    /// Whether the server holds the key of the certificate it shows.
    fn check_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        first_only: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        let server = Certificate::read(server)?;
        let mapping = self.algorithms.mapping.iter();
        let candidates = mapping
            .clone()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .map(|(_, candidates)| *candidates)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let used = if first_only { 1 } else { candidates.len() };
        candidates
            .iter()
            .take(used)
            .any(|candidate| server.verifies(*candidate, message, signed.signature()))
            .then(HandshakeSignatureValid::assertion)
            .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn note(&self, version: &'static str) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }
}

impl ServerCertVerifier for LibpqVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.check != Check::Nothing {
            self.check_chain(end_entity, intermediates, now)?;
        }
        if let Check::ChainAndName(host) = &self.check
            && !Certificate::read(end_entity)?.is_for(host)?
        {
            return Err(Error::InvalidCertificate(CertificateError::NotValidForName));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note("1.2");
        self.check_signature(message, cert, signed, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note("1.3");
        // PKCS#1 v1.5 and SHA-1 may sign certificates, but no handshake of TLS 1.3.
        match signed.scheme {
            SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512 => {
                Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
            }
            _ => self.check_signature(message, cert, signed, true),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
