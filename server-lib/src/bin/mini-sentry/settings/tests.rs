use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn file(text: &str) -> FileText {
    FileText {
        path: PathBuf::from("conf/mini-sentry.toml"),
        text: text.to_owned(),
        is_in_data: false,
    }
}

fn flag(key: &str, flag: &'static str, value: &str) -> Flag {
    Flag {
        key: key.to_owned(),
        flag,
        value: value.to_owned(),
    }
}

fn source_of(resolved: &Resolved, key: &str) -> String {
    let origin = resolved.origins.iter().find(|origin| origin.key == key);
    origin.unwrap().source.to_string()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let resolved = resolve(&[], &BTreeMap::new(), None).unwrap();
    assert_eq!(resolved.settings, Settings::default());
    assert!(
        resolved
            .origins
            .iter()
            .all(|origin| origin.source.to_string() == "default")
    );
    assert_eq!(resolved.notes, Vec::<String>::new());
}

#[test]
fn every_default_reads_back_as_itself() {
    let defaults = resolve(&[], &BTreeMap::new(), None).unwrap();
    let again: BTreeMap<_, _> = defaults
        .origins
        .iter()
        .map(|origin| (origin.environment.clone(), origin.value.clone()))
        .collect();
    let resolved = resolve(&[], &again, None).unwrap();
    assert_eq!(resolved.settings, Settings::default());
}

#[test]
fn every_field_of_the_configuration_can_be_set() {
    let told = format!("{:?}", Settings::default().config);
    let fields = told
        .split([' ', '{', ','])
        .filter_map(|word| word.strip_suffix(':'))
        .filter(|field| !["http", "ingest", "journal", "people", "retention"].contains(field));
    let last = |name: &'static str| name.rsplit('.').next().unwrap();
    let mut count = 0;
    for field in fields {
        count += 1;
        let name = if field == "data_dir" { "data" } else { field };
        let is_known = keys::KEYS.iter().any(|key| last(key.name) == name);
        assert!(is_known, "{field} has no setting");
    }
    assert!(count > 20, "the fields were not found: {told}");
}

#[test]
fn flags_go_before_environment_and_environment_before_the_file() {
    let text = "listen = \"127.0.0.1:3\"\nstore = \"sqlite:///three\"\n\n[retention]\ndays = 3\n";
    let environment = environment(&[
        ("MINI_SENTRY_LISTEN", "127.0.0.1:2"),
        ("MINI_SENTRY_STORE", "sqlite:///two"),
    ]);
    let flags = [flag("listen", "--listen", "127.0.0.1:1")];
    let resolved = resolve(&flags, &environment, Some(&file(text))).unwrap();
    assert_eq!(resolved.settings.listen, "127.0.0.1:1");
    assert_eq!(resolved.settings.config.store, "sqlite:///two");
    assert_eq!(resolved.settings.config.retention.days, 3);
    assert_eq!(source_of(&resolved, "listen"), "flag --listen");
    assert_eq!(
        source_of(&resolved, "store"),
        "environment MINI_SENTRY_STORE"
    );
    assert_eq!(
        source_of(&resolved, "retention.days"),
        "file conf/mini-sentry.toml:5"
    );
    assert_eq!(source_of(&resolved, "journal.segment_bytes"), "default");
}

#[test]
fn the_last_of_two_equal_flags_counts() {
    let flags = [
        flag("retention.days", "--set", "1"),
        flag("retention.days", "--set", "2"),
    ];
    let resolved = resolve(&flags, &BTreeMap::new(), None).unwrap();
    assert_eq!(resolved.settings.config.retention.days, 2);
}

#[test]
fn names_that_other_programs_use_are_honoured_and_our_own_go_first() {
    let environment = environment(&[
        ("DATABASE_URL", "postgres://app:pw@db/errors"),
        ("RATE_LIMIT_EVENTS_PER_MINUTE", "7"),
        ("RETENTION_DAYS", "30"),
        ("MINI_SENTRY_RETENTION_DAYS", "31"),
        ("ALLOWED_HOSTS", "a.example.com, b.example.com"),
        ("BASE_URL", "http://errors.example.com"),
        ("PORT", "9000"),
    ]);
    let resolved = resolve(&[], &environment, None).unwrap();
    let config = &resolved.settings.config;
    assert_eq!(config.store, "postgres://app:pw@db/errors");
    assert_eq!(config.ingest.events_per_minute, 7);
    assert_eq!(config.retention.days, 31);
    assert_eq!(
        config.http.allowed_hosts,
        ["a.example.com", "b.example.com"]
    );
    assert_eq!(
        config.http.public_url.as_deref(),
        Some("http://errors.example.com")
    );
    assert_eq!(resolved.settings.listen, "127.0.0.1:9000");
    assert_eq!(source_of(&resolved, "store"), "environment DATABASE_URL");
    let shown = resolved.origins.iter().find(|origin| origin.key == "store");
    assert_eq!(shown.unwrap().value, "postgres://app:***@db/errors");
}

#[test]
fn a_star_among_the_allowed_hosts_allows_all() {
    let environment = environment(&[("ALLOWED_HOSTS", "a.example.com,*")]);
    let resolved = resolve(&[], &environment, None).unwrap();
    assert!(resolved.settings.config.http.allowed_hosts.is_empty());
}

#[test]
fn known_names_that_set_nothing_and_slips_are_told() {
    let environment = environment(&[
        ("SECRET_KEY", "hush"),
        ("DJANGO_DEBUG", "1"),
        ("KAFKA_TOPIC", "events"),
        ("EMAIL_HOST", "mail.example.com"),
        ("CLICKHOUSE_URL", ""),
        ("MINI_SENTRY_RETENTION_DAY", "3"),
        ("MINI_SENTRY_TEST_POSTGRES", "postgres://db"),
        ("MINI_SENTRY_DSN", "http://key@localhost/1"),
        ("HOME", "/home/a"),
    ]);
    let notes = resolve(&[], &environment, None).unwrap().notes;
    assert_eq!(notes.len(), 5, "{notes:?}");
    assert!(notes.iter().all(|note| !note.contains("hush")));
    assert!(
        notes.contains(
            &"MINI_SENTRY_RETENTION_DAY is not known; did you mean MINI_SENTRY_RETENTION_DAYS?"
                .to_owned()
        )
    );
    for name in ["SECRET_KEY", "DJANGO_DEBUG", "KAFKA_TOPIC", "EMAIL_HOST"] {
        let start = format!("{name} is known but not used: ");
        assert!(notes.iter().any(|note| note.starts_with(&start)), "{name}");
    }
}

#[test]
fn a_bad_value_is_refused_with_where_it_came_from() {
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&[Flag], Pairs<'_>, &str, &str); 5] = [
        (
            &[flag("listen", "--listen", "8000")],
            &[],
            "",
            "listen from flag --listen: \"8000\" is not an address such as 127.0.0.1:8000",
        ),
        (
            &[],
            &[("RETENTION_DAYS", "soon")],
            "",
            "retention.days from environment RETENTION_DAYS: \"soon\" is not a number in range",
        ),
        (
            &[],
            &[],
            "\n[http]\nmax_connections = 0",
            "http.max_connections from file conf/mini-sentry.toml:3: must be at least 1",
        ),
        (
            &[],
            &[],
            "[log]\nformat = true",
            "conf/mini-sentry.toml:2: log.format must be text, a number or a list of texts",
        ),
        (
            &[],
            &[("MINI_SENTRY_HTTP_TRUSTED_PROXIES", "10.0.0.0/8,here")],
            "",
            "http.trusted_proxies from environment MINI_SENTRY_HTTP_TRUSTED_PROXIES: \
             \"here\" is not an address or network such as 10.0.0.0/8",
        ),
    ];
    for (flags, pairs, text, expected) in cases {
        let refused = resolve(flags, &environment(pairs), Some(&file(text)));
        assert_eq!(refused.unwrap_err(), expected);
    }
}

#[test]
fn an_unknown_name_in_the_file_is_refused_with_the_nearest_known_one() {
    let cases = [
        (
            "lisen = \"x\"",
            "1: unknown setting lisen; did you mean listen?",
        ),
        (
            "[retention]\ndays = 3\nmax_byte = 4",
            "3: unknown setting retention.max_byte; did you mean retention.max_bytes?",
        ),
        (
            "[htttp]\na = 1",
            "1: unknown setting htttp; did you mean http?",
        ),
        (
            "max_connections = 3",
            "1: unknown setting max_connections; did you mean http.max_connections?",
        ),
        (
            "colour = \"green\"",
            "1: unknown setting colour; `mini-sentry config` lists the known ones",
        ),
    ];
    for (text, expected) in cases {
        let refused = resolve(&[], &BTreeMap::new(), Some(&file(text))).unwrap_err();
        assert_eq!(refused, format!("conf/mini-sentry.toml:{expected}"));
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line() {
    let refused = resolve(
        &[],
        &BTreeMap::new(),
        Some(&file("listen = \"a:1\"\nstore =")),
    );
    let refused = refused.unwrap_err();
    assert!(
        refused.starts_with("conf/mini-sentry.toml:2: "),
        "{refused}"
    );
}

#[test]
fn lists_in_the_file_are_lists_or_text_with_commas() {
    for text in [
        "[http]\nallowed_hosts = [\"a.example.com\", \"b.example.com\"]",
        "http.allowed_hosts = \"a.example.com,b.example.com\"",
    ] {
        let resolved = resolve(&[], &BTreeMap::new(), Some(&file(text))).unwrap();
        let hosts = &resolved.settings.config.http.allowed_hosts;
        assert_eq!(hosts, &["a.example.com", "b.example.com"]);
    }
}

#[test]
fn an_unknown_name_after_set_is_refused() {
    let flags = [flag("retention.dais", "--set", "3")];
    let refused = resolve(&flags, &BTreeMap::new(), None).unwrap_err();
    assert_eq!(
        refused,
        "--set: unknown setting retention.dais; did you mean retention.days?"
    );
}

#[test]
fn the_file_is_named_by_flag_or_environment_or_lies_in_the_data_folder() {
    let none = BTreeMap::new();
    let named = environment(&[("MINI_SENTRY_CONFIG", "b.toml")]);
    let data = environment(&[("MINI_SENTRY_DATA", "d")]);
    let flags = [flag("data", "--data", "f")];
    assert_eq!(
        wanted_file(Some(Path::new("a.toml")), &flags, &named),
        Wanted::Named("a.toml".into())
    );
    assert_eq!(
        wanted_file(None, &flags, &named),
        Wanted::Named("b.toml".into())
    );
    assert_eq!(
        wanted_file(None, &flags, &data),
        Wanted::InData("f/mini-sentry.toml".into())
    );
    assert_eq!(
        wanted_file(None, &[], &data),
        Wanted::InData("d/mini-sentry.toml".into())
    );
    assert_eq!(
        wanted_file(None, &[], &none),
        Wanted::InData("data/mini-sentry.toml".into())
    );
}

#[test]
fn the_file_in_the_data_folder_cannot_move_the_data_folder() {
    let in_data = FileText {
        is_in_data: true,
        ..file("data = \"elsewhere\"")
    };
    let refused = resolve(&[], &BTreeMap::new(), Some(&in_data)).unwrap_err();
    assert!(refused.contains("data cannot be set here"), "{refused}");
    let named = resolve(&[], &BTreeMap::new(), Some(&file("data = \"elsewhere\""))).unwrap();
    assert_eq!(named.settings.config.data_dir, PathBuf::from("elsewhere"));
}
