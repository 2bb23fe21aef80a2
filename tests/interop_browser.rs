//! Headless Chromium with a page as client.

#![allow(dead_code, reason = "each interoperability test uses a part of the common modules")]

#[path = "common/addin.rs"]
mod addin;
#[path = "common/conversation.rs"]
mod conversation;
#[path = "common/peer.rs"]
mod peer;

use conversation::Answering;
use peer::Peer;
use std::path::{Path, PathBuf};

/// A new browser profile that goes away with the value.
struct Profile(PathBuf);

impl Profile {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn page(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn a_page_talks_to_our_server() {
    let server = Answering::start();
    let profile = Profile::new("browser");
    let query = format!("url={}", server.url);
    let Some(chromium) = Peer::chromium(&page("tests/interop/browser.html"), &query, &profile.0) else {
        return server.stop();
    };
    assert_eq!(server.verdict(), "passed");
    // A page may close with 1000 and 3000–4999 only.
    let by_page: Vec<_> = conversation::closes().into_iter().filter(|(code, _)| *code != 1001).collect();
    conversation::assert_closes(&server, &by_page, &conversation::closes(), true);
    drop(chromium);
    server.stop();
}
