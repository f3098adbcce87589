//! What a server's certificate says, read without rustls where rustls is stricter than OpenSSL:
//! names in the subject, X.509 version 1, a leaf that is its own authority.

use std::net::IpAddr;

use rustls::pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::Certificate as X509;
use x509_cert::Version;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode as _, Encode as _, Header, Reader as _, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectAltName};

/// A certificate, with the bytes its signature covers.
pub(super) struct Certificate<'a> {
    x509: X509,
    signed: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let damaged = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let x509 = X509::from_der(der).map_err(damaged)?;
        let mut reader = SliceReader::new(der).map_err(damaged)?;
        Header::decode(&mut reader).map_err(damaged)?;
        let signed = reader.tlv_bytes().map_err(damaged)?;
        Ok(Certificate { x509, signed })
    }

    /// Whether this is of X.509 version 1, without any extension.
    pub(super) fn is_version_1(&self) -> bool {
        self.x509.tbs_certificate.version == Version::V1
    }

    /// Whether `now` is within the time this certificate is good for.
    pub(super) fn check_time(&self, now: UnixTime) -> Result<(), Error> {
        let validity = &self.x509.tbs_certificate.validity;
        let now = now.as_secs();
        if now < validity.not_before.to_unix_duration().as_secs() {
            return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
        }
        if now > validity.not_after.to_unix_duration().as_secs() {
            return Err(Error::InvalidCertificate(CertificateError::Expired));
        }
        Ok(())
    }

    /// Whether `authority` may sign certificates and has signed this one.
    pub(super) fn is_signed_by(
        &self,
        authority: &Certificate<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        let tbs = &authority.x509.tbs_certificate;
        let key_usage = tbs.get::<KeyUsage>();
        let may_sign = authority.is_version_1()
            || matches!(tbs.get::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca)
                && match key_usage {
                    Ok(None) => true,
                    Ok(Some((_, usage))) => usage.0.contains(KeyUsages::KeyCertSign),
                    Err(_) => false,
                };
        let (Some(signature), Ok(algorithm)) = (
            self.x509.signature.as_bytes(),
            self.x509.signature_algorithm.to_der(),
        ) else {
            return false;
        };
        may_sign
            && self.x509.tbs_certificate.issuer == tbs.subject
            && self.x509.signature_algorithm == self.x509.tbs_certificate.signature
            && algorithms
                .iter()
                .filter(|candidate| matches_identifier(candidate.signature_alg_id(), &algorithm))
                .any(|candidate| authority.verifies(*candidate, self.signed, signature))
    }

    /// Whether the key of this certificate made `signature` over `message`.
    pub(super) fn verifies(
        &self,
        algorithm: &dyn SignatureVerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let key = &self.x509.tbs_certificate.subject_public_key_info;
        let (Ok(identifier), Some(bits)) =
            (key.algorithm.to_der(), key.subject_public_key.as_bytes())
        else {
            return false;
        };
        matches_identifier(algorithm.public_key_alg_id(), &identifier)
            && algorithm.verify_signature(bits, message, signature).is_ok()
    }

    /// Whether this was made for `host`, by libpq's rules: the alternative names decide; only when
    /// none of them is of the host's kind does the common name count.
    pub(super) fn is_for(&self, host: &str) -> Result<bool, Error> {
        let damaged = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let address: Option<IpAddr> = host.parse().ok();
        let tbs = &self.x509.tbs_certificate;
        let alternatives = tbs.get::<SubjectAltName>().map_err(damaged)?;
        let mut same_kind = false;
        for name in alternatives.iter().flat_map(|(_, names)| &names.0) {
            match name {
                GeneralName::DnsName(name) => {
                    same_kind |= address.is_none();
                    if matches_host(name.as_str(), host) {
                        return Ok(true);
                    }
                }
                GeneralName::IpAddress(bytes) => {
                    same_kind |= address.is_some();
                    let octets = match address {
                        Some(IpAddr::V4(v4)) => v4.octets().to_vec(),
                        Some(IpAddr::V6(v6)) => v6.octets().to_vec(),
                        None => continue,
                    };
                    if bytes.as_bytes() == octets {
                        return Ok(true);
                    }
                }
                _ => {}
            }
        }
        let common = self.common_name().filter(|_| !same_kind);
        Ok(common.is_some_and(|common| matches_host(&common, host)))
    }

    /// The last common name of the subject.
    fn common_name(&self) -> Option<String> {
        let names = &self.x509.tbs_certificate.subject.0;
        let attribute = names
            .iter()
            .flat_map(|relative| relative.0.iter())
            .rfind(|attribute| attribute.oid == COMMON_NAME)?;
        let value = &attribute.value;
        let text = Utf8StringRef::try_from(value)
            .map(|text| text.as_str().to_owned())
            .or_else(|_| PrintableStringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| Ia5StringRef::try_from(value).map(|text| text.as_str().to_owned()))
            .or_else(|_| TeletexStringRef::try_from(value).map(|text| text.as_str().to_owned()));
        text.ok()
    }
}

/// Whether `der`, an algorithm identifier as a whole, is `expected`, which is its content only.
fn matches_identifier(expected: AlgorithmIdentifier, der: &[u8]) -> bool {
    der.ends_with(&expected) && der.len() == expected.len() + 2
}

/// Whether a name of a certificate stands for `host`. A `*` stands for one whole first label.
fn matches_host(pattern: &str, host: &str) -> bool {
    // A NUL hides the rest of a name from programs written in C.
    if pattern.is_empty() || pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((label, rest))) => {
            !label.is_empty() && !domain.is_empty() && domain.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_whole_label() {
        for (pattern, host, expected) in [
            ("db.example.org", "DB.example.ORG", true),
            ("*.example.org", "db.example.org", true),
            ("*.example.org", "a.db.example.org", false),
            ("*.example.org", "example.org", false),
            ("*.example.org", ".example.org", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("d*.example.org", "db.example.org", false),
            ("db.example.org\0.evil.org", "db.example.org", false),
            ("", "", false),
        ] {
            assert_eq!(matches_host(pattern, host), expected, "{pattern} {host}");
        }
    }
}
