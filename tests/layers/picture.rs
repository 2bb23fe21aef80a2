//! The page about the architecture and its picture tell of the layers and rooms that the rules hold.

use crate::root;
use crate::rules::{LAYERS, ROOMS};
use std::collections::BTreeSet;
use std::fs;

fn read(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

/// What is drawn, named as Graphviz titles it in its output: nodes, edges, and the text of every label.
#[derive(Debug, Default, PartialEq, Eq)]
struct Picture {
    titles: BTreeSet<String>,
    texts: BTreeSet<String>,
}

/// Reads the source: one statement a line, labels in double quotes with `\n` between their lines.
fn source(text: &str) -> Picture {
    let mut picture = Picture::default();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some((_, rest)) = line.split_once("label=\"") {
            let label = rest.split('"').next().expect("the label ends");
            picture.texts.extend(label.split("\\n").map(|line| line.trim().to_owned()));
        }
        let statement = line.split('[').next().unwrap_or_default().trim();
        let words: Vec<_> = statement.split(" -> ").map(str::trim).collect();
        if words.len() > 1 {
            picture.titles.extend(words.windows(2).map(|pair| format!("{}->{}", pair[0], pair[1])));
        } else if let Some(name) = statement.strip_suffix('{') {
            // A cluster is a box; other groups only place their nodes.
            picture.titles.extend(name.trim().split(' ').nth(1).map(str::to_owned));
        } else if line.contains("[label=") && !["graph", "node", "edge"].contains(&statement) {
            picture.titles.insert(statement.to_owned());
        }
    }
    picture
}

fn drawn(svg: &str) -> Picture {
    let plain = |text: &str| {
        let text = [("&#45;", "-"), ("&gt;", ">"), ("&lt;", "<"), ("&#39;", "'"), ("&#160;", " "), ("&amp;", "&")]
            .iter()
            .fold(text.to_owned(), |text, (coded, sign)| text.replace(coded, sign));
        text.trim().to_owned()
    };
    let of = |begin: &str, end: &str| -> BTreeSet<String> {
        let pieces = svg.split(begin).skip(1);
        pieces
            .filter_map(|piece| piece.split(end).next())
            .map(|piece| plain(piece.rsplit_once('>').map_or(piece, |(_, text)| text)))
            .collect()
    };
    Picture { titles: of("<title>", "</title>"), texts: of("<text ", "</text>") }
}

#[test]
fn the_picture_is_that_of_its_source() {
    let (source, drawn) = (source(&read("architecture.dot")), drawn(&read("architecture.svg")));
    assert!(source.titles.len() > 20 && source.texts.len() > 20, "the source was read: {source:?}");
    assert_eq!(source, drawn, "run docs/draw");
}

#[test]
fn the_page_and_the_picture_have_every_layer_and_room() {
    let (picture, page) = (source(&read("architecture.dot")), read("architecture.md"));
    let shown = |name: &str| picture.texts.iter().any(|text| text.split(", ").any(|word| word == name));
    for (layer, _) in LAYERS {
        assert!(*layer == "engine" || shown(layer), "the picture lacks {layer}");
        assert!(page.contains(layer), "the page lacks {layer}");
    }
    // What everything stands on would only hide the rest.
    for (room, _) in ROOMS.iter().filter(|(room, _)| *room != "shared") {
        assert!(shown(&format!("engine::{room}")), "the picture lacks {room}");
    }
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let rooms: Vec<_> = ROOMS.iter().rev().map(|(room, _)| *room).collect();
    assert_eq!(rows, rooms, "the page's table of rooms");
}
