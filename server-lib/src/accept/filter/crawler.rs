//! Crawlers, told by the words of their `User-Agent`.

/// Words that only crawlers, previewers and monitors call themselves.
const NAMES: &[&str] = &[
    "adsbot-google",
    "apis-google",
    "archive.org_bot",
    "bingpreview",
    "chatgpt-user",
    "duckduckgo-favicons-bot",
    "facebookexternalhit",
    "feedfetcher-google",
    "google-inspectiontool",
    "google-read-aloud",
    "googleother",
    "headlesschrome",
    "ia_archiver",
    "lighthouse",
    "mediapartners-google",
    "meta-externalagent",
    "pingdom",
    "pinterest",
    "ptst",
    "sentryuptimebot",
    "skypeuripreview",
    "slurp",
    "uptimerobot",
    "whatsapp",
    "yandexmobilebot",
];
/// Endings of words by which crawlers call themselves.
const ENDINGS: &[&str] = &["bot", "crawler", "spider", "scraper"];
/// Words with such an ending that are no crawlers: a maker of telephones.
const NO_CRAWLERS: &[&str] = &["cubot"];

/// Reports whether a `User-Agent` is a crawler's.
pub(super) fn is_crawler(user_agent: &str) -> bool {
    let separators = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    user_agent.split(separators).any(|name| {
        let name = name.to_ascii_lowercase();
        NAMES.contains(&name.as_str()) || name.split(['-', '_', '.']).any(is_crawler_word)
    })
}

fn is_crawler_word(word: &str) -> bool {
    !NO_CRAWLERS.contains(&word) && ENDINGS.iter().any(|ending| word.ends_with(ending))
}
