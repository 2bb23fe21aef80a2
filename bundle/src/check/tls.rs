//! A WebSocket server of others over TLS, with a certificate that nobody vouches for. It echoes.

use crate::project::Project;
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

    pub fn start(project: &Project, folder: &Path) -> Result<Self> {
        let openssl = || -> Result<Command> { Ok(Command::new(tools::need("openssl", &[])?)) };
        let mut request = openssl()?;
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
        request.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", Self::PEM]);
        tools::output(request.current_dir(folder))?;
        let mut convert = openssl()?;
        convert.args(["x509", "-in", Self::PEM, "-outform", "DER", "-out", Self::DER]);
        tools::output(convert.current_dir(folder))?;
        let mut server = Command::new(tools::need("python", &[&project.work.join("venv/bin")])?);
        server.arg(project.root.join("tests/bundle/wss_echo.py")).args([Self::PEM, "key.pem"]).current_dir(folder);
        let mut process = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("wss_echo.py")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("it is piped")?).read_line(&mut line)?;
        let port = line.trim().strip_prefix("port ").context("wss_echo.py does not listen")?;
        let url = format!("wss://localhost:{port}/");
        Ok(Self { process, url })
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
