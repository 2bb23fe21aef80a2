//! An HTTPS server of OpenSSL with a certificate of its own; it answers every request with HTTP 200.

use crate::tools;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct TlsServer {
    process: Child,
    pub url: String,
}

impl TlsServer {
    /// The certificate's file names in the folder.
    pub const PEM: &str = "certificate.pem";
    pub const DER: &str = "certificate.der";

    pub fn start(folder: &Path) -> Result<Self> {
        let openssl = || -> Result<Command> { Ok(Command::new(tools::need("openssl", &[])?)) };
        let mut request = openssl()?;
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        request.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", Self::PEM]);
        tools::output(request.current_dir(folder))?;
        let mut convert = openssl()?;
        convert.args(["x509", "-in", Self::PEM, "-outform", "DER", "-out", Self::DER]);
        tools::output(convert.current_dir(folder))?;
        let mut server = openssl()?;
        server.args(["s_server", "-4", "-accept", "127.0.0.1:0", "-www", "-cert", Self::PEM, "-key", "key.pem"]);
        server.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = server.spawn().context("openssl s_server")?;
        let output = process.stdout.take().context("it is piped")?;
        let mut lines = BufReader::new(output).lines();
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("ACCEPT"));
        let port =
            line.as_deref().and_then(|line| line.rsplit(':').next()).context("openssl s_server does not listen")?;
        let url = format!("wss://localhost:{}/", port.trim());
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { process, url })
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
