//! Reads Rust source just well enough to know which functions it has, and which of them a line is in.
//!
//! ```text
//!   impl<S: Storage> Core<S> {            frames: [Core]
//!       fn decide(&self) -> bool {                [Core, fn decide]
//!           if self.x { .. }                      [Core, fn decide, block]
//! ```
//!
//! Tokens are words and single punctuation marks; comments, strings, characters and lifetimes are
//! skipped, so that a brace in a string opens nothing. A text that does not parse, such as a student's
//! half-written file, has functions too: those up to the mistake, and most of those after it.

use std::ops::Range;

/// A function of a source text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFunction {
    /// Its name, with the type of its `impl` or its trait: `Core::decide_vote`.
    pub path: String,
    /// The line of its `fn`, from 1.
    pub line: u32,
    /// Where its body is, braces included; none if the text ends before it does.
    pub body: Option<Range<usize>>,
    /// The line of the brace that closes it, from 1.
    closed_on: Option<u32>,
}

impl FoundFunction {
    /// Returns the line of the brace that closes it, from 1; none if the text ends before it does.
    pub(crate) fn closed_on(&self) -> Option<u32> {
        self.closed_on
    }

    /// Returns whether a line (from 1) is within it.
    fn spans(&self, line: u32) -> bool {
        self.closed_on.is_some_and(|last| (self.line..=last).contains(&line))
    }
}

/// What opened a brace.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Frame {
    /// A function, by its place in the list of those found.
    Function(usize),
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
    /// Where it begins, in bytes.
    at: usize,
}

/// The scanner.
pub(super) struct Scanner {
    tokens: Vec<Token>,
}

impl Scanner {
    /// Reads a source text.
    pub(super) fn new(source: &str) -> Self {
        Scanner { tokens: Lexer { rest: source, line: 1, at: 0 }.tokens() }
    }

    /// Returns the innermost function around a line (from 1).
    pub(super) fn function_at(&self, line: u32) -> Option<String> {
        // Inner functions begin after outer ones.
        let mut around = self.functions().into_iter().filter(|found| found.spans(line));
        around.next_back().map(|found| found.path)
    }

    /// Returns the function of this path; else the one of this name without a type: a brace too many ends
    /// an `impl` early.
    pub(super) fn function_named(&self, path: &str) -> Option<FoundFunction> {
        let (of, name) = path.rsplit_once("::").unwrap_or(("", path));
        let of = of.rsplit("::").next().unwrap_or(of);
        let whole = if of.is_empty() { name.to_owned() } else { format!("{of}::{name}") };
        let found = self.functions();
        let named = |path: &str| found.iter().find(|function| function.path == path).cloned();
        named(&whole).or_else(|| named(name))
    }

    /// Returns every function that has a body, in the order of their braces.
    fn functions(&self) -> Vec<FoundFunction> {
        let mut found: Vec<FoundFunction> = Vec::new();
        let mut frames: Vec<Frame> = Vec::new();
        let mut pending = Pending::Nothing;
        // Round and square brackets that are open: `[u8; { 1 }]` opens no body.
        let mut depth = 0_usize;
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
                "{" => match std::mem::replace(&mut pending, Pending::Nothing) {
                    Pending::Function { name, line, depth: of } if of == depth => {
                        let path = with_owner(&frames, &name);
                        frames.push(Frame::Function(found.len()));
                        let begins = Some(token.at..token.at);
                        found.push(FoundFunction { path, line, body: begins, closed_on: None });
                    }
                    Pending::Owner { words, depth: of } if of == depth => {
                        frames.push(Frame::Owner(owner(&words)));
                    }
                    // A brace within a signature.
                    other @ (Pending::Nothing
                    | Pending::Function { .. }
                    | Pending::Owner { .. }) => {
                        pending = other;
                        frames.push(Frame::Block);
                    }
                },
                "}" => {
                    if let Some(Frame::Function(number)) = frames.pop() {
                        let function = &mut found[number];
                        function.closed_on = Some(token.line);
                        if let Some(body) = &mut function.body {
                            body.end = token.at + 1;
                        }
                    }
                }
                _ => {}
            }
            if let Pending::Owner { words, .. } = &mut pending {
                words.push(token.text.clone());
            }
        }
        for function in found.iter_mut().filter(|function| function.closed_on.is_none()) {
            function.body = None;
        }
        found
    }
}

/// Joins a function's name to the innermost owner's.
fn with_owner(frames: &[Frame], name: &str) -> String {
    let owner = frames.iter().rev().find_map(|frame| match frame {
        Frame::Owner(owner) => Some(owner),
        Frame::Function(_) | Frame::Block => None,
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
    /// Where `rest` begins, in bytes.
    at: usize,
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
                tokens.push(self.token(length));
                self.skip(length);
            } else {
                if !first.is_whitespace() {
                    tokens.push(self.token(first.len_utf8()));
                }
                self.skip(first.len_utf8());
            }
        }
        tokens
    }

    fn token(&self, length: usize) -> Token {
        Token { text: self.rest[..length].to_owned(), line: self.line, at: self.at }
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += u32::try_from(skipped.matches('\n').count()).unwrap_or(u32::MAX);
        self.at += length;
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
