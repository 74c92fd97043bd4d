//! Reads just enough of Rust source to find its paths and modules: a tokenizer that knows
//! comments and literals, and a reader of paths and use-trees.

/// What a source file names.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) paths: Vec<FoundPath>,
    /// Inline modules and module declarations, with their lines.
    pub(crate) modules: Vec<(usize, String)>,
}

/// One path, written out in full.
pub(crate) struct FoundPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// Leads out of the crate: `std::…`, or a call of a clock.
    pub(crate) outside: bool,
    pub(crate) is_macro: bool,
    pub(crate) in_tests: bool,
}

/// Finds the absolute form of every path that starts with `crate`, `self`, `super` or `std`.
pub(crate) fn read(module: &[String], text: &str) -> Seen {
    let tokens = tokens(text);
    let word = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let mut seen = Seen::default();
    let mut scopes: Vec<Option<&str>> = Vec::new();
    let mut opens_module = None;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let mut here = module.to_vec();
        here.extend(scopes.iter().flatten().map(|name| (*name).to_owned()));
        let in_tests = here.iter().any(|name| name == "tests");
        let starts_path = word(index + 1) == "::" && (index == 0 || word(index - 1) != "::");
        let base = match token.text {
            "crate" => Some((Vec::new(), false)),
            "self" => Some((here, false)),
            "super" => {
                here.pop();
                Some((here, false))
            }
            "std" => Some((vec!["std".to_owned()], true)),
            "Instant" | "SystemTime" => Some((vec![token.text.to_owned()], true)),
            _ => None,
        };
        if let Some((prefix, outside)) = base.filter(|_| starts_path) {
            let mut leaves = Vec::new();
            index = read_tree(&tokens, index + 2, prefix, &mut leaves);
            seen.paths.extend(
                leaves
                    .into_iter()
                    .map(|(line, segments, is_macro)| FoundPath {
                        line,
                        segments,
                        outside,
                        is_macro,
                        in_tests,
                    }),
            );
            continue;
        }
        match token.text {
            "mod" => {
                seen.modules.push((token.line, word(index + 1).to_owned()));
                opens_module = (word(index + 2) == "{").then(|| word(index + 1));
            }
            "{" => scopes.push(opens_module.take()),
            "}" => {
                scopes.pop();
            }
            _ => {}
        }
        index += 1;
    }
    seen
}

/// Reads the rest of a path or use-tree and returns the index of the token after it.
fn read_tree(
    tokens: &[Token<'_>],
    mut index: usize,
    mut prefix: Vec<String>,
    leaves: &mut Vec<(usize, Vec<String>, bool)>,
) -> usize {
    let word = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let line = tokens.get(index).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(index) {
        match token.text {
            "{" => {
                index += 1;
                while !matches!(word(index), "}" | "") {
                    let after = read_tree(tokens, index, prefix.clone(), leaves);
                    index = after.max(index + 1);
                    while !matches!(word(index), "," | "}" | "") {
                        index += 1;
                    }
                    if word(index) == "," {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "super" => {
                prefix.pop();
            }
            "self" => {}
            name if name == "*" || name.starts_with(is_word) => prefix.push(name.to_owned()),
            _ => break,
        }
        index += 1;
        if word(index) != "::" {
            break;
        }
        index += 1;
    }
    leaves.push((line, prefix, word(index) == "!"));
    index
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Words and punctuation of Rust source, without comments, strings and characters.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else if let Some(length) = raw_string(rest) {
            (length, false)
        } else if first == '"' {
            (quoted(rest), false)
        } else if first == '\'' {
            (character(rest), false)
        } else if is_word(first) {
            (rest.find(|next| !is_word(next)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let (text, tail) = rest.split_at(length);
        if is_code {
            found.push(Token { line, text });
        }
        line += text.matches('\n').count();
        rest = tail;
    }
    found
}

fn is_word(next: char) -> bool {
    next.is_alphanumeric() || next == '_'
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, next) in rest.char_indices() {
        match (previous, next) {
            ('/', '*') => depth += 1,
            ('*', '/') if depth == 1 => return at + 1,
            ('*', '/') => depth -= 1,
            _ => {
                previous = next;
                continue;
            }
        }
        previous = ' ';
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let body = ["br", "cr", "r"]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let hashes: String = body.chars().take_while(|next| *next == '#').collect();
    let content = body.strip_prefix(hashes.as_str())?.strip_prefix('"')?;
    let end = format!("\"{hashes}");
    let closed = content
        .find(&end)
        .map_or(content.len(), |at| at + end.len());
    Some(rest.len() - content.len() + closed)
}

fn quoted(rest: &str) -> usize {
    let mut escaped = true;
    for (at, next) in rest.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of a character literal, or of the quote alone when it starts a lifetime.
fn character(rest: &str) -> usize {
    let mut inner = rest.char_indices().skip(1);
    match inner.next() {
        Some((_, '\\')) => inner
            .skip(1)
            .find(|(_, next)| *next == '\'')
            .map_or(rest.len(), |(at, _)| at + 1),
        _ => inner
            .next()
            .filter(|(_, next)| *next == '\'')
            .map_or(1, |(at, _)| at + 1),
    }
}
