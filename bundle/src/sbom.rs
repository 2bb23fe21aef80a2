//! The bill of materials beside SHA256SUMS: CycloneDX 1.6 in JSON, for scanners that look for known weaknesses.

use crate::parts::Part;
use crate::project::Project;
use anyhow::{Context, Result};
use serde_json::{Value, json};

pub fn write(project: &Project, parts: &[Part]) -> Result<String> {
    let own = parts.iter().find(|part| part.name == "websocket_addin").context("no package of ours")?;
    let others = parts.iter().filter(|part| part.name != own.name);
    let dependencies: Vec<Value> =
        parts.iter().map(|part| json!({ "ref": part.purl(), "dependsOn": part.needs })).collect();
    let bom = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": component(own), "timestamp": timestamp(project)? },
        "components": others.map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(format!("{bom:#}\n"))
}

/// The same contents give the same bytes: the time is the version's own.
fn timestamp(project: &Project) -> Result<String> {
    let date = project.date()?.to_offset(time::UtcOffset::UTC);
    let (day, hour, minute, second) = (date.date(), date.hour(), date.minute(), date.second());
    Ok(format!("{day}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": part.purl(),
        "name": part.name,
        "version": part.version,
        "purl": part.purl(),
        "licenses": [{ "expression": part.license.replace('/', " OR ") }],
        "properties": [{
            "name": "platforms",
            "value": part.platforms.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        }],
    });
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if part.is_openssl() {
        component["cpe"] = json!(format!("cpe:2.3:a:openssl:openssl:{}:*:*:*:*:*:*:*", part.version));
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;
    use crate::targets::List;
    use std::collections::BTreeSet;

    #[test]
    fn every_part_is_named_once_and_every_reference_leads_somewhere() {
        let project = Project::open().unwrap();
        let list = List::read(&project.root.join("bundle/targets.toml")).unwrap();
        let parts = parts::of(&project, &list).unwrap();
        let bom: Value = serde_json::from_str(&write(&project, &parts).unwrap()).unwrap();
        let components = bom["components"].as_array().unwrap();
        let refs: Vec<&str> = components.iter().map(|part| part["bom-ref"].as_str().unwrap()).collect();
        let unique: BTreeSet<&str> = refs.iter().copied().collect();
        assert_eq!(unique.len(), refs.len());
        assert!(refs.iter().any(|name| name.starts_with("pkg:generic/openssl@3.")), "{refs:?}");
        assert!(refs.iter().any(|name| name.starts_with("pkg:cargo/tungstenite@")), "{refs:?}");
        for dependency in bom["dependencies"].as_array().unwrap() {
            for needed in dependency["dependsOn"].as_array().unwrap() {
                assert!(unique.contains(needed.as_str().unwrap()), "{needed}");
            }
        }
        let hashed =
            components.iter().filter(|part| part["hashes"][0]["content"].as_str().is_some_and(|sum| sum.len() == 64));
        assert_eq!(hashed.count() + 1, components.len(), "all but OpenSSL, which is a part of a package");
    }
}
