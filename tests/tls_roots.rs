//! The system's trusted roots in each of the places where Linux distributions keep them: our client runs in a root folder
//! of its own that holds one such place and no other, and must trust what is there and nothing else.

#[path = "common/mod.rs"]
mod common;
#[path = "common/face.rs"]
mod face;
#[path = "common/tls.rs"]
mod tls;

use face::Client;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::Command;
use std::time::Duration;
use tls::Authority;
use websocket_addin::capi::*;

/// Makes a root folder with the system's programs and libraries, but an /etc, a /var and a /usr/share of its own, runs
/// `$3` in it to fill it with what is tested, and the program after it there. `$1` is the new root, `$2` is to be seen in it.
const ENTER: &str = r#"
root=$1 seen=$2 fill=$3
shift 3
mount --make-rprivate /
mount -t tmpfs none "$root.root"
cd "$root.root"
for folder in /bin /sbin /lib /lib32 /lib64 /libx32; do
    if [ -L "$folder" ]; then cp -P "$folder" ".$folder"
    elif [ -d "$folder" ]; then mkdir ".$folder" && mount --rbind "$folder" ".$folder"; fi
done
mkdir -p usr proc dev etc var tmp ".$seen"
mount --rbind /usr usr
mount -t tmpfs none usr/share
mount --rbind /proc proc
mount --rbind /dev dev
mount --rbind "$seen" ".$seen"
echo '127.0.0.1 localhost' >etc/hosts
ca=$root/ca.pem
# A name by the certificate's hash, as c_rehash makes it.
hash=$(openssl x509 -noout -hash -in "$ca").0
eval "$fill"
exec chroot . "$@"
"#;

const INSIDE: &str = "WSADDIN_TEST_INSIDE";

/// Part of the tests below, which start this program again in such a root.
#[test]
fn inside() {
    let Some(url) = std::env::var_os(INSIDE) else { return };
    let environment = || std::env::vars_os().collect::<BTreeMap<OsString, OsString>>();
    let before = environment();
    let outcome = Client::new().connect(url.to_str().unwrap());
    assert_eq!(environment(), before, "the process's environment has changed");
    match outcome {
        Ok(()) => println!("TRUSTED"),
        Err(fault) => {
            assert_eq!(fault.code, WSADDIN_CERTIFICATE, "{fault:?}");
            assert!(fault.text.contains("unknown authority"), "{fault:?}");
            println!("REFUSED");
        }
    }
}

fn may_mount() -> bool {
    let may = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !may {
        assert!(std::env::var_os("WSADDIN_NO_SKIP").is_none(), "no right to mount, and nothing may be skipped");
        // Straight to the stream: what a passing test prints with eprintln! is not shown.
        let _ = writeln!(std::io::stderr(), "SKIPPED: a root folder of one's own takes root; run ./tests/run as root");
    }
    may
}

/// Whether our client trusts the authority in a root that was filled so.
fn trusts(authority: &Authority, url: &str, fill: &str, environment: &[(&str, &str)]) -> bool {
    let target = common::library_folder();
    let folder = authority.folder().to_str().unwrap();
    std::fs::create_dir_all(format!("{folder}.root")).unwrap();
    let seen = common::root().join("target");
    // What is tested and what it needs is below one folder.
    let seen = std::env::var_os("CARGO_TARGET_DIR").map_or(seen, Into::into);
    assert!(target.starts_with(&seen), "{} is not below {}", target.display(), seen.display());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-euc", ENTER, "sh", folder]).arg(&seen).arg(fill);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", "inside", "--nocapture"]);
    command.env(INSIDE, url).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").envs(environment.iter().copied());
    let said = common::run_well(&mut command, Duration::from_secs(60));
    let _ = std::fs::remove_dir(format!("{folder}.root"));
    assert!(said.contains("TRUSTED") != said.contains("REFUSED"), "{fill}: {said}");
    said.contains("TRUSTED")
}

#[test]
fn the_roots_are_found_in_each_distribution() {
    if !may_mount() {
        return;
    }
    let authority = Authority::with_server("distributions");
    let server = authority.server("server");
    let url = server.secure_url("127.0.0.1");
    let put = |path: &str| format!("mkdir -p \"$(dirname .{path})\" && cp \"$ca\" .{path}");
    for (distribution, fill) in [
        ("Debian, Ubuntu, Astra", put("/etc/ssl/certs/ca-certificates.crt")),
        ("Debian without its bundle", "mkdir -p etc/ssl/certs && cp \"$ca\" etc/ssl/certs/$hash".into()),
        ("RED OS, CentOS from 7 on", put("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")),
        (
            "RED OS with its links",
            put("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")
                + " && mkdir -p etc/pki/tls/certs etc/ssl && ln -s /etc/pki/tls/certs etc/ssl/certs"
                + " && ln -s /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem etc/pki/tls/certs/ca-bundle.crt",
        ),
        ("CentOS 6", put("/etc/pki/tls/certs/ca-bundle.crt")),
        ("ALT", put("/usr/share/ca-certificates/ca-bundle.crt")),
        ("ALT, OpenSSL's own place", put("/var/lib/ssl/cert.pem")),
        ("SUSE", put("/var/lib/ca-certificates/ca-bundle.pem") + " && mkdir -p etc/ssl && ln -s /var/lib/ca-certificates/ca-bundle.pem etc/ssl/ca-bundle.pem"),
        ("SUSE of old", put("/etc/ssl/ca-bundle.pem")),
        (
            "SUSE without its bundle",
            "mkdir -p var/lib/ca-certificates/pem etc/ssl && cp \"$ca\" var/lib/ca-certificates/pem/$hash \
             && ln -s /var/lib/ca-certificates/pem etc/ssl/certs"
                .into(),
        ),
        ("Alpine", put("/etc/ssl/cert.pem")),
        // A bundle that is empty must not hide the folder.
        (
            "an empty bundle",
            "mkdir -p etc/ssl/certs && : >etc/ssl/certs/ca-certificates.crt && cp \"$ca\" etc/ssl/certs/$hash".into(),
        ),
        // One odd certificate must not cost the others.
        (
            "a bundle with something odd",
            "mkdir -p etc/ssl/certs && { printf -- '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n'; \
             cat \"$ca\"; } >etc/ssl/certs/ca-certificates.crt"
                .into(),
        ),
    ] {
        assert!(trusts(&authority, &url, &fill, &[]), "{distribution}");
    }
    assert!(!trusts(&authority, &url, "true", &[]), "trusted without any roots");
    assert!(!trusts(&authority, &url, &put("/etc/ssl/private/ca.pem"), &[]), "trusted what is no root");
}

#[test]
fn the_environment_decides_where_it_says_something() {
    if !may_mount() {
        return;
    }
    let authority = Authority::with_server("environment");
    let server = authority.server("server");
    let url = server.secure_url("127.0.0.1");
    let debian = "mkdir -p etc/ssl/certs && cp \"$ca\" etc/ssl/certs/ca-certificates.crt";
    let own = "mkdir -p opt/first opt/second && cp \"$ca\" opt/ca.pem && cp \"$ca\" opt/second/$hash";
    for (fill, name, value, trusted) in [
        (own, "SSL_CERT_FILE", "/opt/ca.pem", true),
        (own, "SSL_CERT_DIR", "/opt/first:/opt/second", true),
        (own, "SSL_CERT_DIR", "/opt/first", false),
        // It takes the place of the system's.
        (debian, "SSL_CERT_FILE", "/opt/absent.pem", false),
        (debian, "SSL_CERT_DIR", "/opt/absent", false),
        (debian, "SSL_CERT_FILE", "", true),
    ] {
        assert_eq!(trusts(&authority, &url, fill, &[(name, value)]), trusted, "{name}={value}");
    }
}
