//! Through the proxies that people run: tinyproxy, dante and microsocks.

mod common;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use common::Scratch;
use daemon::Daemon;
use face::{Client, Server, set_log};
use tls::{Authority, echo};
use websocket_addin::capi::*;
use websocket_addin::error::Language;
use websocket_addin::options::Opt;

/// `ws` and `wss` through this proxy, by name and by address.
fn passes(proxy: &str, name: &str) {
    let authority = Authority::with_server(name);
    let plain = Server::running();
    let secure = authority.server("server");
    let port = plain.port();
    for url in [format!("ws://127.0.0.1:{port}/"), format!("ws://localhost:{port}/")] {
        let client = Client::new();
        client.set_proxy(proxy).unwrap();
        client.connect(&url).unwrap_or_else(|fault| panic!("{proxy} {url}: {}", fault.text));
        echo(&client, &plain);
        assert!(client.disconnect(1000, "").unwrap());
        while plain.event().event != WSADDIN_EVENT_CLOSE {}
    }
    let client = authority.client();
    client.set_proxy(proxy).unwrap();
    client.connect(&secure.secure_url("localhost")).unwrap_or_else(|fault| panic!("{proxy}: {}", fault.text));
    echo(&client, &secure);
    // Big enough to be cut anywhere.
    let big = vec![9; 2 << 20];
    client.send_binary(&big).unwrap();
    assert_eq!(secure.receive(face::SOON).unwrap().event().data, big);
    assert!(client.disconnect(1000, "").unwrap());
    // TLS is the server's: its certificate is checked behind the tunnel, too.
    let stranger = Client::new();
    stranger.set_proxy(proxy).unwrap();
    let fault = stranger.connect(&secure.secure_url("localhost")).unwrap_err();
    assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{}", fault.text);
    assert!(fault.text.contains(" through the proxy 127.0.0.1:"), "{}", fault.text);
    // The proxy cannot connect there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = stranger.connect(&format!("ws://{nobody}/")).unwrap_err();
    assert_eq!(fault.code, WSADDIN_PROXY, "{}", fault.text);
    println!("{}", fault.text);
}

#[test]
fn tinyproxy_without_credentials() {
    let Some(proxy) = Daemon::tinyproxy(None) else { return };
    passes(&format!("http://{}", proxy.address()), "tinyproxy");
}

#[test]
fn tinyproxy_with_credentials() {
    let Some(proxy) = Daemon::tinyproxy(Some("user:s3cretpw")) else { return };
    passes(&format!("http://user:s3cretpw@{}", proxy.address()), "tinyproxy-basic");
    let client = Client::new();
    let server = Server::running();
    for (userinfo, text) in [
        ("", "the proxy demands authorization (407), it offers: Basic"),
        // Not 407, as it should be.
        ("user:s3cretwrong@", "the proxy answered HTTP 401 Unauthorized instead of 200"),
    ] {
        client.set_proxy(&format!("http://{userinfo}{}", proxy.address())).unwrap();
        let fault = client.connect(&server.url()).unwrap_err();
        assert_eq!(fault.code, WSADDIN_PROXY);
        let place = server.url().replace("ws://", "").replace('/', "");
        assert_eq!(fault.text, format!("connecting to {place} through the proxy {}: {text}", proxy.address()));
    }
}

#[test]
fn dante_without_credentials() {
    let Some(proxy) = Daemon::dante() else { return };
    passes(&format!("socks5://{}", proxy.address()), "dante");
}

#[test]
fn microsocks_with_credentials() {
    let Some(proxy) = Daemon::microsocks("user", "s3cret:p@w") else { return };
    passes(&format!("socks5://user:s3cret%3Ap%40w@{}", proxy.address()), "microsocks");
    let client = Client::new();
    let server = Server::running();
    for (userinfo, expected) in [
        ("", "none of the offered methods of authorization: none (no user name is set)"),
        ("user:s3cretwrong@", "refused the user name or password"),
    ] {
        client.set_proxy(&format!("socks5://{userinfo}{}", proxy.address())).unwrap();
        let fault = client.connect(&server.url()).unwrap_err();
        assert_eq!(fault.code, WSADDIN_PROXY);
        assert!(fault.text.contains(expected) && !fault.text.contains("s3cret"), "{}", fault.text);
    }
}

/// The same text in both languages, and no credentials in the property, the errors and the log at its most talkative.
#[test]
fn credentials_are_shown_nowhere() {
    let scratch = Scratch::new("proxy-secrets");
    let log = scratch.path().join("frames.log");
    set_log(log.to_str().unwrap(), WSADDIN_LOG_FRAMES).unwrap();
    let Some(http) = Daemon::tinyproxy(Some("user:s3cretpw")) else { return };
    let Some(socks) = Daemon::microsocks("user", "s3cretpw") else { return };
    let server = Server::running();
    for (scheme, daemon) in [("http", &http), ("socks5", &socks)] {
        let client = Client::new();
        for password in ["s3cretpw", "s3cretwrong"] {
            let setting = format!("{scheme}://user:{password}@{}", daemon.address());
            client.set_proxy(&setting).unwrap();
            let shown = format!("{scheme}://user:***@{}", daemon.address());
            assert_eq!(client.proxy(), shown);
            // Writing back what was read changes nothing.
            client.set_proxy(&shown).unwrap();
            match client.connect(&server.url()) {
                Ok(()) => assert!(client.disconnect(1000, "").unwrap()),
                Err(fault) => assert!(password == "s3cretwrong" && !fault.text.contains("s3cret"), "{}", fault.text),
            }
        }
        for bad in ["ftp://user:s3cretpw@host", "http://user:s3cretpw@host:port"] {
            let fault = client.set_proxy(bad).unwrap_err();
            assert_eq!(fault.code, WSADDIN_BAD_ARGUMENT);
            assert!(!fault.text.contains("s3cret"), "{}", fault.text);
        }
        client.free().unwrap();
    }
    let client = websocket_addin::client::Client::new().unwrap();
    client.options().set_text(Opt::Proxy, &format!("http://{}", http.address())).unwrap();
    let text = client.connect(&server.url()).unwrap_err().text(Language::Russian);
    assert!(text.contains("прокси требует авторизации (407), предлагает: Basic"), "{text}");
    drop(client);
    set_log("", WSADDIN_LOG_INFO).unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    println!("{text}");
    assert!(text.contains("through the proxy http://user:***@127.0.0.1:"), "{text}");
    for secret in ["s3cret", "dXNlcjpzM2NyZXR", "czNjcmV0"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// The variables belong to the process, so a process of its own has them.
#[test]
fn the_environment_chooses() {
    let Some(proxy) = Daemon::tinyproxy(None) else { return };
    let server = Server::running();
    let run = |variables: &[(&str, String)], setting: &str, url: &str| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "connects_as_told", "--ignored", "--nocapture"]);
        command.env("TELL_SETTING", setting).env("TELL_URL", url);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.envs(variables.iter().cloned());
        common::run_well(&mut command, std::time::Duration::from_secs(60))
    };
    let address = proxy.address();
    let through = |text: &str| text.contains(&format!("through the proxy http://{address}"));
    for setting in ["env", "system"] {
        let text = run(&[("http_proxy", format!("http://{address}"))], setting, &server.url());
        assert!(text.contains("connected") && through(&text), "{text}");
        let text = run(&[("HTTP_PROXY", address.clone())], setting, &server.url());
        assert!(text.contains("connected") && through(&text), "{text}");
    }
    let text = run(&[("all_proxy", address.clone()), ("NO_PROXY", "127.0.0.0/8".into())], "env", &server.url());
    assert!(text.contains("connected") && !through(&text), "{text}");
    // Of the other scheme.
    let text = run(&[("HTTPS_PROXY", address.clone())], "env", &server.url());
    assert!(text.contains("connected") && !through(&text), "{text}");
    let bad = ("ALL_PROXY", "ftp://user:s3cret@x".to_owned());
    let text = run(&[bad], "env", &server.url());
    assert!(text.contains("-15") && text.contains("ALL_PROXY") && !text.contains("s3cret"), "{text}");
}

#[test]
#[ignore = "the test of the environment runs it with variables"]
fn connects_as_told() {
    let (Ok(setting), Ok(url)) = (std::env::var("TELL_SETTING"), std::env::var("TELL_URL")) else { return };
    let scratch = Scratch::new("proxy-told");
    let log = scratch.path().join("log");
    set_log(log.to_str().unwrap(), WSADDIN_LOG_DEBUG).unwrap();
    let client = Client::new();
    client.set_proxy(&setting).unwrap();
    assert_eq!(client.proxy(), setting);
    match client.connect(&url) {
        Ok(()) => println!("connected"),
        Err(fault) => println!("{} {}", fault.code, fault.text),
    }
    client.free().unwrap();
    println!("{}", std::fs::read_to_string(&log).unwrap());
}
