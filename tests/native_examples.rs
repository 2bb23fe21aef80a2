//! The modules in `examples/1c` and `examples/webtutor` are what the host would accept: blocks, names and argument counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use websocket_addin::native_api::{ClassInfo, reference};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// An identifier or a keyword, in lower case.
    Word(String),
    Text(String),
    Sign(char),
}

struct Module {
    name: String,
    tokens: Vec<(usize, Token)>,
}

impl Module {
    fn read(name: &str, source: &str) -> Self {
        Self { name: name.to_owned(), tokens: tokens(name, source) }
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    fn text(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Text(text))) => Some(text),
            _ => None,
        }
    }

    fn is(&self, at: usize, sign: char) -> bool {
        self.tokens.get(at).is_some_and(|(_, token)| *token == Token::Sign(sign))
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.name, self.tokens.get(at).map_or(0, |(line, _)| *line))
    }
}

fn tokens(name: &str, source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut open_text: Option<String> = None;
    for (number, line) in source.lines().enumerate() {
        let number = number + 1;
        let mut rest: &str = line;
        if let Some(text) = open_text.take() {
            // A text over several lines goes on behind a bar.
            let after = rest.trim_start().strip_prefix('|');
            rest = after.unwrap_or_else(|| panic!("{name}:{number}: a text that is not closed"));
            rest = read_text(rest, text, number, &mut found, &mut open_text);
        }
        while let Some(first) = rest.trim_start().chars().next() {
            rest = rest.trim_start();
            if rest.starts_with("//") || first == '#' {
                break;
            } else if first == '"' {
                rest = read_text(&rest[1..], String::new(), number, &mut found, &mut open_text);
            } else if first == '\'' {
                let end = rest[1..].find('\'').unwrap_or_else(|| panic!("{name}:{number}: a date that is not closed"));
                rest = &rest[end + 2..];
            } else if first.is_alphanumeric() || first == '_' {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                found.push((number, Token::Word(rest[..end].to_lowercase())));
                rest = &rest[end..];
            } else {
                assert!("&.,;()[]=<>+-*/%?:|".contains(first), "{name}:{number}: {first:?} is not of the language");
                found.push((number, Token::Sign(first)));
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    assert!(open_text.is_none(), "{name}: a text that is not closed");
    found
}

/// Reads a text to its quotation mark, a doubled one being part of it, or to the line's end.
fn read_text<'a>(
    mut rest: &'a str,
    mut text: String,
    line: usize,
    found: &mut Vec<(usize, Token)>,
    open: &mut Option<String>,
) -> &'a str {
    loop {
        let Some(end) = rest.find('"') else {
            text.push_str(rest);
            *open = Some(text + "\n");
            return "";
        };
        text.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => {
                found.push((line, Token::Text(text)));
                return rest;
            }
        }
    }
}

/// Blocks are closed in the order in which they were opened.
fn check_blocks(module: &Module) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut parentheses = 0i32;
    for at in 0..module.tokens.len() {
        match module.tokens[at].1 {
            Token::Sign('(' | '[') => parentheses += 1,
            Token::Sign(')' | ']') => parentheses -= 1,
            Token::Sign(';') if parentheses != 0 => return Err(format!("{}: parentheses", module.place(at))),
            _ => {}
        }
        let Some(word) = module.word(at).filter(|_| at == 0 || !module.is(at - 1, '.')) else { continue };
        let expected = match word {
            "если" | "попытка" | "процедура" | "функция" | "пока" | "для" => {
                open.push(word);
                continue;
            }
            "цикл" => match open.pop() {
                Some("пока" | "для") => {
                    open.push("цикл");
                    continue;
                }
                other => return Err(format!("{}: цикл in {other:?}", module.place(at))),
            },
            "тогда" | "иначе" | "иначеесли" => {
                if open.last() == Some(&"если") {
                    continue;
                }
                return Err(format!("{}: {word} in {:?}", module.place(at), open.last()));
            }
            "исключение" => match open.pop() {
                Some("попытка") => {
                    open.push("исключение");
                    continue;
                }
                other => return Err(format!("{}: исключение in {other:?}", module.place(at))),
            },
            "конецесли" => "если",
            "конеццикла" => "цикл",
            "конецпопытки" => "исключение",
            "конецпроцедуры" => "процедура",
            "конецфункции" => "функция",
            _ => continue,
        };
        let closed = open.pop();
        if closed != Some(expected) {
            return Err(format!("{}: {word} closes {closed:?}", module.place(at)));
        }
        if parentheses != 0 {
            return Err(format!("{}: parentheses", module.place(at)));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{}: {open:?} stay open", module.name)) }
}

/// The variables that hold our objects, with their classes. One name has one class in a module.
fn variables(module: &Module) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for at in 2..module.tokens.len() {
        if module.word(at) != Some("новый") || !module.is(at + 1, '(') {
            continue;
        }
        let Some(class) = module.text(at + 2).and_then(|text| text.strip_prefix("AddIn.WebSocket.")) else { continue };
        let name = module.word(at - 2).filter(|_| module.is(at - 1, '='));
        found.insert(name.expect("an object is kept in a variable").to_owned(), class.to_owned());
    }
    // A procedure is given the object under the name that it has everywhere.
    for (name, class) in [("клиент", "Client"), ("сервер", "Server")] {
        let is_parameter = (2..module.tokens.len())
            .any(|at| module.word(at) == Some(name) && (module.is(at - 1, '(') && module.word(at - 2).is_some()));
        if is_parameter {
            found.entry(name.to_owned()).or_insert_with(|| class.to_owned());
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
fn check_uses(module: &Module, classes: &[ClassInfo]) -> Result<(usize, usize), String> {
    let variables = variables(module);
    let (mut calls, mut properties) = (0, 0);
    for at in 0..module.tokens.len() {
        let Some(class) = module.word(at).and_then(|name| variables.get(name)) else { continue };
        if !module.is(at + 1, '.') || (at > 0 && module.is(at - 1, '.')) {
            continue;
        }
        let class = classes.iter().find(|known| known.name == class).ok_or("a class that does not exist")?;
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
            let is_statement = module.is(at - 1, ';') || module.word(at - 1) == Some("тогда");
            if is_statement && module.is(at + 3, '=') && !property.is_writable {
                return Err(format!("{place}: {name} cannot be set"));
            }
            properties += 1;
        }
    }
    Ok((calls, properties))
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

fn lower(name: &str) -> String {
    name.to_lowercase()
}

/// What a module declares.
fn procedures(module: &Module) -> BTreeSet<String> {
    let after = |at: usize| module.word(at).filter(|_| matches!(module.word(at - 1), Some("процедура" | "функция")));
    (1..module.tokens.len()).filter_map(after).map(str::to_owned).collect()
}

/// Notifications, idle handlers and calls of procedures name what the module has, or what the platform has.
fn check_names(module: &Module) -> Result<(), String> {
    const PLATFORM: &str = "base64значение, выполнитьобработкуоповещения, записатьjson, записьжурналарегистрации, \
        информацияобошибке, краткоепредставлениеошибки, начатьподключениевнешнейкомпоненты, \
        начатьустановкувнешнейкомпоненты, отключитьобработчикожидания, подключитьвнешнююкомпоненту, \
        подключитьобработчикожидания, подробноепредставлениеошибки, получитьизвременногохранилища, \
        получитьстрокуиздвоичныхданных, получитьфункциональнуюопцию, поместитьвовременноехранилище, прочитатьjson, сообщить, сред, \
        строка, стрначинаетсяс, стршаблон, текущаядатасеанса, тип, типзнч, удалитьизвременногохранилища, формат";
    const KEYWORDS: &[&str] = &["если", "иначеесли", "и", "или", "не", "возврат", "пока", "новый", "вызватьисключение"];
    let platform: BTreeSet<&str> = PLATFORM.split(", ").map(str::trim).collect();
    let own = procedures(module);
    for at in 1..module.tokens.len() {
        if let (Some("описаниеоповещения" | "подключитьобработчикожидания"), Some(handler)) =
            (module.word(at), module.text(at + 2))
            && !own.contains(&lower(handler))
        {
            return Err(format!("{}: no procedure {handler}", module.place(at)));
        }
        let Some(name) = module.word(at).filter(|_| module.is(at + 1, '(')) else { continue };
        let is_member = module.is(at - 1, '.') || module.word(at - 1) == Some("новый");
        if !is_member && !KEYWORDS.contains(&name) && !own.contains(name) && !platform.contains(name) {
            return Err(format!("{}: nobody has {name}", module.place(at)));
        }
    }
    Ok(())
}

/// Every method has a result, so the host hands it to whoever waits for the end of an asynchronous call, in front of the
/// call's own parameters.
fn check_completions(module: &Module) -> Result<(), String> {
    for at in (2..module.tokens.len()).filter(|&at| module.word(at) == Some("параметрывызова")) {
        if module.is(at - 1, '(') && module.word(at - 3) == Some("процедура") {
            return Err(format!("{}: the result comes before the call's parameters", module.place(at)));
        }
    }
    Ok(())
}

fn check(name: &str, source: &str) -> Result<(usize, usize), String> {
    let module = Module::read(name, source);
    check_blocks(&module)?;
    check_completions(&module)?;
    check_names(&module)?;
    check_uses(&module, &reference())
}

#[test]
fn the_examples_are_in_order() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let (mut calls, mut properties, mut modules) = (0, 0, 0);
    let folders = ["1c", "webtutor"].map(|name| std::fs::read_dir(examples.join(name)).unwrap());
    for entry in folders.into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".bsl") {
            continue;
        }
        let (more_calls, more_properties) =
            check(&name, &std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{error}"));
        assert!(more_calls > 0 || name == "attach.bsl", "{name} does not use the component");
        (calls, properties, modules) = (calls + more_calls, properties + more_properties, modules + 1);
    }
    assert!(
        modules >= 6 && calls >= 20 && properties >= 6,
        "{modules} modules, {calls} calls, {properties} properties"
    );
}

/// The checker finds what it is there for.
#[test]
fn mistakes_are_found() {
    let wrong = |body: &str| {
        let source =
            format!("Процедура П() Экспорт\nКлиент = Новый(\"AddIn.WebSocket.Client\");\n{body}\nКонецПроцедуры\n");
        check("made up", &source).expect_err(body)
    };
    assert!(wrong("Клиент.Подключится(\"ws://a\");").contains("no method"));
    assert!(wrong("Клиент.Подключиться();").contains("takes 1"));
    assert!(
        wrong("Клиент.Отправить(1, Мин(2, 3));").contains("Мин") || wrong("Клиент.Отправить(1, 2);").contains("takes")
    );
    assert!(wrong("Клиент.НачатьВызовОтправить(О);").contains("takes 1"));
    assert!(wrong("Клиент.НачатьУстановкуСтатус(О, 1);").contains("with 2"));
    assert!(wrong("А = Клиент.Состояние;").contains("no property"));
    assert!(wrong("Клиент.Статус = 1;").contains("cannot be set"));
    assert!(wrong("Если Истина Тогда").contains("closes"));
    assert!(wrong("Пока Истина Цикл КонецЕсли;").contains("closes"));
    assert!(wrong("Попытка КонецПопытки;").contains("closes"));
    assert!(wrong("Клиент.Отправить((1);").contains("parentheses"));
    assert!(wrong("О = Новый ОписаниеОповещения(\"Нет\", ЭтотОбъект);").contains("no procedure"));
    assert!(wrong("Сообщитъ(1);").contains("nobody"));
    assert!(wrong("КонецПроцедуры Процедура К(ПараметрыВызова, Ещё) Экспорт").contains("before the call's"));
}
