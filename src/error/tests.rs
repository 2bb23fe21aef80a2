use super::*;

#[test]
fn both_texts_have_the_same_gaps() {
    for id in Id::ALL {
        let (en, ru) = id.templates();
        let gaps = |text: &str| {
            let mut found: Vec<_> = text.match_indices('{').map(|(at, _)| text[at..at + 3].to_owned()).collect();
            found.sort();
            found
        };
        assert_eq!(gaps(en), gaps(ru), "{id:?}");
        assert!(!en.is_empty() && !ru.is_empty(), "{id:?}");
    }
}

#[test]
fn text_says_where_why_and_what_the_system_said() {
    let error =
        Error::new(Id::ConnectingTo, ["10.0.0.1:443".into()]).because(Id::Refused.into()).detail("os error 111");
    assert_eq!(error.text(Language::Russian), "подключение к 10.0.0.1:443: соединение отклонено (os error 111)");
    assert_eq!(error.text(Language::English), "connecting to 10.0.0.1:443: connection refused (os error 111)");
    assert_eq!(error.code(), Code::Refused);
}

/// A NUL would end a C string, and the host of 1C takes such: whatever stands behind it would be lost.
#[test]
fn what_comes_from_outside_ends_no_text() {
    for hostile in ["a\0Z", "a\nZ", "a\r\nZ", "a\u{1b}[2JZ", "a\u{85}Z", "a\u{2028}Z"] {
        let error = Error::new(Id::LogFile, [hostile.into()]).because(Error::of(Id::FileUnwritable).detail(hostile));
        for language in [Language::English, Language::Russian] {
            let text = error.text(language);
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{2028}'), "{text:?}");
            assert_eq!(text.matches('Z').count(), 2, "{text}");
        }
    }
}
