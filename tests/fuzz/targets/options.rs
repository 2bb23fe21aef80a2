//! Values of every property, good and bad: a refused one changes nothing, an accepted one reads back.

use super::input::{Input, one_line};
use websocket_addin::options::{Kind, Options, Side, TABLE};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let side = if input.byte().is_multiple_of(2) { Side::Client } else { Side::Server };
    let options = Options::new(side);
    while !input.is_empty() {
        let row = &TABLE[usize::from(input.byte()) % TABLE.len()];
        let size = usize::from(input.byte());
        let bytes = input.bytes(size);
        let mut number = [0; 8];
        for (place, byte) in number.iter_mut().zip(bytes) {
            *place = *byte;
        }
        let (number, text) = (i64::from_le_bytes(number), String::from_utf8_lossy(bytes));
        let before = (options.int(row.option), options.text(row.option));
        match options.set_int(row.option, number) {
            Ok(()) => {
                assert!(row.kind != Kind::Text && row.default(side).is_some(), "{} took a number", row.en);
                assert_eq!(options.int(row.option), number);
                if let Kind::Int { min, max } = row.kind {
                    assert!((min..=max).contains(&number), "{} took {number}", row.en);
                }
            }
            Err(error) => {
                one_line(&error.to_string());
                assert_eq!(options.int(row.option), before.0);
            }
        }
        match options.set_text(row.option, &text) {
            Ok(()) => assert!(row.kind == Kind::Text && row.default(side).is_some(), "{} took a text", row.en),
            Err(error) => {
                one_line(&error.to_string());
                assert_eq!(options.text(row.option), before.1);
            }
        }
    }
}
