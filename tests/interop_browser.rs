//! Headless Chromium: a page as client of our server, and its DevTools as server of our client.

#![allow(dead_code, reason = "each interoperability test uses a part of the common modules")]

#[path = "common/addin.rs"]
mod addin;
#[path = "common/conversation.rs"]
mod conversation;
#[path = "common/devtools.rs"]
mod devtools;
#[path = "common/peer.rs"]
mod peer;

use conversation::Answering;
use devtools::DevTools;
use peer::Peer;
use std::path::Path;

#[test]
fn a_page_talks_to_our_server() {
    let server = Answering::start();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/browser.html");
    let Some(chromium) = Peer::chromium(&format!("file://{}?url={}", page.display(), server.url)) else {
        return server.stop();
    };
    assert_eq!(server.verdict(), "passed");
    // A page may close with 1000 and 3000–4999 only.
    let by_page: Vec<_> = conversation::closes().into_iter().filter(|(code, _)| *code != 1001).collect();
    conversation::assert_closes(&server, &by_page, &conversation::closes(), true);
    drop(chromium);
    server.stop();
}

#[test]
fn our_client_asks_the_browsers_devtools() {
    let Some(chromium) = Peer::chromium("about:blank") else { return };
    let page = DevTools::of(&chromium);
    assert_eq!(page.evaluate("'я'.repeat(3) + '🙂\\0'"), "яяя🙂\0");
    assert_eq!(page.evaluate("'x'.repeat(1 << 20).length"), 1 << 20);
    let long = page.evaluate("'Ж'.repeat(1 << 20)");
    assert_eq!(long.as_str().map(str::len), Some(2 << 20));
}
