//! Mutations: small mistakes that a program puts into a function, one at a time.
//!
//! ```text
//!   if self.timer.elapsed_ticks >= timeout {       `>=` becomes `<`      `>=` becomes `>`
//!       self.reset_timer();                        this statement is gone
//!       return RoleChange::campaign();             the condition is turned
//! ```
//!
//! Nobody has chosen them, so they ask what a catalogue of known bugs cannot: what else do the tests
//! let through? Each keeps the types of what it changes, because all of them are woven into one build
//! and must compile. So no arguments are swapped.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use std::ops::Range;
use syn::spanned::Spanned;

/// One mutation of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mutation {
    /// What it does, with the text that it changes: `">=" becomes ">" in "a >= b"`.
    pub what: String,
    /// Where in the body the change begins, in bytes.
    pub at: usize,
    /// The whole body with the change, braces included.
    pub body: String,
}

/// What an operator, a name or a literal may become.
const TURNED: [(&str, &[&str]); 14] = [
    ("<", &["<="]),
    ("<=", &["<", ">"]),
    (">", &[">="]),
    (">=", &[">", "<"]),
    ("==", &["!="]),
    ("!=", &["=="]),
    ("&&", &["||"]),
    ("||", &["&&"]),
    ("true", &["false"]),
    ("false", &["true"]),
    ("max", &["min"]),
    ("min", &["max"]),
    ("any", &["all"]),
    ("all", &["any"]),
];

/// Lists the mutations of a body, braces included, in the order of its text.
///
/// # Errors
/// The body is no Rust.
pub fn of(body: &str) -> Result<Vec<Mutation>, String> {
    let block: syn::Block = syn::parse_str(body).map_err(|e| format!("is no Rust: {e}"))?;
    let tokens: TokenStream = body.parse().map_err(|e| format!("is no Rust: {e}"))?;
    let mut found = MutatedBody { body, mutations: Vec::new() };
    found.words(tokens);
    found.statements(&block);
    found.mutations.retain(|m| syn::parse_str::<syn::Block>(&m.body).is_ok());
    found.mutations.sort_by_key(|m| m.at);
    Ok(found.mutations)
}

struct MutatedBody<'a> {
    body: &'a str,
    mutations: Vec<Mutation>,
}

impl MutatedBody<'_> {
    /// Adds the mutation that puts `new` in the place of a part of the body.
    fn put(&mut self, range: &Range<usize>, new: &str, what: String) {
        let mut body = self.body.to_owned();
        body.replace_range(range.clone(), new);
        self.mutations.push(Mutation { what, at: range.start, body });
    }

    /// Turns words: operators, literals, names of functions that have an opposite.
    fn words(&mut self, tokens: TokenStream) {
        let mut words = Vec::new();
        flatten(tokens, &mut words);
        for range in words {
            if self.stands_alone(&range) {
                for new in self.turned(&range).into_iter().flatten() {
                    let what = format!("`{}` becomes `{new}` in", self.text(&range));
                    self.put(&range, new, format!("{what} {}", self.line(&range)));
                }
            }
            self.literal(&range);
        }
    }

    fn turned(&self, range: &Range<usize>) -> Option<&'static [&'static str]> {
        TURNED.iter().find(|(old, _)| *old == self.text(range)).map(|(_, new)| *new)
    }

    fn text(&self, range: &Range<usize>) -> &str {
        &self.body[range.clone()]
    }

    /// Returns whether a word is what it looks like: an operator between spaces, a method's name, and
    /// not the bracket of a type or the bars of a closure.
    fn stands_alone(&self, range: &Range<usize>) -> bool {
        let (before, after) = (&self.body[..range.start], &self.body[range.end..]);
        if self.text(range).starts_with(|c: char| c.is_ascii_alphabetic()) {
            let is_method = before.ends_with('.') && after.starts_with('(');
            return is_method || matches!(self.text(range), "true" | "false");
        }
        // In `if let A = b && c`, only `&&` can stand.
        let start = before.rfind([';', '{', '}']).unwrap_or(0);
        let end = range.end + after.find([';', '{', '}']).unwrap_or(0);
        if self.text(range) == "&&" && self.body[start..end].contains("let ") {
            return false;
        }
        let is_spaced = before.ends_with([' ', '\n']) && after.starts_with(' ');
        is_spaced && !before.trim_end().ends_with([',', '(', '=', '{'])
    }

    /// Moves a whole number by one.
    fn literal(&mut self, range: &Range<usize>) {
        let Ok(number) = self.text(range).parse::<u64>() else { return };
        if self.body[..range.start].ends_with('.') {
            return; // a field of a tuple
        }
        let news = if number == 0 { vec![1] } else { vec![number - 1, number + 1] };
        for new in news {
            let what = format!("`{number}` becomes `{new}` in {}", self.line(range));
            self.put(range, &new.to_string(), what);
        }
    }

    /// Returns the line around a place, without its indentation.
    fn line(&self, range: &Range<usize>) -> String {
        let start = self.body[..range.start].rfind('\n').map_or(0, |n| n + 1);
        let end = self.body[range.end..].find('\n').map_or(self.body.len(), |n| n + range.end);
        format!("`{}`", self.body[start..end].trim())
    }

    /// Takes statements out, and turns conditions, here and in every block within.
    fn statements(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            if let syn::Stmt::Expr(expr, semicolon) = statement {
                let is_unit = semicolon.is_some() || matches!(expr, syn::Expr::ForLoop(_));
                let is_unit =
                    is_unit || matches!(expr, syn::Expr::If(f) if f.else_branch.is_none());
                let ends = matches!(expr, syn::Expr::Return(_) | syn::Expr::Break(_));
                if is_unit && !ends {
                    let range = statement.span().byte_range();
                    let first = self.line(&(range.start..range.start));
                    self.put(&range, "", format!("this is gone: {first}"));
                }
                self.expression(expr);
            } else if let syn::Stmt::Local(local) = statement
                && let Some(init) = &local.init
            {
                self.expression(&init.expr);
            }
        }
    }

    /// Looks for blocks and conditions in an expression.
    fn expression(&mut self, expr: &syn::Expr) {
        if let syn::Expr::If(branch) = expr {
            self.condition(&branch.cond);
            self.statements(&branch.then_branch);
            if let Some((_, otherwise)) = &branch.else_branch {
                self.expression(otherwise);
            }
        } else if let syn::Expr::While(lap) = expr {
            self.statements(&lap.body); // its condition turned may never end
        } else if let syn::Expr::ForLoop(lap) = expr {
            self.statements(&lap.body);
        } else if let syn::Expr::Loop(lap) = expr {
            self.statements(&lap.body);
        } else if let syn::Expr::Block(inner) = expr {
            self.statements(&inner.block);
        } else if let syn::Expr::Match(choice) = expr {
            choice.arms.iter().for_each(|arm| self.expression(&arm.body));
        }
    }

    fn condition(&mut self, condition: &syn::Expr) {
        let range = condition.span().byte_range();
        let text = self.text(&range).to_owned();
        if !text.contains("let ") {
            let what = format!("this condition is turned: `{text}`");
            self.put(&range, &format!("!({text})"), what);
        }
    }
}

/// Lists where the words of a text are, groups included. Signs that belong together are one word: `>=`.
fn flatten(tokens: TokenStream, words: &mut Vec<Range<usize>>) {
    let mut goes_on = false;
    for token in tokens {
        let range = token.span().byte_range();
        match token {
            TokenTree::Group(group) => {
                flatten(group.stream(), words);
                goes_on = false;
            }
            TokenTree::Punct(sign) => {
                match words.last_mut().filter(|_| goes_on) {
                    Some(last) => last.end = range.end,
                    None => words.push(range),
                }
                goes_on = sign.spacing() == Spacing::Joint;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                words.push(range);
                goes_on = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(body: &str) -> Vec<String> {
        of(body).expect("it is Rust").into_iter().map(|m| m.what).collect()
    }

    #[test]
    fn comparisons_are_turned_and_brackets_of_types_are_not() {
        let body = "{ let v: Vec<u64> = f::<u64>(); a <= b.max(v) }";
        let line = "`{ let v: Vec<u64> = f::<u64>(); a <= b.max(v) }`";
        let becomes = |old: &str, new: &str| format!("`{old}` becomes `{new}` in {line}");
        assert_eq!(whats(body), [becomes("<=", "<"), becomes("<=", ">"), becomes("max", "min")]);
    }

    #[test]
    fn numbers_move_by_one_and_fields_do_not() {
        let bodies: Vec<String> =
            of("{ x.0 + 1 }").expect("it is Rust").into_iter().map(|m| m.body).collect();
        assert_eq!(bodies, ["{ x.0 + 0 }", "{ x.0 + 2 }"]);
    }

    #[test]
    fn statements_go_and_conditions_turn_in_every_block() {
        let body = "{\n    if a {\n        f();\n        return b;\n    }\n    g();\n    c\n}";
        assert_eq!(
            whats(body),
            [
                "this is gone: `if a {`",
                "this condition is turned: `a`",
                "this is gone: `f();`",
                "this is gone: `g();`",
            ]
        );
    }

    #[test]
    fn a_chain_of_lets_keeps_its_signs() {
        assert_eq!(
            whats("{ if let Some(x) = y && z {} }"),
            ["this is gone: `{ if let Some(x) = y && z {} }`"]
        );
    }

    #[test]
    fn closures_keep_their_bars() {
        assert_eq!(whats("{ f(|| a, || b) }"), Vec::<String>::new());
        assert_eq!(whats("{ a || b }"), ["`||` becomes `&&` in `{ a || b }`"]);
    }
}
