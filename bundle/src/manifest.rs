//! MANIFEST.XML, which tells 1C:Enterprise which file is for which platform.

use crate::project::Project;
use crate::targets::Target;
use anyhow::{Result, ensure};

pub fn write(project: &Project, targets: &[&Target]) -> Result<String> {
    let template = std::fs::read_to_string(project.root.join("manifest/MANIFEST.XML"))?;
    fill(&template, &project.version, targets)
}

/// The line with `{path}` stands once for each platform.
fn fill(template: &str, version: &str, targets: &[&Target]) -> Result<String> {
    ensure!(template.matches("{path}").count() == 1, "manifest/MANIFEST.XML has one line with {{path}}");
    let mut manifest = String::new();
    for line in template.lines() {
        let copies = if line.contains("{path}") { targets } else { &targets[..1] };
        for target in copies {
            let line = line.replace("{os}", &target.os).replace("{arch}", &target.arch);
            manifest.push_str(&line.replace("{path}", &target.file_name(version)));
            manifest.push('\n');
        }
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::List;
    use std::path::Path;

    #[test]
    fn names_every_platform_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let list = List::read(&root.join("targets.toml")).unwrap();
        let template = std::fs::read_to_string(root.join("../manifest/MANIFEST.XML")).unwrap();
        let manifest = fill(&template, "0.1.0", &list.select(&[]).unwrap()).unwrap();
        assert_eq!(
            manifest,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <bundle xmlns=\"http://v8.1c.ru/8.2/addin/bundle\" name=\"WebSocket\">\n\
             \t<component os=\"Windows\" path=\"websocket_addin_0_1_0_Win_32.dll\" type=\"native\" arch=\"i386\"/>\n\
             \t<component os=\"Windows\" path=\"websocket_addin_0_1_0_Win_64.dll\" type=\"native\" arch=\"x86_64\"/>\n\
             \t<component os=\"Linux\" path=\"websocket_addin_0_1_0_Linux_32.so\" type=\"native\" arch=\"i386\"/>\n\
             \t<component os=\"Linux\" path=\"websocket_addin_0_1_0_Linux_64.so\" type=\"native\" arch=\"x86_64\"/>\n\
             \t<component os=\"Linux\" path=\"websocket_addin_0_1_0_Linux_ARM64.so\" type=\"native\" arch=\"ARM64\"/>\n\
             </bundle>\n"
        );
    }
}
