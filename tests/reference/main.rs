//! `docs/reference.*.md` are what the library's tables say, with a description of everything that is there.
//! `WSADDIN_BLESS=1 cargo test --test reference` writes them anew.

mod codes;
mod intro;
mod json;
mod keys;
mod methods;
mod properties;

use codes::CODES;
use methods::{METHODS, PARAMETERS, Returns, Text};
use properties::PROPERTIES;
use std::fmt::Write as _;
use std::path::Path;
use websocket_addin::native_api::{ClassInfo, MethodInfo, ParameterInfo, PropertyInfo, ValueKind, reference};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Russian,
    English,
}

use Language::{English, Russian};

impl Language {
    /// This language's one of the two.
    fn of<T>(self, ru: T, en: T) -> T {
        match self {
            Russian => ru,
            English => en,
        }
    }

    fn file(self) -> &'static str {
        self.of("docs/reference.ru.md", "docs/reference.en.md")
    }

    fn kind(self, kind: ValueKind) -> &'static str {
        match kind {
            ValueKind::Boolean => self.of("Булево", "Boolean"),
            ValueKind::Number => self.of("Число", "Number"),
            ValueKind::Text => self.of("Строка", "String"),
        }
    }

    /// A literal of the 1C language, as it is written in this one.
    fn literal(self, text: &str) -> &str {
        match (self, text) {
            (English, "Истина") => "True",
            (English, "Ложь") => "False",
            _ => text,
        }
    }
}

fn described(class: &str, method: &MethodInfo) -> &'static Text {
    let found = METHODS.iter().find(|text| text.class == class && text.name == method.en);
    found.unwrap_or_else(|| panic!("{class}.{} is not described in tests/reference/methods.rs", method.en))
}

/// The description under the first of the keys that has one.
fn find(texts: &'static [(&str, &str, &str)], keys: &[String], language: Language) -> &'static str {
    let found = keys.iter().find_map(|key| texts.iter().find(|(name, ..)| name == key));
    let (_, ru, en) = found.unwrap_or_else(|| panic!("{} is not described in tests/reference", keys[0]));
    language.of(ru, en)
}

fn parameter_text(class: &str, method: &str, parameter: &str, language: Language) -> &'static str {
    find(PARAMETERS, &[format!("{class}.{method}.{parameter}"), parameter.to_owned()], language)
}

fn page(language: Language) -> String {
    let mut page = language.of(intro::RUSSIAN, intro::ENGLISH).to_owned();
    for class in reference() {
        let new = language.of("Новый", "New");
        write!(page, "\n## {}\n\n`{new}(\"AddIn.WebSocket.{}\")`\n", class.name, class.name).unwrap();
        write!(page, "\n### {}\n", language.of("Методы", "Methods")).unwrap();
        if class.methods.iter().flat_map(|method| &method.parameters).any(is_number) {
            write!(page, "\n{}\n", numbers(&class, language)).unwrap();
        }
        for method in &class.methods {
            method_section(&mut page, class.name, method, language);
        }
        properties_table(&mut page, &class, language);
    }
    json::tables(&mut page, language);
    codes_table(&mut page, language);
    page
}

fn codes_table(page: &mut String, language: Language) {
    let heads = language.of(
        "## Коды ошибок\n\nЧисла свойства `КодОшибки`. В C это результаты функций.\n\n| код | в C | когда |\n",
        "## Error codes\n\nThe numbers of `ErrorCode`, which are the results of the functions in C.\n\n| number | in C | when |\n",
    );
    write!(page, "\n{heads}|---|---|---|\n").unwrap();
    for (at, (name, ru, en)) in CODES.iter().enumerate() {
        writeln!(page, "| −{} | `WSADDIN_{name}` | {} |", at + 1, language.of(ru, en)).unwrap();
    }
}

/// A connection's number, given by the script.
fn is_number(parameter: &ParameterInfo) -> bool {
    parameter.en == "ClientID" && !parameter.is_out
}

/// What every method that takes a number does with a wrong one; tests in `src/native_api` hold them to it.
fn numbers(class: &ClassInfo, language: Language) -> String {
    let taking = class.methods.iter().filter(|method| method.parameters.iter().any(is_number));
    let boolean = taking.filter(|method| described(class.name, method).result == Returns::Boolean);
    let names: Vec<String> = boolean.map(|method| format!("`{}`", language.of(method.ru[0], method.en))).collect();
    let names = names.join(", ");
    language.of(
        format!(
            "**Номера соединений.** Номер, которого компонента никогда не выдавала, – ошибка в любом методе. Если соединение с таким \
             номером было, но уже завершилось, {names} возвращают `Ложь`, `СведенияОСоединении` – пустую строку, а `ПроверитьСвязь` \
             вызывает исключение."
        ),
        format!(
            "**Numbers of connections.** A number that was never issued is an error in every method. Of a connection that has \
             ended {names} return False, `ConnectionInfo` returns an empty string, and `Ping` raises an exception."
        ),
    )
}

fn method_section(page: &mut String, class: &str, method: &MethodInfo, language: Language) {
    let text = described(class, method);
    assert_eq!(text.result != Returns::Nothing, method.is_function, "{class}.{}", method.en);
    let names: Vec<&str> = method.ru.iter().copied().chain([method.en]).collect();
    // This language's name first, then all others.
    let main = language.of(method.ru[0], method.en);
    let others: Vec<String> = names.iter().filter(|name| **name != main).map(|name| format!("`{name}`")).collect();
    let parameters: Vec<String> = method.parameters.iter().map(|parameter| in_signature(parameter, language)).collect();
    let result = match text.result {
        Returns::Nothing => String::new(),
        Returns::Boolean => format!(" → {}", language.kind(ValueKind::Boolean)),
        Returns::Number => format!(" → {}", language.kind(ValueKind::Number)),
        Returns::Text => format!(" → {}", language.kind(ValueKind::Text)),
    };
    write!(page, "\n#### {main}\n\n`{main}({})`{result}  \n", parameters.join(", ")).unwrap();
    writeln!(page, "{}: {}\n", language.of("Другие имена", "Other names"), others.join(", ")).unwrap();
    writeln!(page, "{}", language.of(text.ru, text.en)).unwrap();
    if method.parameters.is_empty() {
        return;
    }
    page.push('\n');
    for parameter in &method.parameters {
        let meaning = parameter_text(class, method.en, parameter.en, language);
        let (main, other) = (language.of(parameter.ru, parameter.en), language.of(parameter.en, parameter.ru));
        let other = if other == main { String::new() } else { format!(" ({other})") };
        let out = if parameter.is_out { language.of(", выход", ", out") } else { "" };
        let omitted = match (parameter.is_optional, language) {
            (false, _) => String::new(),
            (true, Russian) => format!("; по умолчанию {}", parameter.default),
            (true, English) => format!("; {} by default", parameter.default),
        };
        writeln!(page, "- **{main}**{other}{out}: {meaning}{omitted}").unwrap();
    }
}

fn in_signature(parameter: &ParameterInfo, language: Language) -> String {
    let name = language.of(parameter.ru, parameter.en);
    if parameter.is_optional { format!("{name} = {}", parameter.default) } else { name.to_owned() }
}

fn properties_table(page: &mut String, class: &ClassInfo, language: Language) {
    let heads = language.of(
        "### Свойства\n\n| свойство | по-английски | | по умолчанию | |\n",
        "### Properties\n\n| property | in Russian | | default | |\n",
    );
    write!(page, "\n{heads}|---|---|---|---|---|\n").unwrap();
    for property in &class.properties {
        let keys = [format!("{}.{}", class.name, property.en), property.en.to_owned()];
        let meaning = find(PROPERTIES, &keys, language).replace('|', "\\|");
        let (main, other) = (language.of(property.ru, property.en), language.of(property.en, property.ru));
        let access = if property.is_writable { "" } else { language.of(", только чтение", ", read-only") };
        let kind = language.kind(property.kind);
        let default = default_of(property, language);
        let range = range_of(property, language);
        writeln!(page, "| {main} | {other} | {kind}{access} | {default} | {meaning}{range} |").unwrap();
    }
}

fn default_of(property: &PropertyInfo, language: Language) -> String {
    // Another one with each release.
    if property.en == "Version" { String::new() } else { format!("`{}`", language.literal(&property.default)) }
}

/// Only limits that a script may meet; the greatest time and the greatest whole number are none.
fn range_of(property: &PropertyInfo, language: Language) -> String {
    match property.range {
        Some((min, max)) if max < i64::from(i32::MAX) => format!("; {min}…{max}"),
        Some((1, _)) => language.of("; не меньше 1", "; at least 1").to_owned(),
        _ => String::new(),
    }
}

#[test]
fn the_pages_are_what_the_tables_say() {
    for language in [Russian, English] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(language.file());
        let page = page(language);
        if std::env::var_os("WSADDIN_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().expect("a folder")).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == committed, "{} is not what the tables say: WSADDIN_BLESS=1", language.file());
    }
}

/// Names in a text are names of that language and of something that exists, so that a renamed method is not left behind.
#[test]
fn names_in_the_texts_exist() {
    let classes = reference();
    let known = |language: Language, name: &str| {
        classes.iter().any(|class| {
            let methods = class.methods.iter().any(|method| match language {
                Russian => method.ru.contains(&name),
                English => method.en == name,
            });
            let parameters = class.methods.iter().flat_map(|method| &method.parameters);
            methods
                || parameters.into_iter().any(|parameter| language.of(parameter.ru, parameter.en) == name)
                || class.properties.iter().any(|property| language.of(property.ru, property.en) == name)
        })
    };
    let mut seen = 0;
    let methods = METHODS.iter().map(|text| (text.ru, text.en));
    let intro = [(intro::RUSSIAN, intro::ENGLISH)];
    let json = keys::OBJECTS
        .into_iter()
        .flat_map(|object| [object.name].into_iter().chain(object.keys.iter().map(|(_, ru, en)| (*ru, *en))));
    let methods = methods.chain(intro).chain(json);
    for (ru, en) in methods.chain([PARAMETERS, PROPERTIES].concat().into_iter().map(|(_, ru, en)| (ru, en))) {
        for (language, text) in [(Russian, ru), (English, en)] {
            for name in text.split('`').skip(1).step_by(2) {
                // Everything else between these signs is a value.
                let is_name = name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase);
                if is_name && !["Origin", "Forwarded", "Истина", "Ложь", "Неопределено", "Undefined"].contains(&name)
                {
                    assert!(known(language, name), "{name} in: {text}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Nothing is described that is not there.
#[test]
fn every_description_is_of_something() {
    let pages = page(Russian) + &page(English);
    for text in METHODS {
        assert!(pages.contains(text.ru) && pages.contains(text.en), "{}.{}", text.class, text.name);
    }
    for (name, ru, en) in PARAMETERS {
        assert!(pages.contains(ru) && pages.contains(en), "{name}");
    }
    for (name, ru, en) in PROPERTIES {
        // They stand in a table.
        assert!(pages.contains(&ru.replace('|', "\\|")) && pages.contains(&en.replace('|', "\\|")), "{name}");
    }
}
