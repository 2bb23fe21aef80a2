//! Every use of our objects: names, numbers of arguments, what can be set.

use crate::tokens::{Module, Token};
use std::collections::BTreeMap;
use websocket_addin::native_api::ClassInfo;

/// The variables that hold our objects, with their classes: each has one name everywhere, however the object was made.
fn variables(module: &Module) -> BTreeMap<&'static str, &'static str> {
    let mut found = BTreeMap::new();
    for (name, class) in [("клиент", "Client"), ("сервер", "Server")] {
        let is_declared = (1..module.tokens.len()).any(|at| {
            let is_parameter = || module.is(at - 1, '(') || module.is(at - 1, ',');
            module.word(at) == Some(name)
                && (module.is(at + 1, '=') || module.word(at - 1) == Some("перем") || is_parameter())
        });
        if is_declared {
            found.insert(name, class);
        }
    }
    found
}

/// How many arguments the parentheses at `open` hold.
fn argument_count(module: &Module, open: usize) -> usize {
    let (mut depth, mut commas, mut at) = (0, 0, open);
    loop {
        match module.tokens[at].1 {
            Token::Sign('(' | '[') => depth += 1,
            Token::Sign(')' | ']') => depth -= 1,
            Token::Sign(',') if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            return if at == open + 1 { 0 } else { commas + 1 };
        }
        at += 1;
    }
}

/// Checks each use of our objects; gives how many calls and how many properties there were.
pub fn check_uses(module: &Module, classes: &[ClassInfo]) -> Result<(usize, usize), String> {
    let variables = variables(module);
    let (mut calls, mut properties) = (0, 0);
    for at in 0..module.tokens.len() {
        let Some(class) = module.word(at).and_then(|name| variables.get(name)) else { continue };
        if !module.is(at + 1, '.') || (at > 0 && module.is(at - 1, '.')) {
            continue;
        }
        let class = classes.iter().find(|known| known.name == *class).ok_or("a class that does not exist")?;
        let name = module.word(at + 2).ok_or("a name follows the dot")?;
        let place = module.place(at);
        if module.is(at + 3, '(') {
            let given = argument_count(module, at + 3);
            check_call(class, name, given).map_err(|error| format!("{place}: {error}"))?;
            calls += 1;
        } else {
            let property = class.properties.iter().find(|known| lower(known.ru) == name);
            let property = property.ok_or_else(|| format!("{place}: no property {name}"))?;
            // At the beginning of a statement an equals sign assigns.
            let is_statement = module.is(at - 1, ';')
                || module.is(at - 1, ')')
                || matches!(
                    module.word(at - 1),
                    Some("тогда" | "иначе" | "цикл" | "попытка" | "исключение" | "экспорт")
                );
            if is_statement && module.is(at + 3, '=') && !property.is_writable {
                return Err(format!("{place}: {name} cannot be set"));
            }
            properties += 1;
        }
    }
    Ok((calls, properties))
}

/// A promise of a method or property, which the host makes of ours; nothing when the name is neither.
fn check_async(class: &ClassInfo, name: &str, given: usize) -> Option<Result<(), String>> {
    let property = |name: &str| class.properties.iter().find(|known| lower(known.ru) == name);
    if class.methods.iter().any(|known| known.ru.iter().any(|ru| lower(ru) == name)) {
        return Some(check_call(class, name, given));
    }
    let fits =
        match (name.strip_prefix("установить").and_then(property), name.strip_prefix("получить").and_then(property))
        {
            (Some(property), _) => property.is_writable && given == 1,
            (None, Some(_)) => given == 0,
            (None, None) => return None,
        };
    Some(if fits { Ok(()) } else { Err(format!("{name} with {given} arguments")) })
}

fn check_call(class: &ClassInfo, name: &str, given: usize) -> Result<(), String> {
    let property = |name: &str| class.properties.iter().find(|known| lower(known.ru) == name);
    let method = |name: &str| class.methods.iter().find(|known| known.ru.iter().any(|ru| lower(ru) == name));
    let (found, given) = match method(name) {
        Some(found) => (found, given),
        // Asynchronous calls, which the host makes of ours: one more argument, the notification, comes first.
        None => {
            if let Some(property) = name.strip_prefix("начатьустановку").and_then(property) {
                let fits = property.is_writable && given == 2;
                return if fits { Ok(()) } else { Err(format!("{name} with {given} arguments")) };
            }
            if let Some(result) = name.strip_suffix("асинх").and_then(|name| check_async(class, name, given)) {
                return result;
            }
            if name.strip_prefix("начатьполучение").and_then(property).is_some() {
                return if given == 1 { Ok(()) } else { Err(format!("{name} with {given} arguments")) };
            }
            let found = name.strip_prefix("начатьвызов").and_then(method);
            let found = found.ok_or_else(|| format!("no method {name} of {}", class.name))?;
            (found, given.checked_sub(1).ok_or_else(|| format!("{name} without a notification"))?)
        }
    };
    let required = found.parameters.iter().filter(|parameter| !parameter.is_optional).count();
    if (required..=found.parameters.len()).contains(&given) {
        Ok(())
    } else {
        Err(format!("{name} takes {required} to {} arguments, not {given}", found.parameters.len()))
    }
}

/// Every method has a result, so the host hands it to whoever waits for the end of an asynchronous call, in front of the
/// call's own parameters.
pub fn check_completions(module: &Module) -> Result<(), String> {
    for at in (2..module.tokens.len()).filter(|&at| module.word(at) == Some("параметрывызова")) {
        if module.is(at - 1, '(') && module.word(at - 3) == Some("процедура") {
            return Err(format!("{}: the result comes before the call's parameters", module.place(at)));
        }
    }
    Ok(())
}

pub fn lower(name: &str) -> String {
    name.to_lowercase()
}
