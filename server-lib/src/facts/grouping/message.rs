//! What stays of a message when numbers, ids and quoted names are put aside.

/// Appends the first line of `text` with `<id>`, `<n>` and `<s>` in the place of what varies.
///
/// `<id>` stands for a UUID, an e-mail address, a number after `0x`, and eight or more hexadecimal
/// digits of which some are letters; `<n>` for other numbers; `<s>` for text in quotes.
pub fn append_template(text: &str, out: &mut String) {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut rest = line.trim_end();
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            append_word(word, out);
            before = 'w';
            rest = behind;
            continue;
        }
        if let Some(behind) = quoted(first, before, rest) {
            out.push_str("<s>");
            before = first;
            rest = behind;
            continue;
        }
        out.push(first);
        before = first;
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
}

/// A dot or hyphen holds a word together: versions, addresses, UUIDs.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+')
}

/// Returns what follows a quoted text that `rest` begins with; an apostrophe inside a word opens
/// nothing.
fn quoted(quote: char, before: char, rest: &str) -> Option<&str> {
    if !matches!(quote, '"' | '\'' | '`') || before == 'w' {
        return None;
    }
    let inside = rest.get(1..)?;
    let end = inside
        .match_indices(quote)
        .map(|(end, _)| end)
        .find(|end| {
            let behind = inside.get(end.saturating_add(1)..).unwrap_or_default();
            !behind.starts_with(char::is_alphanumeric)
        })?;
    inside.get(end.saturating_add(1)..)
}

fn append_word(word: &str, out: &mut String) {
    if !word
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'@')
    {
        out.push_str(word);
        return;
    }
    // A full stop or comma behind a sentence is none of the word's.
    let core = word.trim_end_matches(['.', '-', '+']);
    if is_id(core) {
        out.push_str("<id>");
    } else {
        append_parts(core, out);
    }
    out.push_str(word.get(core.len()..).unwrap_or_default());
}

fn is_id(word: &str) -> bool {
    if word.contains('@') {
        return true;
    }
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    if digits.is_some_and(is_hex) {
        return true;
    }
    let lengths = word.split('-').map(str::len);
    let is_uuid = lengths.eq([8, 4, 4, 4, 12]);
    is_uuid && word.split('-').all(is_hex)
}

fn is_long_hex(word: &str) -> bool {
    word.len() >= 8
        && is_hex(word)
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Puts `<n>` in the place of each run of digits, one dot or hyphen between digits included, and
/// `<id>` in the place of a part that is an id.
fn append_parts(word: &str, out: &mut String) {
    let mut in_number = false;
    let mut at = 0_usize;
    for part in word.split_inclusive(['.', '-', '_']) {
        at = at.saturating_add(part.len());
        let core = part.trim_end_matches(['.', '-', '_']);
        if is_long_hex(core) {
            out.push_str("<id>");
            in_number = false;
        } else {
            for c in core.chars() {
                let is_digit = c.is_ascii_digit();
                match (is_digit, in_number) {
                    (true, true) => {}
                    (true, false) => out.push_str("<n>"),
                    (false, _) => out.push(c),
                }
                in_number = is_digit;
            }
        }
        let separator = part.get(core.len()..).unwrap_or_default();
        let next = word.get(at..).unwrap_or_default();
        let joins = in_number
            && matches!(separator, "." | "-")
            && next.starts_with(|c: char| c.is_ascii_digit());
        if !joins {
            in_number = false;
            out.push_str(separator);
        }
    }
}
