//! Reads Rust source just well enough to know which function a line is in.
//!
//! ```text
//!   impl<S: Storage> Core<S> {            frames: [Core]
//!       fn decide(&self) -> bool {                [Core, fn decide]
//!           if self.x { .. }                      [Core, fn decide, block]
//! ```
//!
//! Tokens are words and single punctuation marks; comments, strings, characters and lifetimes are
//! skipped, so that a brace in a string opens nothing.

/// What opened a brace.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Frame {
    /// A function, from the line of its `fn`.
    Function { name: String, line: u32 },
    /// An `impl` or a `trait`, by the type's or the trait's name.
    Owner(String),
    /// Any other brace.
    Block,
}

/// What the words before a brace have announced.
enum Pending {
    Nothing,
    Function { name: String, line: u32, depth: usize },
    Owner { words: Vec<String>, depth: usize },
}

/// One token.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: u32,
}

/// The scanner.
pub(super) struct Scanner {
    tokens: Vec<Token>,
}

impl Scanner {
    /// Reads a source text.
    pub(super) fn new(source: &str) -> Self {
        Scanner { tokens: Lexer { rest: source, line: 1 }.tokens() }
    }

    /// Returns the innermost function whose `fn` is on or before the line and whose closing brace is on or
    /// after it.
    pub(super) fn function_at(&self, line: u32) -> Option<String> {
        let mut frames: Vec<Frame> = Vec::new();
        let mut pending = Pending::Nothing;
        // Round and square brackets that are open: `[u8; { 1 }]` opens no body.
        let mut depth = 0_usize;
        // Inner functions close before outer ones: the first that spans the line is the innermost.
        for (at, token) in self.tokens.iter().enumerate() {
            match token.text.as_str() {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "fn" => {
                    let name = self.tokens.get(at + 1).filter(|next| is_word(&next.text));
                    if let Some(name) = name {
                        let (name, line) = (name.text.clone(), token.line);
                        pending = Pending::Function { name, line, depth };
                    }
                }
                "impl" | "trait" => {
                    // `-> impl Trait` inside a signature announces nothing.
                    if let Pending::Nothing = pending {
                        pending = Pending::Owner { words: vec![token.text.clone()], depth };
                        continue;
                    }
                }
                ";" => {
                    let announced = match &pending {
                        Pending::Nothing => None,
                        Pending::Function { depth, .. } | Pending::Owner { depth, .. } => {
                            Some(*depth)
                        }
                    };
                    if announced == Some(depth) {
                        pending = Pending::Nothing;
                    }
                }
                "{" => frames.push(open(&mut pending, depth)),
                "}" => {
                    if let Some(Frame::Function { name, line: from }) = frames.pop()
                        && (from..=token.line).contains(&line)
                    {
                        return Some(with_owner(&frames, &name));
                    }
                }
                _ => {}
            }
            if let Pending::Owner { words, .. } = &mut pending {
                words.push(token.text.clone());
            }
        }
        None
    }
}

/// Decides what a brace opens.
fn open(pending: &mut Pending, now: usize) -> Frame {
    match std::mem::replace(pending, Pending::Nothing) {
        Pending::Function { name, line, depth } if depth == now => Frame::Function { name, line },
        Pending::Owner { words, depth } if depth == now => Frame::Owner(owner(&words)),
        inside @ (Pending::Nothing | Pending::Function { .. } | Pending::Owner { .. }) => {
            *pending = inside;
            Frame::Block
        }
    }
}

/// Joins a function's name to the innermost owner's.
fn with_owner(frames: &[Frame], name: &str) -> String {
    let owner = frames.iter().rev().find_map(|frame| match frame {
        Frame::Owner(owner) => Some(owner),
        Frame::Function { .. } | Frame::Block => None,
    });
    match owner {
        Some(owner) if !owner.is_empty() => format!("{owner}::{name}"),
        Some(_) | None => name.to_owned(),
    }
}

/// Finds the type in the words from `impl` to the brace: after the generics, after a `for`, the
/// last name of the path.
fn owner(words: &[String]) -> String {
    let mut name = String::new();
    let mut angle = 0_usize;
    for (at, word) in words.iter().enumerate().skip(1) {
        let before = words[at - 1].as_str();
        match word.as_str() {
            "<" => angle += 1,
            ">" if before != "-" => angle = angle.saturating_sub(1),
            "for" if angle == 0 => name.clear(),
            "where" if angle == 0 => break,
            ":" if angle == 0 && words[0] == "trait" => break,
            word if angle == 0 && is_word(word) && !matches!(word, "dyn" | "mut" | "const") => {
                word.clone_into(&mut name);
            }
            _ => {}
        }
    }
    name
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Cuts a text into tokens.
struct Lexer<'a> {
    rest: &'a str,
    line: u32,
}

impl Lexer<'_> {
    fn tokens(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip(block_comment(self.rest));
            } else if let Some(length) = string(self.rest) {
                self.skip(length);
            } else if first == '\'' {
                self.skip(character_or_lifetime(self.rest));
            } else if first == '_' || first.is_alphanumeric() {
                let end = |c: char| !(c == '_' || c.is_alphanumeric());
                let length = self.rest.find(end).unwrap_or(self.rest.len());
                tokens.push(Token { text: self.rest[..length].to_owned(), line: self.line });
                self.skip(length);
            } else {
                if !first.is_whitespace() {
                    tokens.push(Token { text: first.to_string(), line: self.line });
                }
                self.skip(first.len_utf8());
            }
        }
        tokens
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += u32::try_from(skipped.matches('\n').count()).unwrap_or(u32::MAX);
        self.rest = rest;
    }
}

/// Returns the length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let here = &text.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of a string literal of any kind, if one begins here.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(text.len());
    let after = &text[prefix..];
    if !matches!(&text[..prefix], "" | "b" | "c" | "r" | "br" | "cr") {
        return None;
    }
    if text[..prefix].ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let body = after[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let end = body.find(&close).map_or(body.len(), |at| at + close.len());
        return Some(prefix + hashes + 1 + end);
    }
    let body = after.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            '"' if !escaped => return Some(prefix + 1 + at + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    Some(text.len())
}

/// Returns the length of what a single quote begins: `'x'`, `'\n'`, or the quote of a lifetime.
fn character_or_lifetime(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // The escaped character may itself be a quote.
            chars.next();
            chars.find(|&(_, c)| c == '\'').map_or(text.len(), |(at, _)| at + 1)
        }
        Some((_, _)) => match chars.next() {
            Some((at, '\'')) => at + 1,
            Some(_) | None => 1,
        },
        None => 1,
    }
}
