//! Rust text without what only looks like code.

/// The text with comments and the contents of literals replaced by spaces; lines stay where they are.
pub fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = match skipped(rest) {
            Some(length) => (false, length),
            None => (true, word(rest).unwrap_or(first.len_utf8())),
        };
        let (piece, after) = rest.split_at(length);
        if kept {
            code.push_str(piece);
        } else {
            code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The length of the identifier that `rest` begins with, so that no literal begins inside one.
fn word(rest: &str) -> Option<usize> {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then_some(end)
}

/// The length of the comment or literal that `rest` begins with.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    for prefix in ["", "b", "c"] {
        let Some(after) = rest.strip_prefix(prefix) else { continue };
        if after.starts_with('"') {
            return Some(prefix.len() + quoted(after, '"'));
        }
        if let Some(raw) = after.strip_prefix('r') {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            if raw[hashes..].starts_with('"') {
                let end = format!("\"{}", "#".repeat(hashes));
                let body = &raw[hashes + 1..];
                let length = body.find(&end).map_or(body.len(), |at| at + end.len());
                return Some(prefix.len() + 1 + hashes + 1 + length);
            }
        }
    }
    character(rest)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a literal that begins and ends with `quote`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, which has to be told from a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut inside = rest.strip_prefix('\'')?.chars();
    match (inside.next()?, inside.next()?) {
        ('\\', _) => Some(quoted(rest, '\'')),
        (c, '\'') => Some(c.len_utf8() + 2),
        _ => None,
    }
}

/// Where `word` stands in `line` as a whole word.
pub fn words<'l>(line: &'l str, word: &'l str) -> impl Iterator<Item = usize> + 'l {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank() {
        for hidden in [
            "// unsafe",
            "/* a /* unsafe */ unsafe */",
            "\"unsafe \\\" unsafe\"",
            "r#\"unsafe \" unsafe\"#",
            "b\"unsafe\"",
            "br##\"unsafe\"# unsafe\"##",
        ] {
            let text = format!("a {hidden}\nb");
            assert!(!code(&text).contains("unsafe"), "{hidden}");
            assert!(code(&text).starts_with("a ") && code(&text).ends_with("\nb"), "{hidden}");
        }
    }

    #[test]
    fn code_is_kept() {
        for kept in ["fn f<'a>(x: &'a str) { unsafe {} }", "for x in r { unsafe {} }"] {
            assert_eq!(code(kept), kept);
        }
        assert_eq!(code("('\"', '\\'', 'é', unsafe)"), "(   ,     ,    , unsafe)");
    }

    #[test]
    fn whole_words() {
        assert_eq!(words("unsafe unsafe_code un unsafe", "unsafe").collect::<Vec<_>>(), [0, 22]);
    }
}
