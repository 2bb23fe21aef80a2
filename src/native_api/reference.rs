//! The tables for readers: the reference pages, and tests that compare examples with them.

use super::component::{Addin, Component};
use super::table::{Class, Omitted, Property};
use super::variant::Output;
use crate::client::Client;
use crate::options::Kind;
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
    pub kind: ValueKind,
    /// What a new object has, as a literal of the 1C language.
    pub default: String,
    /// Of a number that can be set.
    pub range: Option<(i64, i64)>,
}

/// A type of the 1C language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Boolean,
    Number,
    Text,
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
                    Some(Omitted::Bool(value)) => if value { "Истина" } else { "Ложь" }.to_owned(),
                    Some(Omitted::Int(number)) => number.to_string(),
                    Some(Omitted::Text(text)) => format!("\"{text}\""),
                },
            })
            .collect(),
    });
    ClassInfo { name: C::NAME, methods: methods.collect(), properties: properties::<C>() }
}

fn properties<C: Class>() -> Vec<PropertyInfo> {
    // Types and values are those of a new object, as a host would read them.
    let Ok(component) = Component::<C>::new() else { return Vec::new() };
    let describe = |property: Property<C>| {
        let (ru, en) = property.names();
        let (kind, default) = match component.read(&property).expect("memory for its value") {
            Output::Bool(value) => (ValueKind::Boolean, if value { "Истина" } else { "Ложь" }.to_owned()),
            Output::Int(value) => (ValueKind::Number, value.to_string()),
            Output::Text(text) => (ValueKind::Text, format!("\"{text}\"")),
            Output::Empty | Output::Message(_) => (ValueKind::Text, String::new()),
        };
        let range = match &property {
            Property::Option(row) => match row.kind {
                Kind::Int { min, max } => Some((min, max)),
                Kind::Bool | Kind::Text => None,
            },
            _ => None,
        };
        PropertyInfo { en, ru, is_writable: property.is_writable(), kind, default, range }
    };
    let described = Property::<C>::all().map(describe).collect();
    component.destroy();
    described
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
