//! The 1C modules in `examples` are what the platform would accept: syntax, names of the platform in the contexts that have
//! them, our methods and properties with the right number of arguments.

mod contexts;
mod processor;
mod syntax;
mod tokens;
mod uses;

use contexts::Commons;
use std::path::{Path, PathBuf};
use tokens::Module;
use websocket_addin::native_api::reference;

fn check(name: &str, source: &str, commons: &Commons) -> Result<(usize, usize), String> {
    syntax::check(name, source)?;
    let module = Module::read(name, source);
    uses::check_completions(&module)?;
    contexts::check(&module, source, commons)?;
    uses::check_uses(&module, &reference())
}

/// Every `.bsl` below the folder.
fn modules(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            modules(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "bsl") {
            found.push(path);
        }
    }
}

#[test]
fn the_examples_are_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths = Vec::new();
    modules(&root, &mut paths);
    let sources: Vec<(String, String)> = paths
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let mut commons = Commons::new();
    for (name, source) in &sources {
        contexts::collect(&Module::read(name, source), source, &mut commons).unwrap_or_else(|error| panic!("{error}"));
    }
    let (mut calls, mut properties) = (0, 0);
    for (name, source) in &sources {
        let (more_calls, more_properties) = check(name, source, &commons).unwrap_or_else(|error| panic!("{error}"));
        assert!(more_calls > 0 || name.contains("attach"), "{name} does not use the component");
        (calls, properties) = (calls + more_calls, properties + more_properties);
    }
    assert!(
        sources.len() >= 9 && calls >= 25 && properties >= 6,
        "{} modules, {calls} calls, {properties} properties",
        sources.len()
    );
}

/// What the checks say of a procedure's body in a common module of these contexts.
fn fault(contexts: &str, body: &str) -> String {
    let source = format!(
        "// Общий модуль «Проба» ({contexts}): проба.\nПроцедура П(Клиент, Знач А = 1) Экспорт\n{body}\nКонецПроцедуры\n"
    );
    let mut commons = Commons::new();
    let server = "// Общий модуль «НаСервере» (сервер): проба.\nФункция Ф() Экспорт\nВозврат 1;\nКонецФункции\n\
        Процедура Своя()\nКонецПроцедуры\n";
    contexts::collect(&Module::read("server", server), server, &mut commons).unwrap();
    check("made up", &source, &commons).expect_err(body)
}

/// The checker finds what it is there for.
#[test]
fn mistakes_are_found() {
    for (body, expected) in [
        ("Клиент.Подключится(\"ws://a\");", "no method"),
        ("Клиент.Подключиться();", "takes 1"),
        ("Клиент.Отправить(1, 2);", "takes 1"),
        ("Клиент.НачатьВызовОтправить(А);", "takes 1"),
        ("Ждать Клиент.ОтправитьАсинх();", "takes 1"),
        ("Ждать Клиент.УстановитьСтатусАсинх(1);", "with 1"),
        ("Ждать Клиент.ПолучитьСтатусАсинх(1);", "with 1"),
        ("Ждать Клиент.ОтправлятьАсинх(1);", "no method"),
        ("Клиент.НачатьУстановкуСтатус(А, 1);", "with 2"),
        ("А = Клиент.Состояние;", "no property"),
        ("Клиент.Статус = 1;", "cannot be set"),
        ("Если Истина Тогда", "syntax"),
        ("Пока Истина Цикл КонецЕсли;", "syntax"),
        ("Попытка КонецПопытки;", "syntax"),
        ("Клиент.Отправить((1);", "syntax"),
        ("А = Новый ОписаниеОповещения(\"Нет\", ЭтотОбъект);", "no procedure"),
        ("Сообщитъ(1);", "nobody"),
        ("КонецПроцедуры\nПроцедура К(ПараметрыВызова, Прочее) Экспорт", "before the call's"),
    ] {
        let found = fault("клиент", body);
        assert!(found.contains(expected), "{body}: {found}");
    }
}

/// A module for servers that calls what clients have, and the other way round, is not compiled.
#[test]
fn what_a_context_does_not_have_is_found() {
    for (contexts, body, missing) in [
        ("клиент, сервер", "НачатьПодключениеВнешнейКомпоненты(А, 1, 2);", "Server"),
        ("сервер, внешнее соединение", "ВыполнитьОбработкуОповещения(А, 1);", "Server"),
        ("внешнее соединение", "А = Новый ОписаниеОповещения(\"П\", ЭтотОбъект);", "External"),
        ("клиент", "ПодключитьВнешнююКомпоненту(1, 2);", "Client"),
        ("клиент", "ЗаписьЖурналаРегистрации(1);", "Client"),
        ("клиент", "А = ФоновыеЗадания.Выполнить(1);", "Client"),
        ("клиент", "А = НаСервере.Ф();", "Client"),
        ("сервер", "А = НаСервере.Своя();", "has no"),
        ("сервер, клиент", "А = ОбщегоНазначенияКлиент.Что();", "Server"),
    ] {
        let found = fault(contexts, body);
        assert!(found.contains(missing), "{contexts}, {body}: {found}");
    }
}

/// Each module of a form says where each of its procedures runs.
#[test]
fn a_form_needs_its_directives() {
    let form = |body: &str| check("made up", &format!("// Модуль управляемой формы: проба.\n{body}"), &Commons::new());
    let procedure = "Процедура П()\nСообщить(1);\nКонецПроцедуры\n";
    assert!(form(procedure).unwrap_err().contains("no directive"));
    assert!(form(&format!("&НаКлиенте\nПерем А;\n{procedure}")).unwrap_err().contains("no directive"));
    assert_eq!(form(&format!("&НаКлиенте\n{procedure}")), Ok((0, 0)));
    let client = "Процедура П()\nПодключитьОбработчикОжидания(\"П\", 1);\nКонецПроцедуры\n";
    assert!(form(&format!("&НаСервере\n{client}")).unwrap_err().contains("Server"));
    assert!(check("made up", procedure, &Commons::new()).unwrap_err().contains("first line"));
}
