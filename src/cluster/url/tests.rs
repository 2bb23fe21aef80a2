use super::*;
use crate::error::Language;
use std::time::Duration;

fn parsed(text: &str) -> ClusterUrl {
    ClusterUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_least_is_a_host() {
    let url = parsed("redis://broker");
    let address = Address { host: Host::parse("broker").unwrap(), port: 6379 };
    assert_eq!(
        url,
        ClusterUrl {
            tls: false,
            broker: Broker::One(address),
            login: Login::default(),
            database: 0,
            parameters: Parameters::default()
        }
    );
    let Parameters { lease, timeout, memory, log, prefix, .. } = url.parameters;
    assert_eq!((lease, timeout), (Duration::from_secs(6), Duration::from_secs(1)));
    assert_eq!((memory, log, prefix.as_str()), (268_435_456, 67_108_864, "websocket"));
}

#[test]
fn everything_can_be_said() {
    let url = parsed(
        "REDISS+sentinel://us%40er:p%3Aa/ss@one,[fe80::1%25eth0]:5000,10.0.0.1:26380/my%20master/3?prefix=app&name=a%26b&lease=2000\
         &timeout=10&memory=33554432&log=33554433&ca=%2Fetc%2Fca.pem&cert=c&key=k&verify=false&sentinel_user=s&sentinel_password=t",
    );
    assert!(url.tls);
    let Broker::Sentinels { addresses, service } = &url.broker else { panic!("{:?}", url.broker) };
    let addresses: Vec<_> = addresses.iter().map(|address| format!("{}:{}", address.host, address.port)).collect();
    assert_eq!(addresses, ["one:26379", "[fe80::1%eth0]:5000", "10.0.0.1:26380"]);
    assert_eq!((service.as_str(), url.database), ("my master", 3));
    assert_eq!((url.login.user.as_str(), url.login.password.as_str()), ("us@er", "p:a/ss"));
    let all = &url.parameters;
    assert_eq!((all.prefix.as_str(), all.name.as_str(), all.ca.as_str()), ("app", "a&b", "/etc/ca.pem"));
    assert_eq!(
        (all.lease.as_millis(), all.timeout.as_millis(), all.memory, all.log),
        (2000, 10, 33_554_432, 33_554_433)
    );
    assert_eq!((all.certificate.as_str(), all.key.as_str(), all.verify), ("c", "k", false));
    assert_eq!((all.sentinel.user.as_str(), all.sentinel.password.as_str()), ("s", "t"));
}

#[test]
fn it_is_shown_without_its_passwords_and_read_again_the_same() {
    for (text, shown) in [
        ("redis://broker", "redis://broker:6379"),
        ("redis://broker:6379/?", "redis://broker:6379"),
        ("redis://:SECRET@broker/0", "redis://:***@broker:6379"),
        ("rediss://user:SECRET@broker:1/15?verify=0", "rediss://user:***@broker:1/15?verify=false"),
        (
            "redis+sentinel://u:SECRET@a,b:2/main?sentinel_password=SECRET&lease=9000&prefix=%D1%8F",
            "redis+sentinel://u:***@a:26379,b:2/main?prefix=%D1%8F&lease=9000&sentinel_password=***",
        ),
        ("rediss://h?cert=c.pem&key=-----BEGIN%20PRIVATE%20KEY-----SECRET", "rediss://h:6379?cert=c.pem&key=***"),
    ] {
        let url = parsed(text);
        assert_eq!(url.shown(), shown);
        assert!(!format!("{url:?} {:?}", url.login).contains("SECRET"));
        assert_eq!(parsed(shown).shown(), shown);
    }
}

#[test]
fn what_is_wrong_is_named_without_the_password() {
    for (text, id) in [
        ("", Id::ClusterUrlForm),
        ("broker:6379", Id::ClusterUrlForm),
        ("redis://bro ker", Id::ClusterUrlForm),
        ("redis://broker#x", Id::ClusterUrlForm),
        ("http://broker", Id::ClusterUrlScheme),
        ("redis://", Id::UrlHost),
        ("redis://:SECRET@", Id::UrlHost),
        ("redis://a,b", Id::UrlHost),
        ("redis://broker:0", Id::ClusterUrlPort),
        ("redis://broker:+1", Id::ClusterUrlPort),
        ("redis://u:SECRET@broker:65536", Id::ClusterUrlPort),
        ("redis://broker/x", Id::ClusterUrlDatabase),
        ("redis://broker/1/2", Id::ClusterUrlDatabase),
        ("redis://broker/4294967296", Id::ClusterUrlDatabase),
        ("redis://user@broker", Id::ClusterUrlPassword),
        ("redis+sentinel://h/m?sentinel_user=a", Id::ClusterUrlPassword),
        ("redis://u:%ff@broker", Id::ClusterUrlEncoding),
        ("redis://u:a%0d%0ab@broker", Id::ClusterUrlEncoding),
        ("redis+sentinel://a,b", Id::ClusterUrlSentinel),
        ("redis+sentinel://a,b//1", Id::ClusterUrlSentinel),
        ("redis://h?lease=1999", Id::OutOfRange),
        ("redis://h?lease=60001", Id::OutOfRange),
        ("redis://h?lease=+2000", Id::OutOfRange),
        ("redis://h?timeout=9", Id::OutOfRange),
        ("redis://h?memory=1", Id::OutOfRange),
        ("redis://h?log=x", Id::OutOfRange),
        ("redis://h?prefix=", Id::ClusterParameterText),
        ("redis://h?prefix=a%7Bb", Id::ClusterParameterText),
        ("redis://h?name=", Id::ClusterParameterText),
        ("redis://h?Prefix=a", Id::ParameterUnknown),
        ("redis://h?lease=3000&lease=3000", Id::ParameterUnknown),
        ("redis://h?ca=x", Id::ClusterParameterScheme),
        ("redis://h?sentinel_password=SECRET", Id::ClusterParameterScheme),
        ("rediss://h?key=SECRET", Id::ClusterParameterKey),
        ("rediss://h?verify=yes", Id::BadValue),
    ] {
        let error = ClusterUrl::parse(text).err().unwrap_or_else(|| panic!("{text}"));
        assert_eq!((error.id(), error.root()), (Id::ClusterUrl, id), "{text}: {error}");
        assert_eq!(error.code(), crate::error::Code::BadArgument, "{text}");
        for language in [Language::English, Language::Russian] {
            assert!(!error.text(language).contains("SECRET"), "{}", error.text(language));
        }
    }
}
