//! What the reference says of JSON.

use super::Language;
use super::keys::{OBJECTS, Object};
use std::fmt::Write as _;

pub fn tables(page: &mut String, language: Language) {
    let intro = language.of(
        "## JSON\n\nКлючи – латиницей, числа – целые, время – UTC по ISO 8601 с миллисекундами (`2026-01-31T12:00:00.000Z`). \
         Новые версии могут добавить ключи.\n",
        "## JSON\n\nNumbers are whole, times are UTC by ISO 8601 with milliseconds (`2026-01-31T12:00:00.000Z`). Later \
         versions may add keys.\n",
    );
    write!(page, "\n{intro}").unwrap();
    for Object { name, keys } in OBJECTS {
        let head = language.of("| ключ | что |", "| key | what |");
        write!(page, "\n### {}\n\n{head}\n|---|---|\n", language.of(name.0, name.1)).unwrap();
        for (key, ru, en) in keys {
            writeln!(page, "| `{key}` | {} |", language.of(ru, en)).unwrap();
        }
    }
}
