//! A real broker on a socket of its own, and a blocking connection to it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use websocket_addin::cluster::resp::{Decoder, Value, command};
use websocket_addin::cluster::scripts::{self, Script};

/// A server of the same protocol to take instead, for instance Valkey's.
const SERVER: &str = "WSADDIN_REDIS_SERVER";
const PATIENCE: Duration = Duration::from_secs(60);

/// Time passes as the test says.
const CLOCK: &str = "local function clock()
    local micros = tonumber(redis.call('GET', 'clock'))
    return math.floor(micros / 1000), micros
end";

pub struct Broker {
    process: Child,
    socket: PathBuf,
    stream: UnixStream,
    decoder: Decoder,
    shas: HashMap<&'static str, Vec<u8>>,
}

impl Broker {
    /// Scripts are loaded as `change` makes them.
    pub fn start(called: &str, change: impl Fn(&Script, String) -> String) -> Self {
        // Names of sockets are short.
        let socket = std::env::temp_dir().join(format!("wsaddin-{}-{called}.sock", std::process::id()));
        let server = std::env::var(SERVER).unwrap_or_else(|_| "redis-server".to_owned());
        let process = Command::new(&server)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{server}: {error}; tests/run installs it"));
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < until, "{server} does not listen: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut broker = Self { process, socket, stream, decoder: Decoder::default(), shas: HashMap::new() };
        for script in scripts::ALL {
            let text = change(script, script.text(CLOCK));
            let sha = broker.call(&[b"SCRIPT", b"LOAD", text.as_bytes()]);
            broker.shas.insert(script.name, sha.bytes().expect("a hash").to_owned());
        }
        broker
    }

    pub fn call(&mut self, words: &[&[u8]]) -> Value {
        self.calls(&[words])
    }

    /// Commands in one write; gives the last answer. None of them may be an error.
    fn calls(&mut self, commands: &[&[&[u8]]]) -> Value {
        let mut out = Vec::new();
        for words in commands {
            command(&mut out, words).unwrap();
        }
        self.stream.write_all(&out).unwrap();
        let mut last = Value::Nil;
        let mut left = commands.len();
        let mut buffer = [0; 4096];
        while left > 0 {
            let size = self.stream.read(&mut buffer).expect("the broker answers in time");
            assert!(size > 0, "the broker has ended");
            let mut bytes = &buffer[..size];
            while let Some(value) = self.decoder.read(&mut bytes).expect("RESP2") {
                if let Value::Error(text) = &value {
                    let said = commands.iter().flat_map(|words| words.iter().map(|word| String::from_utf8_lossy(word)));
                    panic!("{}: {:?}", String::from_utf8_lossy(text), said.collect::<Vec<_>>());
                }
                last = value;
                left -= 1;
            }
        }
        last
    }

    /// Runs a script at a time given in microseconds.
    pub fn run(&mut self, script: &Script, micros: u64, keys: &[String], args: &[String]) -> Value {
        let (micros, count) = (micros.to_string(), keys.len().to_string());
        let sha = self.shas[script.name].clone();
        let mut words = vec![b"EVALSHA".as_slice(), &sha, count.as_bytes()];
        words.extend(keys.iter().chain(args).map(|word| word.as_bytes()));
        self.calls(&[&[b"SET", b"clock", micros.as_bytes()], &words])
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
