use super::*;
use std::fs;
use tempfile::TempDir;

const ORIGINAL: &str = "\
# Lab

## Goals

<a id=\"one-vote\"></a>

## Step 1: Enough

Read [why](why.md#why), not `[x](gone.md)`.

### Aside

```text
cargo labs    where you are
```

<!-- item: raft/src/quorum.rs Majority::needed signature -->
```rust,ignore
pub fn needed(&self) -> usize
```
<!-- /item -->
";

const TRANSLATION: &str = "\
# 实验

## 目标

<a id=\"one-vote\"></a>

## 第 1 步：够了 {#step-1}

请读[原因](../why.md#why)，再看[第 1 步](#step-1)。

### 旁注

```text,translated
cargo labs    你在哪里
```

<!-- item: raft/src/quorum.rs Majority::needed signature -->
```rust,ignore
pub fn needed(&self) -> usize
```
<!-- /item -->
";

const NAME: &str = "book/src/zh/lab.md";

/// A course of three pages: the original, what it links to, and its translation.
struct Small {
    folder: TempDir,
}

impl Small {
    fn new() -> Self {
        let small = Small { folder: tempfile::tempdir().expect("a folder") };
        small.write("book/src/lab.md", ORIGINAL);
        small.write("book/src/why.md", "# Elections\n\n## Why?\n");
        small.translated(TRANSLATION);
        small
    }

    /// The root of the course; what is beside it is no part of it.
    fn root(&self) -> PathBuf {
        self.folder.path().join("course")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("the folder");
        fs::write(path, text).expect("a page");
    }

    /// Writes the translation with a note of the original as [`ORIGINAL`] is.
    fn translated(&self, text: &str) {
        self.write(NAME, &format!("{}\n{text}", note("book/src/lab.md", ORIGINAL)));
    }

    fn faults(&self) -> Vec<String> {
        find(&self.root()).expect("pages")
    }

    /// Returns the only fault, in one line.
    #[track_caller]
    fn fault(&self) -> String {
        let faults = self.faults();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults[0].clone()
    }
}

#[track_caller]
fn says(fault: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(fault.contains(wanted), "{fault}\ndoes not say: {wanted}");
    }
}

/// Returns the text with the only `old` in it replaced.
#[track_caller]
fn with(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    text.replace(old, new)
}

#[test]
fn a_page_that_translates_its_original_has_no_fault() {
    assert_eq!(Small::new().faults(), Vec::<String>::new());
}

#[test]
fn a_change_of_the_original_is_found_with_both_versions_and_the_line_to_write() {
    let small = Small::new();
    let changed = with(ORIGINAL, "Goals", "Aims");
    small.write("book/src/lab.md", &changed);
    let (noted, now) = (version(ORIGINAL), version(&changed));
    assert_ne!(noted, now);
    let fault = small.fault();
    says(&fault, &[NAME, "book/src/lab.md", &noted, &now]);
    let line = fault.lines().last().expect("a line");
    assert_eq!(line, format!("<!-- translation of book/src/lab.md, version {now} -->"));
    // Who does as it says is content.
    small.write(NAME, &format!("{line}\n{TRANSLATION}"));
    assert_eq!(small.faults(), Vec::<String>::new());
}

#[test]
fn an_item_that_labs_fix_writes_into_both_pages_changes_no_version() {
    let small = Small::new();
    let fresh = |text| with(text, "-> usize", "-> u64");
    small.write("book/src/lab.md", &fresh(ORIGINAL));
    says(&small.fault(), &["this code block is not the one at book/src/lab.md:18"]);
    small.translated(&fresh(TRANSLATION));
    assert_eq!(small.faults(), Vec::<String>::new());
    // What comes behind the item counts again.
    assert_ne!(version(ORIGINAL), version(&format!("{ORIGINAL}more\n")));
}

#[test]
fn a_checkout_with_other_line_ends_is_the_same_version() {
    assert_eq!(version(ORIGINAL), version(&ORIGINAL.replace('\n', "\r\n")));
}

#[test]
fn a_translation_without_a_note_is_told_what_to_write() {
    let small = Small::new();
    small.write(NAME, TRANSLATION);
    let line = note("book/src/lab.md", ORIGINAL);
    says(&small.fault(), &["book/src/zh/lab.md:1:", &line]);
    // Beside its original, and with half a note.
    small.translated(TRANSLATION);
    small.write("README.md", "# Us\n");
    for text in ["<!-- translation of README.md -->\n# 我们\n", "# 我们\n"] {
        small.write("README.zh-CN.md", text);
        says(&small.fault(), &["README.zh-CN.md:1:", &note("README.md", "# Us\n")]);
    }
}

#[test]
fn a_note_of_an_original_that_is_not_there_is_found_in_any_page() {
    let small = Small::new();
    small.write("docs/seite.md", "<!-- translation of docs/page.md, version 0 -->\n# Seite\n");
    says(&small.fault(), &["docs/seite.md:1:", "translates docs/page.md, which is not there"]);
}

#[test]
fn a_heading_without_a_counterpart_is_found() {
    let small = Small::new();
    small.translated(&with(TRANSLATION, "### 旁注\n", ""));
    let fault = small.fault();
    says(&fault, &["has 2 headings", "has 3", "book/src/lab.md:11 has `### Aside`", "no other"]);
    // As many, but not as deep.
    small.translated(&with(TRANSLATION, "### 旁注", "## 旁注"));
    says(&small.fault(), &["book/src/lab.md:11 has `### Aside`", "translation:12 has `## 旁注`"]);
}

#[test]
fn an_anchor_that_the_translation_lost_is_found() {
    let small = Small::new();
    small.translated(&with(TRANSLATION, "<a id=\"one-vote\"></a>\n", ""));
    says(&small.fault(), &["no anchor one-vote, which book/src/lab.md:5 has"]);
    small.translated(&with(TRANSLATION, "<a id=\"one-vote\"></a>\n", "## 一票 {#one-vote}\n"));
    says(&small.fault(), &["has 4 headings"]);
}

#[test]
fn a_code_block_is_the_originals_unless_its_fence_says_that_it_is_translated() {
    let small = Small::new();
    small.translated(&with(TRANSLATION, "text,translated", "text"));
    says(&small.fault(), &[&format!("{NAME}:14:"), "book/src/lab.md:13", "```text,translated"]);
    small.translated(&with(TRANSLATION, "text,translated", "rust,translated"));
    says(&small.fault(), &[&format!("{NAME}:14:")]);
    small.translated(&with(TRANSLATION, "```text,translated\ncargo labs    你在哪里\n```\n", ""));
    says(&small.fault(), &["has 1 code block, and book/src/lab.md has 2"]);
    // The words of such a block belong to the version of the original.
    small.translated(TRANSLATION);
    small.write("book/src/lab.md", &with(ORIGINAL, "where you are", "where we are"));
    says(&small.fault(), &["is at version"]);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let small = Small::new();
    small.write("../why.md", "# Outside\n");
    for (target, wanted) in [
        ("why.md", "there is no book/src/zh/why.md"),
        ("../../../../why.md", "there is no ../why.md"),
        ("../why.md#reason", "book/src/why.md has no anchor reason"),
        ("#gone", "book/src/zh/lab.md has no anchor gone"),
    ] {
        small.translated(&with(TRANSLATION, "../why.md#why", target));
        says(&small.fault(), &[&format!("{NAME}:10: links to {target}"), wanted]);
    }
    small.translated(&with(TRANSLATION, "../why.md#why", "https://raft.github.io/#x"));
    assert_eq!(small.faults(), Vec::<String>::new());
}
