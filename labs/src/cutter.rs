//! The cutter: finds a function by path and changes its body, and no other byte.
//!
//! ```text
//!   pub fn needed(&self) -> usize {          pub fn needed(&self) -> usize {
//!       self.voters...                  ->       todo!("lab 2aa step 1: Majority::needed")
//!   }                                        }
//!   ^ found by parsing                       comments, blank lines, everything else as it was
//! ```
//!
//! Invariant: [`replace`] with the old bodies gives the same text, byte for byte.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::cmp::Reverse;
use std::ops::Range;
use syn::spanned::Spanned;

/// Returns where the body of a function is in `source`, braces included.
///
/// A path is `function`, `Type::function`, `Trait::function` for a default body, or any of these
/// under the inline modules that hold it.
///
/// # Errors
/// The source does not parse, none or several functions have this path, or its body cannot be
/// replaced.
pub fn body(source: &str, path: &str) -> Result<Range<usize>, String> {
    let function = find(source, path)?;
    match function.refused {
        Some(why) => Err(format!("{path} cannot be cut: {why}")),
        None => Ok(function.body),
    }
}

/// Returns where a whole function is in `source`: its documentation, signature and body.
///
/// # Errors
/// As [`body`].
pub fn whole(source: &str, path: &str) -> Result<Range<usize>, String> {
    Ok(find(source, path)?.whole)
}

/// Puts a new body in place of each; all others stay where they are.
///
/// # Errors
/// As [`body`].
pub fn replace(source: &str, bodies: &[(&str, String)]) -> Result<String, String> {
    let mut cuts = Vec::new();
    for (path, new) in bodies {
        cuts.push((body(source, path)?, new));
    }
    // The last one first: what is before it does not move.
    cuts.sort_by_key(|(range, _)| Reverse(range.start));
    let mut source = source.to_owned();
    for (range, new) in cuts {
        source.replace_range(range, new);
    }
    Ok(source)
}

/// Returns a body in braces that holds one line, indented as the body at `range` is.
pub fn one_line(source: &str, range: &Range<usize>, line: &str) -> String {
    let start = source[..range.end].rfind('\n').map_or(0, |n| n + 1);
    let indent: String = source[start..].chars().take_while(|c| *c == ' ').collect();
    format!("{{\n{indent}    {line}\n{indent}}}")
}

/// Returns a body on one line, without its comments.
///
/// # Errors
/// It cannot be read as tokens.
pub fn flat(body: &str) -> Result<String, String> {
    let tokens: TokenStream = body.parse().map_err(|e| format!("is no Rust: {e}"))?;
    Ok(tokens.to_string().replace('\n', " "))
}

struct Function {
    path: String,
    full: String,
    body: Range<usize>,
    whole: Range<usize>,
    refused: Option<&'static str>,
}

fn find(source: &str, path: &str) -> Result<Function, String> {
    let functions = functions(source)?;
    let name = path.rsplit("::").next().unwrap_or(path).to_owned();
    let (mut found, others): (Vec<_>, Vec<_>) =
        functions.into_iter().partition(|f| f.path == path || f.full == path);
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), more) => Err(format!("{} functions are called {path}", more + 1)),
        (None, _) => {
            let same = others.iter().find(|f| f.path.rsplit("::").next() == Some(&name));
            Err(match same {
                Some(f) => format!("there is no function {path}, but there is {}", f.path),
                None => format!("there is no function {path}"),
            })
        }
    }
}

fn functions(source: &str) -> Result<Vec<Function>, String> {
    let file = syn::parse_file(source).map_err(|e| {
        let at = e.span().start();
        format!("line {} does not parse: {e}", at.line)
    })?;
    // A byte order mark is not part of the tokens, but of the text.
    let skipped = source.len() - source.trim_start_matches('\u{feff}').len();
    let mut found = Vec::new();
    items(&file.items, "", &mut found);
    for function in &mut found {
        function.body = function.body.start + skipped..function.body.end + skipped;
        function.whole = function.whole.start + skipped..function.whole.end + skipped;
    }
    Ok(found)
}

fn items(items_of: &[syn::Item], module: &str, found: &mut Vec<Function>) {
    for item in items_of {
        if let syn::Item::Fn(f) = item {
            found.push(function(&f.sig, &f.block, f.span(), "", module));
        } else if let syn::Item::Mod(m) = item {
            if let Some((_, inside)) = &m.content {
                items(inside, &format!("{module}{}::", m.ident), found);
            }
        } else if let syn::Item::Impl(i) = item {
            let syn::Type::Path(of) = &*i.self_ty else { continue };
            let of = of.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
            for item in &i.items {
                if let syn::ImplItem::Fn(f) = item {
                    found.push(function(&f.sig, &f.block, f.span(), &format!("{of}::"), module));
                }
            }
        } else if let syn::Item::Trait(t) = item {
            for item in &t.items {
                if let syn::TraitItem::Fn(f) = item
                    && let Some(block) = &f.default
                {
                    let of = format!("{}::", t.ident);
                    found.push(function(&f.sig, block, f.span(), &of, module));
                }
            }
        }
    }
}

fn function(
    sig: &syn::Signature,
    block: &syn::Block,
    span: proc_macro2::Span,
    of: &str,
    module: &str,
) -> Function {
    let path = format!("{of}{}", sig.ident);
    let body = block.span().byte_range();
    let refused = if sig.constness.is_some() {
        Some("a const fn cannot hold todo! in the way other functions do")
    } else if returns_impl(&sig.output) {
        Some("todo!() gives no type to a returned impl Trait")
    } else if block.stmts.iter().any(|s| holds_static(s.to_token_stream())) {
        Some("a static in its body would exist once per copy of the body")
    } else {
        None
    };
    Function { full: format!("{module}{path}"), path, body, whole: span.byte_range(), refused }
}

fn returns_impl(output: &syn::ReturnType) -> bool {
    let syn::ReturnType::Type(_, returned) = output else { return false };
    let mut words = Vec::new();
    flatten(returned.to_token_stream(), &mut words);
    words.iter().any(|word| word == "impl")
}

fn holds_static(tokens: TokenStream) -> bool {
    let mut words = Vec::new();
    flatten(tokens, &mut words);
    // `'static` is a lifetime: its apostrophe is a token of its own.
    words.iter().enumerate().any(|(n, word)| word == "static" && (n == 0 || words[n - 1] != "'"))
}

fn flatten(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => flatten(group.stream(), words),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                words.push(token.to_string());
            }
        }
    }
}
