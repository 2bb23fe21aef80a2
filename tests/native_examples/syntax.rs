//! Whether a module is one of the language at all.

use std::cell::RefCell;
use tree_sitter::{Node, Parser};

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new({
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_bsl::LANGUAGE.into()).unwrap();
        parser
    });
}

/// The first place that the grammar does not allow.
pub fn check(name: &str, source: &str) -> Result<(), String> {
    let tree = PARSER.with_borrow_mut(|parser| parser.parse(source, None)).ok_or("the parser gave up")?;
    match first_fault(tree.root_node()) {
        Some(node) => Err(format!("{name}:{}: syntax: {}", node.start_position().row + 1, node.kind())),
        None if tree.root_node().has_error() => Err(format!("{name}: syntax")),
        None => Ok(()),
    }
}

fn first_fault(node: Node<'_>) -> Option<Node<'_>> {
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(first_fault)
}
