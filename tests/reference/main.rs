//! `docs/reference.*.md` are what the library's tables say, with a description of everything that is there.
//! `WSADDIN_BLESS=1 cargo test --test reference` writes them anew.

mod codes;
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
    let mut page = language
        .of(
            "# Справочник: компонента для 1С:Предприятия\n\n\
             [In English](reference.en.md). Страница построена по таблицам самой библиотеки.\n\n\
             Каждое имя есть на двух языках, регистр букв не важен. Любой метод можно вызвать и как процедуру, и как функцию: метод, у \
             которого результат не указан, возвращает `Истина`, а обработчик асинхронного вызова (`НачатьВызов…`) у любого метода первым \
             параметром получает результат. \
             Время – в миллисекундах: для параметра `Таймаут` 0 значит «ждать без ограничения», отрицательное значение – «не \
             ждать». Ошибка вызывает исключение; её текст остаётся в `ОписаниеОшибки()`. `Неопределено` вместо \
             необязательного параметра – то же, что его пропуск. Параметры с пометкой «выход» метод заполняет сам. Числа \
             должны быть целыми. Подробнее о переподключении, именах, доступе и TLS – на [страницах по темам](ru/index.md), \
             об установке, событиях и неполадках – в [руководстве для 1С](1c/index.md), готовые модули – в [примерах](../examples/1c).\n\n\
             **Где вызывать.** В тонком и толстом клиенте удобны внешние события либо `Получить(-1, …)` в обработчике ожидания; где \
             синхронные вызовы запрещены, методы вызывают асинхронно (`НачатьВызов…` или `…Асинх`). В фоновом задании на сервере \
             вызывайте в цикле `Получить(1000, …)`, а не `Получить(0, …)`: между вызовами задание можно отменить. В веб-клиенте и \
             мобильных приложениях компоненты нет ([что вместо неё](1c/install.md#где-компоненты-нет)).\n\n\
             **Внешние события.** В режиме `data` событие приходит вместе с данными, а методы `Получить` и `ПолучитьСобытие` \
             вызывают исключение; в режиме `doorbell` оно лишь сообщает, что пора вызвать `Получить`: приходит, когда очередь \
             перестаёт быть пустой, и ещё раз, если после `Получить` что-то осталось (вызывайте в цикле, пока он не вернёт \
             `Ложь`: тогда событие одно на всю пачку). События: `open`, `close`, \
             `error`, `pending`, `expired`, `drained`, `message` (текст как есть), `binary` (Base64), `text64` (Base64 текста в UTF-8, если в нём есть \
             символ с кодом 0) и `doorbell`. У сервера данные – JSON, первое поле которого `id` – номер соединения. Если очередь событий \
             приложения заполнена, событие остаётся в компоненте и предлагается снова: ничего не теряется, порядок сохраняется. На \
             сервере 1С и во внешнем соединении внешних событий нет, включить их нельзя.\n\n\
             **Когда действуют свойства.** Задавать их можно в любом состоянии. Сразу действуют `ТаймаутОтправки`, `ТаймаутЗакрытия`, \
             `ИнтервалПинга` и `ТаймаутОтветаНаПинг`, переподключение, пределы очередей (уменьшение ничего не отбрасывает), внешние \
             события, а у сервера ещё токен, источники, лимиты и ручное подтверждение; остальное – при следующем подключении, \
             переподключении или запуске сервера.\n",
            "# Reference: the add-in for 1C:Enterprise\n\n\
             [По-русски](reference.ru.md). This page is made of the library's own tables.\n\n\
             Each name exists in two languages, in any case. Every method can be called as a procedure and as a function: one \
             without a result in this page returns True, and the handler of an asynchronous call (`НачатьВызов…`) gets the result of \
             any method as its first parameter. \
             Times are in milliseconds: for a parameter `Timeout` 0 waits without limit, a negative value does not wait. An \
             error raises an exception; its text stays in `ErrorDescription()`. `Undefined` in place of an optional parameter \
             is the same as leaving it out. Parameters marked “out” are filled in by the method. Numbers must be whole. The \
             [pages by topic](en/index.md) have more on reconnection, names, access and TLS, the [examples](../examples/1c) have \
             whole modules.\n\n\
             **Where to call.** The thin and the thick client use external events, or `Receive(-1, …)` in an idle handler; where \
             synchronous calls are forbidden, methods are called asynchronously (`НачатьВызов…` or `…Асинх`). A job on the server \
             loops on `Receive(1000, …)` rather than `Receive(0, …)`: between calls it can be cancelled. The web client and mobile \
             applications have no add-in; a page there uses the browser's own WebSocket.\n\n\
             **External events.** With `data` an event carries its data, and `Receive` and `ReceiveEvent` raise an exception; with \
             `doorbell` it only says that `Receive` has something: it comes when the queue is no longer empty, and again if \
             something is left after a `Receive` (call that in a loop until it returns false: one event for the whole batch). \
             Events are `open`, `close`, `error`, `pending`, `expired`, `drained`, `message` (a \
             text as it is), `binary` (Base64), `text64` (Base64 of UTF-8, for a text that holds a character with the code 0) and \
             `doorbell`. A server's data is JSON whose first field `id` is the connection's. An event that the application's full \
             queue refuses stays here and is offered again: nothing is lost, order is kept. On a 1C server and in an external \
             connection there are no external events, and switching them on is an error.\n\n\
             **When properties act.** They can be set in any state. `SendTimeout`, `CloseTimeout`, `PingInterval` and `PongTimeout`, \
             reconnection, the bounds of queues (a smaller one drops nothing) and external events act at once, and so do a \
             server's token, origins, limits and manual acceptance; the rest at the next connect, reconnection or run.\n",
        )
        .to_owned();
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
    for (ru, en) in methods.chain([PARAMETERS, PROPERTIES].concat().into_iter().map(|(_, ru, en)| (ru, en))) {
        for (language, text) in [(Russian, ru), (English, en)] {
            for name in text.split('`').skip(1).step_by(2) {
                // Everything else between these signs is a value.
                let is_name = name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase);
                if is_name && !["Origin", "Forwarded"].contains(&name) {
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
    let used = |ru: &str, en: &str| pages.contains(&ru.replace('|', "\\|")) && pages.contains(&en.replace('|', "\\|"));
    for text in METHODS {
        assert!(used(text.ru, text.en), "{}.{}", text.class, text.name);
    }
    for (name, ru, en) in [PARAMETERS, PROPERTIES].concat() {
        assert!(used(ru, en), "{name}");
    }
}
