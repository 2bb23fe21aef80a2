//! Where a module runs, and what exists there: a module that names what its context does not have is not compiled.

use crate::tokens::Module;
use crate::uses::lower;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Thin and thick client; what only the thick one has does not count.
    Client,
    Server,
    External,
}

use Context::{Client, External, Server};

/// Functions of the platform's global context, and constructors as `новый x`.
const EVERYWHERE: &str = "base64значение, записатьjson, информацияобошибке, кодироватьстроку, краткоепредставлениеошибки, \
    подробноепредставлениеошибки, получитьизвременногохранилища, получитьстрокуиздвоичныхданных, \
    получитьфункциональнуюопцию, поместитьвовременноехранилище, прочитатьjson, пустаястрока, сообщить, сред, строка, стрначинаетсяс, \
    стршаблон, тип, типзнч, удалитьизвременногохранилища, формат, новый записьjson, новый массив, \
    новый параметрызаписиjson, новый структура, новый уникальныйидентификатор, новый чтениеjson, \
    новый системнаяинформация, новый защищенноесоединениеopenssl, новый httpсоединение, новый httpзапрос, новый соответствие";
const ON_CLIENTS: &str = "выполнитьобработкуоповещения, начатьподключениевнешнейкомпоненты, \
    начатьустановкувнешнейкомпоненты, отключитьобработчикожидания, подключитьвнешнююкомпонентуасинх, \
    подключитьобработчикожидания, поместитьфайлнасерверасинх, установитьвнешнююкомпонентуасинх, показатьпредупреждение, новый описаниеоповещения";
/// The synchronous attaching exists on a client, too, but not in configurations that forbid synchronous calls.
const ON_SERVERS: &str = "записьжурналарегистрации, подключитьвнешнююкомпоненту, текущаядатасеанса, новый запрос";

/// Objects and common modules of the platform and of the Library of Standard Subsystems, by where they are.
const MODULES: &[(&str, &[Context])] = &[
    ("внешниекомпонентыклиент", &[Client]),
    ("внешниекомпонентысервер", &[Server, External]),
    ("константы", &[Server, External]),
    ("общегоназначения", &[Server, External]),
    ("общегоназначенияклиент", &[Client]),
    ("регистрысведений", &[Server, External]),
    ("фоновыезадания", &[Server, External]),
];

/// A common module that other modules call: where it is compiled, what it exports.
#[derive(Debug, Default)]
pub struct Common {
    contexts: BTreeSet<Context>,
    exports: BTreeSet<String>,
}

/// By name in lower case; of several variants of one module, what all of them have.
pub type Commons = BTreeMap<String, Common>;

/// The module's kind, from its first line: the name and the contexts of a common one, nothing for a form's.
fn header(source: &str) -> Result<Option<(String, BTreeSet<Context>)>, String> {
    let first = source.lines().next().unwrap_or_default();
    if first.starts_with("// Модуль управляемой формы: ") {
        return Ok(None);
    }
    let rest = first.strip_prefix("// Общий модуль «").ok_or("the first line does not tell the kind of the module")?;
    let (name, rest) = rest.split_once("» (").ok_or("the first line does not tell the module's name")?;
    let (contexts, _) = rest.split_once("): ").ok_or("the first line does not tell where the module is compiled")?;
    let context = |word: &str| match word {
        "клиент" => Ok(Client),
        "сервер" => Ok(Server),
        "внешнее соединение" => Ok(External),
        _ => Err(format!("{word} is no context")),
    };
    Ok(Some((lower(name), contexts.split(", ").map(context).collect::<Result<_, _>>()?)))
}

/// Adds what a common module offers to the others.
pub fn collect(module: &Module, source: &str, commons: &mut Commons) -> Result<(), String> {
    let Some((name, contexts)) = header(source).map_err(|error| format!("{}: {error}", module.name))? else {
        return Ok(());
    };
    let exports = exports(module);
    let common = commons.entry(name).or_insert_with(|| Common { contexts: contexts.clone(), exports: exports.clone() });
    common.contexts.retain(|context| contexts.contains(context));
    common.exports.retain(|export| exports.contains(export));
    Ok(())
}

fn exports(module: &Module) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for at in 1..module.tokens.len() {
        if let (Some("процедура" | "функция"), Some(name)) = (module.word(at - 1), module.word(at)) {
            let end = (at..module.tokens.len()).find(|&at| module.is(at, ')'));
            if end.is_some_and(|end| module.word(end + 1) == Some("экспорт")) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// What a module declares.
fn procedures(module: &Module) -> BTreeSet<&str> {
    let after = |at: usize| module.word(at).filter(|_| matches!(module.word(at - 1), Some("процедура" | "функция")));
    (1..module.tokens.len()).filter_map(after).collect()
}

fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ").map(str::trim)
}

/// Where a function or constructor of the platform exists.
fn availability(name: &str) -> Option<&'static [Context]> {
    [(EVERYWHERE, &[Client, Server, External][..]), (ON_CLIENTS, &[Client]), (ON_SERVERS, &[Server, External])]
        .into_iter()
        .find(|(list, _)| names(list).any(|known| known == name))
        .map(|(_, contexts)| contexts)
}

/// Every name that is called exists, in every context that the calling procedure is compiled in.
pub fn check(module: &Module, source: &str, commons: &Commons) -> Result<(), String> {
    const KEYWORDS: &[&str] =
        &["если", "иначеесли", "и", "или", "не", "возврат", "пока", "новый", "вызватьисключение", "ждать"];
    let common = header(source).map_err(|error| format!("{}: {error}", module.name))?;
    let mut contexts = common.as_ref().map(|(_, contexts)| contexts.clone()).unwrap_or_default();
    let own = procedures(module);
    let mut directive = None;
    for at in 0..module.tokens.len() {
        let place = || module.place(at);
        let follows = |sign| at > 0 && module.is(at - 1, sign);
        let Some(word) = module.word(at) else { continue };
        if follows('&') {
            directive = Some(match word {
                "наклиенте" => Client,
                "насервере" | "насерверебезконтекста" => Server,
                _ => return Err(format!("{}: the directive {word}", place())),
            });
            continue;
        }
        if word == "перем" {
            directive = None;
        }
        if matches!(word, "процедура" | "функция") && common.is_none() {
            let context = directive.take().ok_or_else(|| format!("{}: no directive", place()))?;
            contexts = BTreeSet::from([context]);
        }
        if matches!(word, "описаниеоповещения" | "подключитьобработчикожидания")
            && let Some(handler) = module.text(at + 2)
            && !own.contains(lower(handler).as_str())
        {
            return Err(format!("{}: no procedure {handler}", place()));
        }
        let is_member = follows('.');
        if module.is(at + 1, '.') && !is_member {
            check_module(module, at, word, &contexts, commons)?;
        }
        let is_made = at > 0 && module.word(at - 1) == Some("новый");
        let is_called = module.is(at + 1, '(') && !KEYWORDS.contains(&word);
        if is_member || !(is_made || is_called) || (is_called && own.contains(word)) {
            continue;
        }
        let name = if is_made { format!("новый {word}") } else { word.to_owned() };
        let available = availability(&name).ok_or_else(|| format!("{}: nobody has {name}", place()))?;
        if let Some(missing) = contexts.iter().find(|context| !available.contains(context)) {
            return Err(format!("{}: {name} does not exist on {missing:?}", place()));
        }
    }
    Ok(())
}

/// `Module.Function`: the module is compiled where it is called, and exports the function.
fn check_module(
    module: &Module,
    at: usize,
    name: &str,
    contexts: &BTreeSet<Context>,
    commons: &Commons,
) -> Result<(), String> {
    let place = module.place(at);
    let there = |available: &dyn Fn(&Context) -> bool| match contexts.iter().find(|context| !available(context)) {
        Some(missing) => Err(format!("{place}: {name} does not exist on {missing:?}")),
        None => Ok(()),
    };
    if let Some((_, available)) = MODULES.iter().find(|(known, _)| *known == name) {
        return there(&|context| available.contains(context));
    }
    let Some(common) = commons.get(name) else { return Ok(()) };
    there(&|context| common.contexts.contains(context))?;
    let function = module.word(at + 2).unwrap_or_default();
    if common.exports.contains(function) { Ok(()) } else { Err(format!("{place}: {name} has no {function}")) }
}
