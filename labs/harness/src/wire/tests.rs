//! What gets through, and what does not.

use super::*;

fn spoken(words: &[WorkerWord]) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("raftwright-wire-{}", nonce()));
    let speaker = Speaker::new("secret".into(), File::create(&path).unwrap());
    words.iter().for_each(|word| speaker.say(word));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
}

fn doing(what: impl Into<String>) -> WorkerWord {
    WorkerWord::Doing { what: what.into(), within: Vec::new(), seed: None }
}

fn long() -> WorkerWord {
    doing("ein Bär \n\"x\" ".repeat(500))
}

#[test]
fn words_get_through_whatever_stands_between_their_lines() {
    let bytes = spoken(&[long(), doing("short")]);
    let noisy: Vec<u8> = bytes
        .split_inclusive(|&b| b == b'\n')
        .flat_map(|line| [b"noise\n", line].concat())
        .collect();
    for text in [bytes, noisy] {
        let mut listener = Listener::new(Some("secret"));
        let words: Vec<WorkerWord> = text.chunks(7).flat_map(|some| listener.hear(some)).collect();
        assert_eq!(words, [long(), doing("short")]);
    }
}

#[test]
fn every_part_is_written_in_one_piece() {
    let bytes = spoken(&[long()]);
    assert!(bytes.split_inclusive(|&b| b == b'\n').all(|line| line.len() < PART_BYTES_MAX));
    assert!(bytes.len() > 4 * PART_BYTES_MAX, "the report is cut into parts");
}

#[test]
fn a_lie_is_a_print() {
    let mut listener = Listener::new(Some("another secret"));
    assert_eq!(listener.hear(&spoken(&[doing("lie")])), []);
    let printed = listener.finish();
    assert_eq!(printed.lines(), 1);
    assert!(printed.last().next().unwrap().starts_with("raftwright secret 1.1/1"));
}

#[test]
fn prints_are_bounded() {
    let mut listener = Listener::new(Some("secret"));
    for _ in 0..10_000 {
        listener.hear(&[b'x'; 1000]);
    }
    assert!(listener.line.len() <= PART_BYTES_MAX);
    for line in 0..1000 {
        listener.hear(format!("\nline {line}").as_bytes());
    }
    let printed = listener.finish();
    assert_eq!(printed.lines(), 1001);
    assert_eq!(printed.last().len(), PRINTED_LINES_MAX);
    assert_eq!(printed.last().next_back(), Some("line 999"));
}

#[test]
fn secrets_differ() {
    assert_ne!(nonce(), nonce());
    assert_eq!(nonce().len(), 32);
}
