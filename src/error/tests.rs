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
