//! Every form of certificate and key that `Run` takes, made by OpenSSL, each until a message has gone there and back; and
//! what is said of those that it cannot take.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use face::{Client, Fault, Server, set_language};
use tls::{Authority, EC, ED25519, LOCAL, RSA, Subject, echo, openssl, turn};
use websocket_addin::capi::*;

const PASSWORD: &str = "пароль 1";

/// A server that runs with these sources, as a client that trusts the authority sees it.
fn works(authority: &Authority, what: &str, certificate: &str, key: &str, password: &str) {
    let server = Server::new();
    server.run_tls(certificate, key, password).unwrap_or_else(|fault| panic!("{what}: {fault:?}"));
    let client = authority.client();
    client.connect(&server.secure_url("localhost")).unwrap_or_else(|fault| panic!("{what}: {fault:?}"));
    echo(&client, &server);
    server.reload_certificate("", "", "").unwrap_or_else(|fault| panic!("{what}, again: {fault:?}"));
}

fn refused(certificate: &str, key: &str, password: &str) -> Fault {
    let fault = Server::new().run_tls(certificate, key, password).unwrap_err();
    assert_eq!(fault.code, WSADDIN_FILE, "{fault:?}");
    assert!(password.is_empty() || !fault.text.contains(password), "{fault:?}");
    fault
}

#[test]
fn keys_of_every_kind() {
    let _turn = turn();
    let authority = Authority::new("kinds");
    for (name, key) in [("rsa", RSA), ("ec", EC), ("ed25519", ED25519)] {
        authority.issue(Subject { name, key, ..LOCAL });
        let [chain, key] = ["pem", "key"].map(|ending| authority.path(&format!("{name}.{ending}")));
        works(&authority, name, &chain, &key, "");
        let (chain, key) = (authority.read(&format!("{name}.pem")), authority.read(&format!("{name}.key")));
        works(&authority, &format!("{name} as texts"), &chain, &key, "");
        works(&authority, &format!("{name} as one text"), &format!("{key}{chain}"), "", "");
        works(&authority, &format!("{name} with CRLF"), &chain.replace('\n', "\r\n"), &key.replace('\n', "\r\n"), "");
        // As people paste it: text around it, and lines of any length.
        let pasted = format!("Мой сертификат:\n{chain}\nМой ключ:\n{}", key.replace("\n\n", "\n"));
        works(&authority, &format!("{name} with text around"), &pasted, "", "");
        authority.write("both.pem", &format!("{chain}{}{key}", authority.read("ca.pem")));
        works(&authority, &format!("{name} in one file"), &authority.path("both.pem"), "", "");
    }
    // It tells whether key and certificate belong together.
    let bare = ["ec", "-in", "ec.key", "-no_public", "-out", "bare.key"];
    openssl(authority.folder(), &bare);
    works(&authority, "EC without its public half", &authority.path("ec.pem"), &authority.path("bare.key"), "");
    // The certificate of the key need not be the first.
    authority.write("mixed.pem", &format!("{}{}", authority.read("ca.pem"), authority.read("ec.pem")));
    works(&authority, "the chain first", &authority.path("mixed.pem"), &authority.path("ec.key"), "");
}

#[test]
fn keys_of_every_form() {
    let _turn = turn();
    let authority = Authority::new("forms");
    authority.issue(Subject { name: "rsa", key: RSA, ..LOCAL });
    authority.issue(Subject { name: "ec", key: EC, ..LOCAL });
    let pass = format!("pass:{PASSWORD}");
    let out = ["-passout", &pass];
    for (name, chain, label, password, make) in [
        ("pkcs1", "rsa", "BEGIN RSA PRIVATE KEY", "", &["rsa", "-traditional"][..]),
        ("sec1", "ec", "BEGIN EC PRIVATE KEY", "", &["ec"]),
        ("aes128", "rsa", "AES-128-CBC", PASSWORD, &["rsa", "-traditional", "-aes128"]),
        ("aes192", "rsa", "AES-192-CBC", PASSWORD, &["rsa", "-traditional", "-aes192"]),
        ("aes256", "rsa", "AES-256-CBC", PASSWORD, &["rsa", "-traditional", "-aes256"]),
        ("des3", "rsa", "DES-EDE3-CBC", PASSWORD, &["rsa", "-traditional", "-des3"]),
        ("ec-aes256", "ec", "AES-256-CBC", PASSWORD, &["ec", "-aes256"]),
        ("ec-des3", "ec", "DES-EDE3-CBC", PASSWORD, &["ec", "-des3"]),
        ("pbes2", "rsa", "BEGIN ENCRYPTED PRIVATE KEY", PASSWORD, &["pkcs8", "-topk8"]),
        ("pbes2-aes128", "ec", "BEGIN ENCRYPTED PRIVATE KEY", PASSWORD, &["pkcs8", "-topk8", "-v2", "aes128"]),
        ("pbes2-des3", "ec", "BEGIN ENCRYPTED PRIVATE KEY", PASSWORD, &["pkcs8", "-topk8", "-v2", "des3"]),
        ("sha1", "ec", "BEGIN ENCRYPTED", PASSWORD, &["pkcs8", "-topk8", "-v2", "aes256", "-v2prf", "hmacWithSHA1"]),
        ("scrypt", "ec", "BEGIN ENCRYPTED", PASSWORD, &["pkcs8", "-topk8", "-scrypt"]),
        ("pbes1", "ec", "BEGIN ENCRYPTED", PASSWORD, &["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"]),
    ] {
        let source = format!("{chain}.key");
        let file = format!("{name}.key");
        let mut arguments = [make, &["-in", &source, "-out", &file]].concat();
        if !password.is_empty() {
            arguments.extend(out);
        }
        openssl(authority.folder(), &arguments);
        assert!(authority.read(&file).contains(label), "{name}:\n{}", authority.read(&file));
        let (chain, key) = (authority.path(&format!("{chain}.pem")), authority.path(&file));
        works(&authority, name, &chain, &key, password);
        if password.is_empty() {
            continue;
        }
        let fault = refused(&chain, &key, "не тот");
        assert!(fault.text.contains(&file) && fault.text.contains("wrong password"), "{name}: {fault:?}");
        let fault = refused(&chain, &key, "");
        assert!(fault.text.contains(&file) && fault.text.contains("no password was given"), "{name}: {fault:?}");
        // In one file, with the password where the key would be.
        let one = authority
            .write("one.pem", &format!("{}{}", authority.read(&file), std::fs::read_to_string(&chain).unwrap()));
        works(&authority, &format!("{name} in one file"), one.to_str().unwrap(), password, "");
    }
}

#[test]
fn pkcs12_of_every_age() {
    let _turn = turn();
    let authority = Authority::with_server("pkcs12");
    let pass = format!("pass:{PASSWORD}");
    let base = ["pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key", "-certfile", "ca.pem"];
    for (name, more) in [
        ("today", &[][..]),
        ("sha1-3des", &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"]),
        ("no-mac", &["-nomac"]),
        ("old", &["-legacy"]),
    ] {
        let file = format!("{name}.p12");
        openssl(authority.folder(), &[&base[..], &["-out", &file, "-passout", &pass], more].concat());
        works(&authority, name, &authority.path(&file), "", PASSWORD);
        works(&authority, name, &authority.path(&file), PASSWORD, "");
        let fault = refused(&authority.path(&file), "", "не тот");
        assert!(fault.text.contains(&file) && fault.text.contains("wrong password"), "{name}: {fault:?}");
        let fault = refused(&authority.path(&file), "", "");
        assert!(fault.text.contains(&file) && fault.text.contains("no password was given"), "{name}: {fault:?}");
    }
    openssl(authority.folder(), &[&base[..], &["-out", "open.p12", "-passout", "pass:"]].concat());
    works(&authority, "an empty password", &authority.path("open.p12"), "", "");
    // A key beside it would be ignored.
    let fault = refused(&authority.path("open.p12"), &authority.path("server.key"), "");
    assert!(fault.text.contains("server.key: the certificate's PKCS#12 file holds its key"), "{fault:?}");
    // Unsupported: RC4, of which nobody has any left.
    let rc4 = ["-legacy", "-keypbe", "PBE-SHA1-RC4-128", "-out", "rc4.p12", "-passout", &pass];
    openssl(authority.folder(), &[&base[..], &rc4].concat());
    let fault = refused(&authority.path("rc4.p12"), "", PASSWORD);
    assert!(fault.text.contains("rc4.p12") && fault.text.contains("openssl pkcs12"), "{fault:?}");
}

/// `hollow.pem` and `hollow.key`: what our own look at their forms passes and OpenSSL does not.
fn hollow(authority: &Authority) {
    for (name, ending, form) in [("server.pem", "pem", "x509"), ("server.key", "key", "pkey")] {
        let der = format!("hollow.{ending}.der");
        openssl(authority.folder(), &[form, "-in", name, "-outform", "DER", "-out", &der]);
        let mut bytes = std::fs::read(authority.folder().join(&der)).unwrap();
        // The curve's name, in both of them: one that nobody has.
        let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let at = bytes.windows(curve.len()).position(|window| window == curve).expect("it has a curve");
        bytes[at + 7] = 99;
        let label = if ending == "pem" { "CERTIFICATE" } else { "PRIVATE KEY" };
        let text = BASE64_STANDARD.encode(bytes);
        authority
            .write(&format!("hollow.{ending}"), &format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"));
    }
}

/// What nobody could shake hands with is refused when it is set, on both sides, and a reload leaves all as it was.
#[test]
fn a_certificate_that_no_handshake_can_use_is_refused_at_once() {
    let _turn = turn();
    let authority = Authority::with_server("useless");
    let make = |arguments: &[&str]| drop(openssl(authority.folder(), arguments));
    authority.issue(Subject { name: "ed448", key: &["-algorithm", "ED448"], ..LOCAL });
    authority.issue(Subject {
        name: "pss",
        key: &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
        ..LOCAL
    });
    authority.issue(Subject {
        name: "small",
        key: &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        ..LOCAL
    });
    let curve = |name: &'static str| format!("ec_paramgen_curve:{name}");
    let (brainpool, koblitz) = (curve("brainpoolP256r1"), curve("secp256k1"));
    authority.issue(Subject { name: "brainpool", key: &["-algorithm", "EC", "-pkeyopt", &brainpool], ..LOCAL });
    authority.issue(Subject { name: "koblitz", key: &["-algorithm", "EC", "-pkeyopt", &koblitz], ..LOCAL });
    // A key for key agreement, which cannot sign: certified by force.
    make(&["genpkey", "-algorithm", "X25519", "-out", "agreement.key"]);
    make(&["pkey", "-in", "agreement.key", "-pubout", "-out", "agreement.pub"]);
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    make(&[&sign[..], &["-extfile", "server.ext", "-force_pubkey", "agreement.pub", "-out", "agreement.pem"]].concat());
    make(&[&sign[..], &["-extfile", "server.ext", "-sha1", "-out", "sha1.pem"]].concat());
    authority.write("sha1.key", &authority.read("server.key"));
    let files = |name: &str| ["pem", "key"].map(|ending| authority.path(&format!("{name}.{ending}")));
    for name in ["ed448", "pss", "brainpool"] {
        let [chain, key] = files(name);
        Server::new().run_tls(&chain, &key, "").unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        Client::new().set_client_certificate(&chain, &key, "").unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
    }
    let server = authority.server("server");
    let client = authority.client();
    for (name, en, ru) in [
        ("small", "too weak for TLS", "слишком слабые для TLS"),
        ("sha1", "too weak for TLS", "слишком слабые для TLS"),
        ("koblitz", "cannot be used", "не удалось использовать"),
        ("agreement", "cannot be used", "не удалось использовать"),
    ] {
        let [chain, key] = files(name);
        for (language, part) in [(WSADDIN_LANGUAGE_ENGLISH, en), (WSADDIN_LANGUAGE_RUSSIAN, ru)] {
            set_language(language);
            for fault in [
                refused(&chain, &key, ""),
                server.reload_certificate(&chain, &key, "").unwrap_err(),
                client.set_client_certificate(&chain, &key, "").unwrap_err(),
            ] {
                assert_eq!(fault.code, WSADDIN_FILE, "{name}: {fault:?}");
                assert!(fault.text.contains(&format!("{name}.pem")) && fault.text.contains(part), "{name}: {fault:?}");
            }
        }
        set_language(WSADDIN_LANGUAGE_ENGLISH);
    }
    client.connect(&server.secure_url("localhost")).unwrap();
    echo(&client, &server);
}

#[test]
fn what_cannot_be_used_is_named_with_its_reason() {
    let _turn = turn();
    let authority = Authority::with_server("refused");
    authority.issue(Subject { name: "other", ..LOCAL });
    authority.issue(Subject { name: "ed", key: ED25519, ..LOCAL });
    authority.issue(Subject { name: "ed-other", key: ED25519, ..LOCAL });
    openssl(
        authority.folder(),
        &["pkcs8", "-topk8", "-in", "server.key", "-out", "locked.key", "-passout", "pass:secret-1"],
    );
    let path = |name: &str| authority.path(name);
    let damaged = authority.read("server.key").replace("-----END", "!!!\n-----END");
    authority.write("damaged.key", &damaged);
    authority.write("cut.pem", &authority.read("server.pem")[..200]);
    authority.write("text.txt", "Это не сертификат.");
    authority.write("empty", "");
    std::fs::write(authority.folder().join("noise.p12"), [0x30, 0x82, 1, 2, 3, 4, 5]).unwrap();
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    authority.write("nonsense.pem", nonsense);
    authority.write("broken-chain.pem", &format!("{}{nonsense}", authority.read("server.pem")));
    hollow(&authority);
    for (certificate, key, password, en, ru) in [
        (
            "absent.pem",
            "server.key",
            "",
            &["absent.pem", "cannot be read"][..],
            &["absent.pem", "не удалось прочитать"][..],
        ),
        (
            "server.pem",
            "absent.key",
            "secret-4",
            &["absent.key", "cannot be read"],
            &["absent.key", "не удалось прочитать"],
        ),
        ("text.txt", "server.key", "", &["text.txt", "neither PEM"], &["text.txt", "не PEM"]),
        ("empty", "server.key", "", &["empty", "neither PEM"], &["empty", "не PEM"]),
        ("noise.p12", "", "secret-3", &["noise.p12", "neither PEM"], &["noise.p12", "не PEM"]),
        (
            "server.key",
            "server.key",
            "",
            &["server.key", "no certificate in it"],
            &["server.key", "сертификата в нём нет"],
        ),
        (
            "nonsense.pem",
            "server.key",
            "",
            &["certificate *nonsense.pem: a certificate in it is damaged"],
            &["повреждён"],
        ),
        // The certificate is looked at first: the key may be as wrong as it likes.
        ("nonsense.pem", "other.key", "", &["certificate *nonsense.pem: a"], &["сертификат *nonsense.pem: "]),
        ("nonsense.pem", "locked.key", "secret-2", &["certificate *nonsense.pem: a"], &["сертификат *nonsense.pem: "]),
        // It has the form of one, and no more.
        (
            "hollow.pem",
            "server.key",
            "",
            &["certificate *hollow.pem: a certificate in it is damaged"],
            &["hollow.pem: "],
        ),
        ("broken-chain.pem", "server.key", "", &["certificate *broken-chain.pem: a"], &["broken-chain.pem: "]),
        ("server.pem", "hollow.key", "", &["private key *hollow.key: the private key is damaged"], &["hollow.key: "]),
        (
            "server.pem",
            "noise.p12",
            "",
            &["private key *noise.p12: it is not PEM"],
            &["закрытый ключ *noise.p12: это не PEM"],
        ),
        ("server.pem", "text.txt", "", &["private key *text.txt: there is no"], &["закрытый ключ *text.txt: "]),
        ("noise.p12", "server.key", "", &["certificate *noise.p12: neither PEM"], &["сертификат *noise.p12: "]),
        ("cut.pem", "server.key", "", &["cut.pem", "damaged"], &["cut.pem", "повреждён"]),
        ("server.pem", "", "", &["server.pem", "no private key"], &["server.pem", "закрытого ключа в нём нет"]),
        (
            "server.pem",
            "server.pem",
            "",
            &["server.pem", "no private key"],
            &["server.pem", "закрытого ключа в нём нет"],
        ),
        ("server.pem", "damaged.key", "", &["damaged.key", "damaged"], &["damaged.key", "повреждён"]),
        ("server.pem", "other.key", "", &["other.key", "does not belong"], &["other.key", "не подходит"]),
        ("ed.pem", "ed-other.key", "", &["ed-other.key", "does not belong"], &["ed-other.key", "не подходит"]),
        ("server.pem", "locked.key", "secret-2", &["locked.key", "wrong password"], &["locked.key", "неверный пароль"]),
    ] {
        for (language, parts) in [(WSADDIN_LANGUAGE_ENGLISH, en), (WSADDIN_LANGUAGE_RUSSIAN, ru)] {
            set_language(language);
            let key = if key.is_empty() { String::new() } else { path(key) };
            let fault = refused(&path(certificate), &key, password);
            for part in parts {
                let (before, after) = part.split_once('*').unwrap_or(("", part));
                let place = fault.text.find(before).map(|at| &fault.text[at..]);
                assert!(
                    place.is_some_and(|rest| rest.contains(after)),
                    "{certificate}, {key}: {part} is not in: {}",
                    fault.text
                );
            }
        }
        set_language(WSADDIN_LANGUAGE_ENGLISH);
    }
    // A folder, a device without end, a text of nothing.
    assert!(refused(&path(""), "", "").text.contains("not a file"));
    assert!(refused("/dev/zero", "", "").text.contains("not a file"));
    std::fs::File::create(path("vast")).unwrap().set_len(5 << 20).unwrap();
    assert!(refused(&path("vast"), "", "").text.contains("larger than"));
    // The fourth of four is the password when it is nothing else; it may be a mistyped path, and is never shown.
    let secret = "/etc/ssl/private/сервер.key";
    let fault = refused(&path("server.pem"), secret, "");
    assert!(fault.text.contains("neither a file nor PEM text") && fault.text.contains("server.pem"), "{fault:?}");
    assert!(!fault.text.contains(secret), "{fault:?}");
    // Where the key is not the matter, nothing is said of it.
    for certificate in ["nonsense.pem", "cut.pem", "text.txt", "server.key"] {
        let fault = refused(&path(certificate), secret, "");
        assert!(fault.text.contains(certificate) && !fault.text.contains("the key's argument"), "{fault:?}");
    }
    // PEM text is never shown either.
    let fault = refused(&authority.read("server.pem"), &authority.read("other.key"), "");
    assert!(fault.text.contains("given as text") && !fault.text.contains("BEGIN"), "{fault:?}");
    let server = Server::new();
    assert_eq!(server.run_tls("", "key.pem", "").unwrap_err().code, WSADDIN_BAD_ARGUMENT);
    // Nothing of all this listens.
    assert_eq!(server.port(), 0);
    server.run("127.0.0.1", 0).unwrap();
}
