//! Generates the C header from `src/capi`, into the build's own folder: `tests/capi_header.rs` compares it with the
//! committed `include/websocket_addin.h`. For Windows it compiles the version resource, too.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/capi");
    println!("cargo:rerun-if-changed=include/cbindgen.toml");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("websocket_addin.h");
    let config = cbindgen::Config::from_file("include/cbindgen.toml").expect("include/cbindgen.toml is readable");
    let mut builder = cbindgen::Builder::new().with_config(config);
    // In the order in which a reader of the header wants them.
    for file in [
        "result",
        "general",
        "handle",
        "message",
        "client",
        "client_state",
        "client_options",
        "client_trust",
        "server",
        "server_state",
        "names",
        "lookup",
        "policy",
        "plain_http",
        "server_limits",
        "server_trust",
        "server_options",
        "tls",
        "batch",
        "events",
    ] {
        builder = builder.with_src(Path::new("src/capi").join(file).with_extension("rs"));
    }
    match builder.generate() {
        Ok(bindings) => {
            let mut header = Vec::new();
            bindings.write(&mut header);
            let header = polish(&String::from_utf8(header).expect("cbindgen writes UTF-8"));
            std::fs::write(&out, header).expect("OUT_DIR is writable");
        }
        // The compiler will say it better; a header that is missing fails the test.
        Err(error) => println!("cargo:warning=the C header was not generated: {error}"),
    }
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("windows") => version_resource(),
        // What is linked with it looks for this name, however it was called on the linker's command line; without one,
        // for the very path that stood there.
        Ok("linux") => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libwebsocket_addin.so"),
        _ => {}
    }
}

/// What Windows shows as the file's version, from Cargo.toml.
fn version_resource() {
    println!("cargo:rerun-if-changed=manifest/version.rc");
    let part = |name: &str| std::env::var(format!("CARGO_PKG_VERSION{name}")).expect("cargo sets it");
    let numbers = format!("{},{},{},0", part("_MAJOR"), part("_MINOR"), part("_PATCH"));
    let template = std::fs::read_to_string("manifest/version.rc").expect("manifest/version.rc is readable");
    let resource = template.replace("{numbers}", &numbers).replace("{version}", &part(""));
    let path = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("version.rc");
    std::fs::write(&path, resource).expect("OUT_DIR is writable");
    embed_resource::compile_for_cdylib(&path, embed_resource::NONE)
        .manifest_required()
        .expect("the version resource compiles");
}

/// What cbindgen cannot be told: negative numbers in parentheses, comments that every C compiler knows.
fn polish(header: &str) -> String {
    let mut polished = String::new();
    for line in header.lines() {
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        match line.split_once(" -").filter(|(_, rest)| line.starts_with("#define ") && is_number(rest)) {
            Some((name, number)) => polished.push_str(&format!("{name} (-{number})")),
            None => match line.split_once("// ").filter(|_| line.starts_with("#endif")) {
                Some((end, what)) => polished.push_str(&format!("{} /* {what} */", end.trim_end())),
                None => polished.push_str(line.trim_end()),
            },
        }
        polished.push('\n');
    }
    polished
}
