//! The tables for readers: the reference pages, and tests that compare examples with them.

use super::table::{Class, Omitted, Property};
use crate::client::Client;
use crate::server::Server;

/// A class with everything it can.
pub struct ClassInfo {
    pub name: &'static str,
    pub methods: Vec<MethodInfo>,
    pub properties: Vec<PropertyInfo>,
}

pub struct MethodInfo {
    pub en: &'static str,
    /// The first is shown by the host, the others are aliases.
    pub ru: &'static [&'static str],
    pub parameters: Vec<ParameterInfo>,
    pub is_function: bool,
}

pub struct ParameterInfo {
    pub en: &'static str,
    pub ru: &'static str,
    pub is_optional: bool,
    pub is_out: bool,
    /// The default of an optional one, as a literal of the 1C language.
    pub default: String,
}

pub struct PropertyInfo {
    pub en: &'static str,
    pub ru: &'static str,
    pub is_writable: bool,
}

/// Both classes.
pub fn reference() -> Vec<ClassInfo> {
    vec![class::<Client>(), class::<Server>()]
}

fn class<C: Class>() -> ClassInfo {
    let methods = C::methods().iter().map(|method| MethodInfo {
        en: method.en,
        ru: method.ru,
        is_function: method.is_function,
        parameters: method
            .parameters
            .iter()
            .map(|parameter| ParameterInfo {
                en: parameter.en,
                ru: parameter.ru,
                is_optional: parameter.omitted.is_some(),
                is_out: parameter.out,
                default: match parameter.omitted {
                    None => String::new(),
                    Some(Omitted::Int(number)) => number.to_string(),
                    Some(Omitted::Text(text)) => format!("\"{text}\""),
                },
            })
            .collect(),
    });
    let properties = Property::<C>::all().map(|property| {
        let (ru, en) = property.names();
        PropertyInfo { en, ru, is_writable: property.is_writable() }
    });
    ClassInfo { name: C::NAME, methods: methods.collect(), properties: properties.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_is_there_once_in_any_case() {
        for class in reference() {
            let methods = class.methods.iter().flat_map(|method| method.ru.iter().copied().chain([method.en]));
            let properties = class.properties.iter().flat_map(|property| [property.ru, property.en]);
            for names in [methods.collect::<Vec<_>>(), properties.collect()] {
                let lower: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
                assert_eq!(lower.len(), names.len(), "{}", class.name);
                assert!(names.iter().all(|name| !name.is_empty()));
            }
        }
    }
}
