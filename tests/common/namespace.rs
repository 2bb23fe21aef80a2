//! A network of a test's own: addresses that swallow everything, and a hosts file.
#![allow(dead_code, reason = "each test file uses its part")]

use super::common::Scratch;
use std::io::Write;
use std::process::{Command, Stdio};

/// Addresses in the namespace from which nothing ever comes back, not even a refusal.
pub const HOLE_V4: &str = "10.99.0.2";
pub const HOLE_V6: &str = "2001:db8:99::2";
/// Addresses there of the machine itself.
pub const OWN_V4: &str = "10.99.0.1";
pub const OWN_V6: &str = "2001:db8:99::1";

/// Its address that is local to the link, and the interface.
pub const LINK_V6: &str = "fe80::99:1";
pub const LINK: &str = "wsaddin0";

/// Inside of one.
pub fn is_inside() -> bool {
    std::env::var_os("WSADDIN_IN_NAMESPACE").is_some()
}

/// Runs an ignored test of this file in a network and mount namespace with this hosts file and the addresses above. Its
/// text, which has to end with `the namespace is done`; `None`: none could be made here.
pub fn run(test: &str, hosts: &str) -> Option<String> {
    // What is sent into one end of the pair is for a station that the other end is not.
    let network = "
        ip link add wsaddin0 type veth peer name wsaddin1
        ip addr add 10.99.0.1/24 dev wsaddin0
        ip addr add 2001:db8:99::1/64 dev wsaddin0 nodad
        ip addr add fe80::99:1/64 dev wsaddin0 nodad
        ip link set wsaddin0 up
        ip link set wsaddin1 up
        for hole in 10.99.0.2 2001:db8:99::2 2001:db8:99::3; do
            ip neigh add $hole lladdr 02:00:00:00:00:99 dev wsaddin0 nud permanent
        done";
    let hosts = format!("127.0.0.1 localhost\n{hosts}\n");
    run_with(test, network, &[("hosts", &hosts), ("nsswitch.conf", "hosts: files\n")])
}

/// The same with a network that only has the loopback address, and a name server there, or none.
pub fn run_asking_itself(test: &str) -> Option<String> {
    let resolver = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";
    run_with(test, "", &[("resolv.conf", resolver), ("nsswitch.conf", "hosts: files dns\n")])
}

/// The same with a network that only has the loopback address, and hands out no ports but the eight from 40000 on.
pub fn run_with_few_ports(test: &str) -> Option<String> {
    run_with(test, "echo '40000 40007' > /proc/sys/net/ipv4/ip_local_port_range", &[])
}

/// The same with the network that a script makes, and files in place of those of /etc that are there.
fn run_with(test: &str, network: &str, files: &[(&str, &str)]) -> Option<String> {
    let scratch = Scratch::new(test);
    for (name, text) in files {
        std::fs::write(scratch.path().join(name), text).unwrap();
    }
    // The files of /etc may be links, and mounting follows them.
    let script = format!(
        r#"
        set -e
        ip link set lo up
        {network}
        for file in "$1"/*; do
            place=/etc/${{file##*/}}
            if [ -e "$file" ] && [ -e "$place" ]; then mount --bind "$file" "$(readlink -f "$place")"; fi
        done
        echo "the namespace is made"
        shift
        exec "$@"
    "#
    );
    let mut command = Command::new("unshare");
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root {
        command.arg("--map-root-user");
    }
    command.args(["--net", "--mount", "--", "sh", "-c", &script, "sh"]).arg(scratch.path());
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--ignored", "--nocapture"]);
    let output = command.env("WSADDIN_IN_NAMESPACE", "1").stdin(Stdio::null()).output();
    let (made, text, success) = match &output {
        Ok(output) => {
            let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            (out.contains("the namespace is made"), format!("{out}\n{err}"), output.status.success())
        }
        Err(error) => (false, error.to_string(), false),
    };
    if !made {
        // Making one takes root, or a container that allows it.
        let must = std::env::var_os("WSADDIN_NO_SKIP").is_some_and(|value| value == "1");
        assert!(!must, "{test}: no namespace could be made:\n{text}");
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: no namespace could be made: {text}");
        return None;
    }
    assert!(success && text.contains("the namespace is done"), "{text}");
    print!("{text}");
    Some(text)
}
