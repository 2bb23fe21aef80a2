//! INFO.XML, by which the catalogue of add-ins of the Library of Standard Subsystems knows the ZIP.

use crate::project::Project;
use anyhow::{Context, Result, ensure};

/// Name and version of the add-in; read by the Library of Standard Subsystems.
pub const INFO: &str = "INFO.XML";

pub fn write(project: &Project) -> Result<String> {
    let path = project.root.join("manifest").join(INFO);
    let template = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    fill(&template, &project.version)
}

fn fill(template: &str, version: &str) -> Result<String> {
    ensure!(template.matches("{version}").count() == 1, "manifest/INFO.XML has one {{version}}");
    Ok(template.replace("{version}", &four_parts(version)?))
}

/// The catalogue compares versions of exactly four numbers: `1.2.3` is `1.2.3.0`, without what follows `-` or `+`.
pub fn four_parts(version: &str) -> Result<String> {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let are_three = numbers.split('.').filter(|part| part.parse::<u16>().is_ok()).count() == 3;
    ensure!(are_three && numbers.matches('.').count() == 2, "{version} is no version of three numbers");
    Ok(format!("{numbers}.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_four_numbers() {
        assert_eq!(four_parts("0.1.0").unwrap(), "0.1.0.0");
        assert_eq!(four_parts("12.3.4-beta.1+x").unwrap(), "12.3.4.0");
        for bad in ["", "1.2", "1.2.3.4", "1.2.x", "a.b.c.1.2.3"] {
            assert!(four_parts(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_template_without_a_place_for_the_version_is_refused() {
        assert!(fill("<info/>", "1.2.3").is_err());
        assert_eq!(fill("<v>{version}</v>", "1.2.3").unwrap(), "<v>1.2.3.0</v>");
    }
}
