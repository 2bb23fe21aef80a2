//! Events, their places and their sources, against a plain queue.

use super::*;
use crate::engine::connection::IoHandle;
use crate::engine::shared::OpenInfo;

type Plain = (u64, bool, Option<u64>);

fn open() -> Body {
    Body::Open(OpenInfo::new(String::new))
}

fn plain(event: &Event, source: Option<&Arc<Connection>>) -> Plain {
    (event.connection, matches!(event.body, Body::Open(_)), source.map(|connection| connection.serial))
}

/// Where there is no memory for places nothing is lost, and nothing passes another.
#[test]
fn what_is_set_aside_gets_its_place_in_order() {
    let io = IoHandle::without_thread();
    let connections: Vec<_> = (0..2).map(|_| Connection::new(io.clone())).collect();
    let event = |number| Event { connection: number, body: Body::Expired(String::new()) };
    let (mut entries, mut model) = (Entries::default(), VecDeque::<Plain>::new());
    for number in 0..10 {
        let source = connections.get(number as usize % 3);
        // As if the system had refused a place for the later ones.
        match number < 4 {
            true => assert!(entries.push_back(event(number), source)),
            false => entries.aside.push_back((event(number), source.cloned())),
        }
        model.push_back(plain(&event(number), source));
    }
    assert_eq!((entries.len(), entries.is_empty()), (10, false));
    assert!(!entries.push_back(event(10), None), "behind those that wait");
    model.push_back(plain(&event(10), None));
    let mut more = Entries::default();
    more.push_back(event(11), connections.first());
    more.aside.push_back((event(12), None));
    assert_eq!(entries.append(&mut more), 0);
    assert!(more.is_empty() && more.aside.is_empty());
    model.push_back(plain(&event(11), connections.first()));
    model.push_back(plain(&event(12), None));
    let mut seen = VecDeque::new();
    entries.each(|event, source| seen.push_back(plain(event, source)));
    assert_eq!(seen, model);
    assert!(entries.remove_last_of(&connections[0], |_| true));
    let last = model.iter().rposition(|(.., source)| *source == Some(connections[0].serial)).unwrap();
    model.remove(last);
    // Each that leaves makes places; all are there in the end.
    let mut refilled = 0;
    while let Some(front) = model.pop_front() {
        let mut seen = None;
        entries.pop_front(|event, source| seen = Some(plain(event, source))).unwrap();
        refilled += entries.take_refilled().0;
        assert_eq!(seen, Some(front));
        assert_eq!(entries.len(), model.len());
    }
    assert_eq!(refilled, 8);
    assert!(entries.is_empty());
}

/// Whatever comes and goes at both ends and in the middle: each keeps its place and its source, and a source that
/// has nothing left is let go.
#[test]
fn each_keeps_its_place_and_its_source() {
    let io = IoHandle::without_thread();
    let connections: Vec<_> = (0..3).map(|_| Connection::new(io.clone())).collect();
    let (mut entries, mut model) = (Entries::default(), VecDeque::<Plain>::new());
    let mut seed = 1_u32;
    let mut below = |bound: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % bound
    };
    for number in 0..50_000 {
        let source = connections.get(below(4) as usize);
        match below(20) {
            0..5 => {
                let mut seen = None;
                let event = entries.pop_front(|event, source| seen = Some(plain(event, source)));
                assert_eq!(seen, model.pop_front());
                assert_eq!(event.map(|event| event.connection), seen.map(|seen| seen.0));
            }
            5 | 6 => {
                let last = entries.pop_back();
                assert_eq!(last.map(|(event, source)| plain(&event, source.as_ref())), model.pop_back());
            }
            7 => {
                entries.remove_first(|body| matches!(body, Body::Open(_)));
                if let Some(at) = model.iter().position(|(_, open, _)| *open) {
                    model.remove(at);
                }
            }
            8 | 9 => {
                let of = &connections[below(3) as usize];
                let found = entries.remove_last_of(of, |body| matches!(body, Body::Open(_)));
                let at = model.iter().rposition(|(_, open, source)| *open && *source == Some(of.serial));
                assert_eq!(found, at.is_some());
                at.map(|at| model.remove(at));
            }
            11 if below(5) == 0 => {
                let mut more = Entries::default();
                for number in 0..below(5).into() {
                    let event = Event { connection: number, body: open() };
                    let source = connections.get(below(4) as usize);
                    model.push_back(plain(&event, source));
                    more.push_back(event, source);
                }
                entries.append(&mut more);
                assert!(more.is_empty());
            }
            10 if below(50) == 0 => {
                entries.drain(|event, source| assert_eq!(Some(plain(&event, source)), model.pop_front()));
                assert!(entries.is_empty() && model.is_empty());
                let owners = connections.iter().map(Arc::strong_count);
                assert_eq!(owners.collect::<Vec<_>>(), [1; 3]);
            }
            kind => {
                let body = if below(2) == 0 { open() } else { Body::Expired(String::new()) };
                let event = Event { connection: number, body };
                if kind < 12 {
                    model.push_front(plain(&event, source));
                    entries.push_front(event, source);
                } else {
                    model.push_back(plain(&event, source));
                    entries.push_back(event, source);
                }
            }
        }
        assert_eq!(entries.len(), model.len());
    }
}
