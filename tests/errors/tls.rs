//! TLS that fails.

use super::*;

#[test]
fn tls_to_a_plain_port() {
    let peer = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        Then::Keep
    });
    let at = peer.address();
    connect_fails(
        &format!("wss://{at}/"),
        WSADDIN_TLS,
        &format!("connecting to {at}: the server does not speak TLS on this port: ws:// connects without it"),
        &format!("подключение к {at}: сервер на этом порту не использует TLS: для подключения без TLS нужен ws://"),
    );
}

#[test]
fn tls_that_is_closed_during_the_handshake() {
    let peer = Peer::new(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        Then::Close
    });
    let at = peer.address();
    connect_fails(
        &format!("wss://{at}/"),
        WSADDIN_TLS,
        &format!("connecting to {at}: the peer closed the connection during the TLS handshake"),
        &format!("подключение к {at}: соединение закрыто во время рукопожатия TLS"),
    );
}

#[test]
fn a_tls_handshake_that_hangs() {
    let peer = Peer::new(|_| Then::Keep);
    let client = Client::new();
    // Long enough for the system's roots to be read on a busy machine.
    client.connect_timeout(3_000);
    let at = peer.address();
    fails(
        WSADDIN_CONNECT_TIMEOUT,
        &format!("connecting to {at}: no connection within 3000 ms: TLS handshake"),
        &format!("подключение к {at}: подключение не удалось за 3000 мс: рукопожатие TLS"),
        || client.connect(&format!("wss://{at}/")),
    );
}

/// `openssl s_server` with a certificate that it has signed itself.
struct TlsServer {
    child: Child,
    port: u16,
    folder: std::path::PathBuf,
}

impl TlsServer {
    fn start() -> Self {
        let folder =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("self-signed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
            .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
            .stderr(Stdio::null())
            .status()
            .expect("this test needs the program openssl");
        assert!(made.success());
        let port = closed_port();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-key"])
            .args([key.as_os_str(), "-cert".as_ref(), certificate.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the TLS server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child, port, folder }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_self_signed_certificate() {
    let server = TlsServer::start();
    let port = server.port;
    connect_fails(
        &format!("wss://localhost:{port}/"),
        WSADDIN_CERTIFICATE,
        &format!(
            "connecting to localhost:{port}: the server's certificate is self-signed; to trust it, name it in CAFile"
        ),
        &format!(
            "подключение к localhost:{port}: сертификат сервера самоподписанный; чтобы доверять ему, укажите его в свойстве ФайлСертификатовУЦ"
        ),
    );
}
