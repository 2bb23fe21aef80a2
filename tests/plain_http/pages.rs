//! `PagesFolder`.

use crate::face::*;
use crate::raw;
use crate::web::Web;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A folder with pages, beside one with what is nobody's business.
struct Pages {
    around: PathBuf,
}

impl Pages {
    fn new(name: &str) -> Self {
        let around = std::env::temp_dir().join(format!("websocket-pages-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&around);
        for (path, content) in [
            ("pages/index.html", "<h1>home</h1>"),
            ("pages/app.js", "1"),
            ("pages/ф x.txt", "имя"),
            ("pages/empty.css", ""),
            ("pages/sub/index.html", "sub"),
            ("pages/bare/x.png", "x"),
            ("pages/.hidden/x", "SECRET"),
            ("pages/.htaccess", "SECRET"),
            ("pages/.well-known/security.txt", "well known"),
            ("secret.txt", "SECRET"),
            ("pages-too/secret.txt", "SECRET"),
        ] {
            let path = around.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self { around }
    }

    fn folder(&self) -> PathBuf {
        self.around.join("pages")
    }

    fn served(&self) -> Server {
        let server = Server::new();
        server.set_pages_folder(self.folder().to_str().unwrap()).unwrap();
        server.run("127.0.0.1", 0).unwrap();
        server
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.around);
    }
}

#[test]
fn files_are_served_with_their_types() {
    let pages = Pages::new("types");
    let server = pages.served();
    let mut web = Web::new(server.port());
    for (target, kind, content) in [
        ("/", "text/html; charset=utf-8", "<h1>home</h1>"),
        ("/index.html", "text/html; charset=utf-8", "<h1>home</h1>"),
        ("/?v=1", "text/html; charset=utf-8", "<h1>home</h1>"),
        ("/app.js?v=1", "text/javascript; charset=utf-8", "1"),
        ("/%D1%84%20x.txt", "text/plain; charset=utf-8", "имя"),
        ("/empty.css", "text/css; charset=utf-8", ""),
        ("/sub/", "text/html; charset=utf-8", "sub"),
        ("/bare/x.png", "image/png", "x"),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", "well known"),
        ("http://any/app.js", "text/javascript; charset=utf-8", "1"),
    ] {
        let answer = web.get(target);
        assert_eq!((answer.status, answer.text()), (200, content), "{target}");
        assert_eq!(answer.header("Content-Type"), Some(kind), "{target}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let head = web.ask("HEAD", target, "");
        assert_eq!((head.status, head.header("Content-Length")), (200, Some(content.len().to_string().as_str())));
        let tag = answer.header("ETag").unwrap();
        let again = web.ask("GET", target, &format!("If-None-Match: \"x\", W/{tag}\r\n"));
        assert_eq!((again.status, again.body.len(), again.header("ETag")), (304, 0, Some(tag)));
    }
    let folder = web.get("/sub");
    assert_eq!((folder.status, folder.header("Location")), (301, Some("/sub/")));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = web.ask(method, "/", "");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")), "{method}");
    }
    fs::write(pages.folder().join("app.js"), "changed").unwrap();
    assert_eq!(web.get("/app.js").text(), "changed");
    // The port is a WebSocket server's all the same, on any path.
    let _client = raw::client(server.port());
    server.opened();
}

#[test]
fn nothing_else_is_served() {
    let pages = Pages::new("outside");
    let folder = pages.folder();
    let link = |from: &Path, to: &str| {
        #[cfg(unix)]
        std::os::unix::fs::symlink(from, folder.join(to)).unwrap();
        #[cfg(not(unix))]
        let _ = (from, to);
    };
    link(&pages.around.join("secret.txt"), "out.txt");
    link(&pages.around.join("pages-too"), "outer");
    link(&folder.join(".htaccess"), "shown.txt");
    link(Path::new("/etc"), "etc");
    link(Path::new("/dev/zero"), "zero");
    link(&folder.join("app.js"), "inner.js");
    link(&folder.join("circle"), "circle");
    #[cfg(unix)]
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    let server = pages.served();
    let mut web = Web::new(server.port());
    for target in [
        "/none",
        "/index.html/",
        "/index.html/x",
        "/bare/",
        "/..",
        "/../secret.txt",
        "/../pages-too/secret.txt",
        "/sub/../../secret.txt",
        "/sub/../index.html",
        "/%2e%2e/secret.txt",
        "/%2E%2e%2Fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%252e%252e/secret.txt",
        "/sub%2findex.html",
        "//secret.txt",
        "//etc/passwd",
        "/etc/passwd",
        "/%2fetc/passwd",
        "/out.txt",
        "/outer/secret.txt",
        "/shown.txt",
        "/zero",
        "/circle",
        "/pipe",
        "/.hidden/x",
        "/.hidden/",
        "/.htaccess",
        "/%2ehtaccess",
        "/sub/.well-known/x",
        "/.well-known/../app.js",
        "/app.js%00",
        "/app.js%00.html",
        "/%00",
        "/nul",
        "/NUL.txt",
        "/con",
        "/aux.js",
        "/com1",
        "/app.js.",
        "/app.js%20",
        "/app.js::$DATA",
        "/app.js:x",
        "/C:/x",
        "/%ff",
        "/app.js%0d%0aX:%20y",
        "/INDEX~1.HTM",
    ] {
        let answer = web.get(target);
        assert_eq!(answer.status, 404, "{target}: {answer:?}");
        assert!(!answer.text().contains("SECRET"), "{target}");
    }
    // A link that stays inside is a file as any other.
    assert_eq!(web.get("/inner.js").status, if cfg!(unix) { 200 } else { 404 });
    assert_eq!(web.get("/index.html#x").status, 400);
}

#[test]
fn a_large_file_comes_whole_and_at_the_readers_pace() {
    let pages = Pages::new("large");
    let large: Vec<u8> = (0..40_000_000_u32).map(|at| (at % 251) as u8).collect();
    fs::write(pages.folder().join("large.bin"), &large).unwrap();
    let server = pages.served();
    let mut slow = Web::new(server.port());
    slow.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /app.js HTTP/1.1\r\nHost: x\r\n\r\n");
    // Nobody reads that one meanwhile, and nobody waits for it.
    let mut quick = Web::new(server.port());
    let answer = quick.get("/large.bin");
    assert_eq!((answer.status, answer.body == large), (200, true));
    assert_eq!(quick.get("/app.js").text(), "1");
    let answer = slow.answer(false);
    assert_eq!((answer.status, answer.body == large), (200, true));
    assert_eq!(slow.answer(false).text(), "1");
}

#[test]
fn who_does_not_read_is_let_go_of() {
    let pages = Pages::new("stuck");
    fs::write(pages.folder().join("large.bin"), vec![1; 40_000_000]).unwrap();
    let server = pages.served();
    server.handshake_timeout(300).max_connections(1);
    let mut stuck = Web::new(server.port());
    stuck.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    raw::read_head(&mut stuck.0);
    until("its place is free", || Web::new(server.port()).get("/app.js").status == 200);
    let mut rest = Vec::new();
    let _ = stuck.0.read_to_end(&mut rest);
    assert!(rest.len() < 40_000_000, "{}", rest.len());
}

#[test]
fn a_file_that_shrinks_breaks_the_answer() {
    let pages = Pages::new("shrinks");
    let path = pages.folder().join("large.bin");
    fs::write(&path, vec![1; 40_000_000]).unwrap();
    let server = pages.served();
    let mut web = Web::new(server.port());
    web.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    raw::read_head(&mut web.0);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    let mut rest = Vec::new();
    let _ = web.0.read_to_end(&mut rest);
    assert!(rest.len() < 40_000_000, "the client learns: {}", rest.len());
    let mut web = Web::new(server.port());
    assert_eq!(web.get("/large.bin").body, b"");
}
