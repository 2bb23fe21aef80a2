//! What the pages name exists: methods, properties, functions of C, files of the repository.

use crate::page;
use crate::page::Part;
use std::collections::BTreeSet;
use websocket_addin::native_api::reference;

/// Words that look like a name of the add-in and are none.
const OTHER: &[&str] = &[
    "Origin",
    "Forwarded",
    "ETag",
    "Allow",
    "HTTPСоединение",
    "Anna",
    "Новый",
    "LoadLibrary",
    "Upgrade",
    "Connection",
    "Client",
    "Server",
];
/// Names of 1C:Enterprise and of the example modules.
const PLATFORM: &[&str] = &[
    "WebSocket",
    "Асинх",
    "ВнешнееСобытие",
    "Ждать",
    "КомпонентаWebSocket",
    "КомпонентаWebSocketКлиент",
    "КодироватьСтроку",
    "НачатьУстановкуВнешнейКомпоненты",
    "ПодключитьВнешнююКомпоненту",
    "Строка",
    "Таймаут",
    "УведомленияКлиента",
    "УстановитьБезопасныйРежим",
    "Формат",
];
/// Names of what the page about moving compares with.
const OTHERS: &[&str] = &[
    "ЗакрытьВходящееСоединение",
    "ЗакрытьСоединение",
    "ЗапуститьСервер",
    "ОстановитьСервер",
    "ОтправитьДанные",
    "ОтправитьПонг",
    "ОтправитьТекстовоеСообщение",
    "ПараметрыWebSocketКлиентСоединения",
    "ПередПодключением",
    "ПолучитьДанныеОчередногоСоединения",
    "ПолучитьЛог",
    "ПолучитьНастройкиЛогирования",
    "ПолучитьСообщение",
    "ПолучитьСписокСоединений",
    "ПриЗакрытииСоединения",
    "ПриОткрытииСоединения",
    "ПриОшибке",
    "ПриПолученииСообщения",
    "СоздатьСоединение",
];
/// Variables of the environment that the tests read.
const VARIABLES: &[&str] = &["WSADDIN_AUTOBAHN_CASES", "WSADDIN_BLESS", "WSADDIN_SOAK_MINUTES"];
/// What begins like this is a path within the repository.
const FOLDERS: &[&str] = &["./tests/", ".ci/", "tests/", "benches/", "bundle/", "examples/", "include/", "docs/"];

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// As names of the add-in are; `GET` is none.
fn is_mixed(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase)
}

fn of_class(class: &str) -> BTreeSet<&'static str> {
    let classes = reference();
    let class = classes.iter().find(|found| found.name == class).unwrap();
    let methods = class.methods.iter().flat_map(|method| method.ru.iter().copied().chain([method.en]));
    methods.chain(class.properties.iter().flat_map(|property| [property.ru, property.en])).collect()
}

#[test]
fn names_of_the_add_in_exist() {
    let known: BTreeSet<&str> = of_class("Client").union(&of_class("Server")).copied().collect();
    let mut seen = 0;
    for name in page::all() {
        for part in page::parts(&page::read(&name)) {
            for span in part.texts().into_iter().flat_map(page::spans) {
                let word = span.split(|c| !is_word(c)).next().unwrap_or_default();
                let rest = &span[word.len()..];
                let is_name = (rest.is_empty() || rest.starts_with('(')) && is_mixed(word);
                let is_foreign = PLATFORM.contains(&word) || name.ends_with("/moving.md") && OTHERS.contains(&word);
                if is_name && !word.contains('_') && !OTHER.contains(&word) && !is_foreign {
                    assert!(known.contains(word), "{name}: {span}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn names_in_the_scripts_exist() {
    let mut seen = 0;
    for name in page::all() {
        for part in page::parts(&page::read(&name)) {
            let Part::Code(language, script) = part else { continue };
            if language != "bsl" {
                continue;
            }
            for (object, class) in [("Клиент.", "Client"), ("Сервер.", "Server")] {
                let known = of_class(class);
                for (at, _) in script.match_indices(object) {
                    let used = script[at + object.len()..].split(|c| !is_word(c)).next().unwrap();
                    assert!(known.contains(used), "{name}: {object}{used}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn names_of_c_exist() {
    let header = page::read("include/websocket_addin.h");
    let known: BTreeSet<&str> = header.split(|c| !is_word(c)).collect();
    let mut seen = 0;
    for name in page::all() {
        let text = page::read(&name);
        for word in text.split(|c| !is_word(c)).filter(|word| word.to_lowercase().starts_with("wsaddin_")) {
            // `wsaddin_client_set_…` stands for all that begin so.
            let exists =
                known.contains(word) || word.ends_with('_') && known.iter().any(|known| known.starts_with(word));
            assert!(exists || VARIABLES.contains(&word), "{name}: {word}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn files_and_commands_exist() {
    let mut seen = 0;
    for name in page::all() {
        for part in page::parts(&page::read(&name)) {
            let mut commands: Vec<&str> = part.texts().into_iter().flat_map(page::spans).collect();
            if let Part::Code(language, script) = &part
                && language == "sh"
            {
                commands.extend(script.lines());
            }
            for path in commands.iter().filter_map(|command| command.split_whitespace().next()) {
                if FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                    assert!(page::root().join(path).exists(), "{name}: {path}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}
