//! The cutter changes the bodies it is told to, and no other byte.

use labs::course::{Body, Course, cut};
use labs::cutter;
use std::path::Path;

fn course() -> Course {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    Course::read(root.to_owned()).expect("the course")
}

#[test]
fn cut_and_filled_is_the_same_text_byte_for_byte() {
    let course = course();
    let all = cut(&course.reference, &course.catalogue, |_, _, _| Body::Cut).expect("cut");
    for (file, source) in &course.reference {
        let holes: Vec<_> =
            course.catalogue.holes().filter(|(_, _, hole)| hole.file == *file).collect();
        let bodies: Vec<_> = holes
            .iter()
            .map(|(_, _, hole)| {
                let range = cutter::body(source, &hole.path).expect("a hole");
                (hole.path.as_str(), source[range].to_owned())
            })
            .collect();
        let filled = cutter::replace(&all[file], &bodies).expect("filled");
        assert_eq!(filled, *source, "{file}");
        assert_eq!(all[file] == *source, holes.is_empty(), "{file} changes where it has holes");
    }
}

#[test]
fn outside_the_bodies_no_byte_changes() {
    let course = course();
    for (lab, step, hole) in course.catalogue.holes() {
        let source = &course.reference[&hole.file];
        let range = cutter::body(source, &hole.path).expect("a hole");
        let new = cutter::one_line(source, &range, "todo!()");
        let cut = cutter::replace(source, &[(&hole.path, new.clone())]).expect("cut");
        assert_eq!(cut[..range.start], source[..range.start], "{} {}", lab.id, step.number);
        assert!(cut[range.start..].starts_with(&new));
        assert_eq!(cut[range.start + new.len()..], source[range.end..], "{}", hole.path);
    }
}

const TEXT: &str = "\u{feff}// é before everything\r\n\
    mod inner {\n    impl<'a, T: Into<String>> Deep<'a, T> {\n        fn f(&self) -> &'static str {\n\
    \x20           \"}\" // }\n        }\n    }\n}\n\
    trait Says {\n    fn says(&self) -> u8 { 1 }\n    fn silent(&self);\n}\n\
    const fn fixed() -> u8 { 1 }\n\
    fn many() -> impl Iterator<Item = u8> { [1].into_iter() }\n\
    fn boxed() -> Option<impl Fn()> { None::<fn()> }\n\
    fn counted() -> u8 { if true { static N: u8 = 1; N } else { 2 } }\n\
    fn f() { fn g() {} }\n\
    impl A { fn twice() {} }\nimpl Clone for A { fn twice() {} }\n";

#[test]
fn paths_find_impls_traits_and_inline_modules() {
    for (path, body) in [
        ("Deep::f", "{\n            \"}\" // }\n        }"),
        ("inner::Deep::f", "{\n            \"}\" // }\n        }"),
        ("Says::says", "{ 1 }"),
        ("f", "{ fn g() {} }"),
    ] {
        let range = cutter::body(TEXT, path).expect(path);
        assert_eq!(&TEXT[range], body, "{path}");
    }
}

#[test]
fn what_cannot_be_cut_says_why() {
    for (path, why) in [
        ("fixed", "const fn"),
        ("many", "impl Trait"),
        ("boxed", "impl Trait"),
        ("counted", "static"),
        ("A::twice", "2 functions are called A::twice"),
        ("Says::silent", "no function Says::silent"),
        ("Wrong::f", "but there is"),
    ] {
        let said = cutter::body(TEXT, path).expect_err(path);
        assert!(said.contains(why), "{path}: {said}");
    }
    let said = cutter::body("fn a() {\n  let = ;\n}\n", "a").expect_err("no Rust");
    assert!(said.starts_with("line 2 does not parse"), "{said}");
}

#[test]
fn a_flat_body_keeps_its_meaning_and_loses_its_lines() {
    let flat = cutter::flat("{\n    // why\n    a();\n    \"two\\nlines\"\n}").expect("Rust");
    assert!(!flat.contains('\n') && !flat.contains("why"), "{flat}");
    assert!(cutter::flat("{ a(").is_err());
}
