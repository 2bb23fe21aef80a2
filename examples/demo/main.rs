//! A chat: a server, this terminal and any number of browser windows.
//!
//! ```text
//! cargo run --example demo                  listens on 127.0.0.1:9098
//! cargo run --example demo -- --port 9100   on another port, 0 picks a free one
//! cargo run --example demo -- --check       holds one conversation with itself; exit code 0 or 1
//! ```
//!
//! It uses the library as any other program would: loaded at run time, through its C functions (`addin.rs`).

#[path = "../../tests/common/addin.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod addin;
mod chat;
mod check;

use chat::Chat;
use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;

const PORT: u16 = 9098;
const USAGE: &str = "usage: cargo run --example demo [-- --port N | --check]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        [] => talk(PORT),
        ["--port", port] => port.parse().map_err(|_| USAGE.to_owned()).and_then(talk),
        ["--check"] => check::run(),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("demo: {text}");
            ExitCode::FAILURE
        }
    }
}

/// The chat with people; ends with the input or Ctrl-C.
fn talk(port: u16) -> Result<(), String> {
    let library = addin::load()?;
    let chat = Arc::new(Chat::start("127.0.0.1", port).map_err(|failure| {
        format!("{failure}\nTry another port (0 picks a free one): cargo run --example demo -- --port 0")
    })?);
    let port = chat.port().map_err(|failure| failure.text)?;

    println!("websocket_addin {} from {}", addin::version(), library.display());
    println!("listening on ws://127.0.0.1:{port}/");
    println!("open this page, in several windows if you like:\n\n    http://127.0.0.1:{port}/\n");
    println!("What you type here goes to everybody. Ctrl-D or Ctrl-C ends.");

    let ended = chat.clone();
    ctrlc::set_handler(move || ended.stop()).map_err(|error| error.to_string())?;
    let typed = chat.clone();
    // Not joined: nothing can wake a thread that waits for the keyboard. It ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            typed.say_from_terminal(&line);
        }
        typed.stop();
    });
    chat.serve(&|line| println!("{line}")).map_err(|failure| failure.text)?;
    // The other thread may still be in the middle of it: this waits until everybody has been told.
    chat.stop();
    println!("ended");
    Ok(())
}
