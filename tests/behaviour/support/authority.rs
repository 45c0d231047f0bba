//! Certificates for the servers and clients of a test, created with openssl.

use super::Folder;
use super::program::{Run, needed};

/// A certificate authority, in a folder with the certificates that it signed.
pub(crate) struct Authority {
    pub(crate) folder: Folder,
}

impl Authority {
    /// Creates `ca.pem`, a server certificate for `prom.test` and 127.0.0.1, and a client certificate.
    pub(crate) fn new() -> Self {
        let authority = Self { folder: Folder::new("authority") };
        authority.openssl(&["req", "-x509", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"]);
        authority.sign("server", "subjectAltName=DNS:prom.test,IP:127.0.0.1");
        authority.sign("named", "subjectAltName=DNS:prom.test");
        authority.sign("client", "extendedKeyUsage=clientAuth");
        authority
    }

    /// The path of `ca.pem`, `client.key` and so on.
    pub(crate) fn at(&self, name: &str) -> String {
        self.folder.at(name)
    }

    fn sign(&self, name: &str, extension: &str) {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&["req", "-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &request]);
        self.folder.write("extension", extension);
        let mut command = needed("openssl", "openssl");
        command.current_dir(self.folder.path());
        command.args(["x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]);
        command.args(["-days", "2", "-extfile", "extension", "-out", &certificate]);
        Run::of(command).succeeds();
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = needed("openssl", "openssl");
        command.current_dir(self.folder.path());
        // Elliptic curves, because generating an RSA key takes seconds.
        command.args(arguments).args([
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        Run::of(command).succeeds();
    }
}
