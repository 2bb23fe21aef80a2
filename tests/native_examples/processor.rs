//! The external data processor in `examples/1c/demo`: its files fit each other. What only the designer knows is not checked.

use crate::tokens::Module;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const NAME: &str = "ПробаWebSocket";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/1c/demo")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    node.descendants().find(|node| node.tag_name().name() == name)?.text()
}

fn all<'a>(document: &'a Document<'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(move |node| node.tag_name().name() == name)
}

/// Names and ids of the nodes, each of which comes once.
fn unique<'a>(nodes: impl Iterator<Item = Node<'a, 'a>>) -> BTreeSet<&'a str> {
    let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for node in nodes {
        let (name, id) = (node.attribute("name").unwrap(), node.attribute("id").unwrap());
        assert!(names.insert(name), "{name} comes twice");
        assert!(ids.insert(id), "the id {id} of {name} comes twice");
    }
    assert!(!names.is_empty());
    names
}

#[test]
fn the_processor_names_the_form_that_it_has() {
    let (root, form) = (read(&format!("{NAME}.xml")), read(&format!("{NAME}/Forms/Форма.xml")));
    let (root, form) = (Document::parse(&root).unwrap(), Document::parse(&form).unwrap());
    let processor = all(&root, "ExternalDataProcessor").next().unwrap();
    assert_eq!(text(processor, "Name"), Some(NAME));
    let default = format!("ExternalDataProcessor.{NAME}.Form.Форма");
    assert_eq!(text(processor, "DefaultForm"), Some(default.as_str()));
    let kind = format!("ExternalDataProcessorObject.{NAME}");
    assert_eq!(all(&root, "GeneratedType").next().unwrap().attribute("name"), Some(kind.as_str()));
    assert_eq!(text(all(&form, "Form").next().unwrap(), "Name"), Some("Форма"));

    let mut uuids = BTreeSet::new();
    for document in [&root, &form] {
        assert_eq!(document.root_element().tag_name().namespace(), Some("http://v8.1c.ru/8.3/MDClasses"));
        let attributes = document.descendants().filter_map(|node| node.attribute("uuid"));
        let texts = ["ObjectId", "TypeId", "ValueId"].into_iter().flat_map(|name| all(document, name));
        for uuid in attributes.chain(texts.map(|node| node.text().unwrap())) {
            let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
            let is_hex = uuid.chars().all(|c| c == '-' || matches!(c, '0'..='9' | 'a'..='f'));
            assert!(parts == [8, 4, 4, 4, 12] && is_hex && uuids.insert(uuid.to_owned()), "{uuid}");
        }
    }
    assert_eq!(uuids.len(), 5);
}

#[test]
fn elements_commands_and_handlers_of_the_form_fit_each_other() {
    let form = read(&format!("{NAME}/Forms/Форма/Ext/Form.xml"));
    let form = Document::parse(&form).unwrap();
    assert_eq!(form.root_element().tag_name().namespace(), Some("http://v8.1c.ru/8.3/xcf/logform"));
    let attributes = unique(all(&form, "Attribute"));
    let commands = unique(all(&form, "Command"));
    let is_element = |node: &Node| node.ancestors().any(|node| node.tag_name().name() == "ChildItems");
    unique(form.descendants().filter(|node| node.attribute("id").is_some() && is_element(node)));

    for path in all(&form, "DataPath") {
        assert!(attributes.contains(path.text().unwrap()), "{path:?}");
    }
    let mut pressed = BTreeSet::new();
    for command in all(&form, "CommandName") {
        pressed.insert(command.text().unwrap().strip_prefix("Form.Command.").unwrap());
    }
    assert_eq!(pressed, commands, "each command has its button");

    let module = read(&format!("{NAME}/Forms/Форма/Ext/Form/Module.bsl"));
    let module = Module::read("the form", &module);
    let handlers: BTreeSet<String> = (1..module.tokens.len())
        .filter(|&at| module.word(at - 1) == Some("процедура"))
        .filter_map(|at| module.word(at).map(str::to_owned))
        .collect();
    for handler in all(&form, "Action").chain(all(&form, "Event")) {
        assert!(handlers.contains(&handler.text().unwrap().to_lowercase()), "{handler:?}");
    }
}
