//! Step 8: a power cut in the middle of a batch.
//!
//! ```text
//!   the batch      g7: entries 1@4 2@4, hs = term 4 for n2
//!   after the cut  both, or neither: never entries of a term that the node does not know
//! ```
//!
//! Power is cut at every operation of the batch. Of what was being written, every part is kept or lost,
//! in all combinations. A frame counts if all of its bytes are on the disk: recovery finds such frames by
//! their checksums.

use super::asked::{Written, is_write};
use super::observed::{ObservedLog, header};
use crate::storage::kit::words::{Checked, G1, G7, batch, differs, run};
use crate::storage::rule;
use harness::{Check, Verdict, text};
use storage::{Batch, Fate, Fates, Fault, Sector, SimDisk};

/// What happens to each pending write: bit n is for the nth one.
struct Each<'a> {
    writes: &'a [Written],
    kept: u32,
}

impl Fates for Each<'_> {
    fn sector(&mut self, sector: Sector) -> Fate {
        let of = |write: &Written| write.file == sector.file && write.from <= sector.offset;
        // The last write that begins there or before; what was there before this test stays.
        let number = self.writes.iter().rposition(|write| of(write) && sector.offset < write.to);
        match number {
            Some(number) if self.kept >> number & 1 == 0 => Fate::Lost,
            Some(_) | None => Fate::Kept,
        }
    }

    fn keeps_name(&mut self) -> bool {
        true
    }
}

/// A batch to cut: its name, the batch, and the items that it must leave.
type CutBatch = (&'static str, Batch, &'static [&'static str]);

/// Entries and keys, in either order, of one group and of two.
fn batches() -> [CutBatch; 3] {
    let (entries, vote) = (run(1, &[4, 4]), b"term 4 for n2");
    let (one, other) = (run(1, &[4]), run(1, &[1]));
    let two_groups = batch(|b| {
        b.entries(G7, &one).put(G7, b"hs", b"term 4").entries(G1, &other).put(G1, b"hs", b"term 1")
    });
    [
        (
            "entries, then the term",
            batch(|b| b.entries(G7, &entries).put(G7, b"hs", vote)),
            &["entry of g7", "entry of g7", "key of g7"],
        ),
        (
            "the term, then entries",
            batch(|b| b.put(G7, b"hs", vote).entries(G7, &entries)),
            &["key of g7", "entry of g7", "entry of g7"],
        ),
        ("two groups", two_groups, &["entry of g7", "key of g7", "entry of g1", "key of g1"]),
    ]
}

/// A batch, a cut at each of its operations, and every possible remainder.
pub(super) fn hard_state_with_entries(check: &mut Check) -> Verdict {
    for (number, row) in (1..).zip(batches()) {
        for cut in 1..=length(&row.1)? {
            check.doing(format!("{}: power is cut in operation {cut} of the batch", row.0));
            cut_at(number, &row, cut)?;
        }
    }
    Ok(())
}

/// Returns how many operations a batch takes when all goes well.
fn length(batch: &Batch) -> Checked<u64> {
    let log = ObservedLog::new(rule("batch_is_all_or_nothing"))?;
    let asked = log.asked();
    log.write(batch)?;
    let operations = asked.operations().len() as u64;
    if operations >= 2 {
        return Ok(operations);
    }
    let because = "a batch is written and synced, and the disk has too few operations";
    let (expected, got) = ("a write, and a sync", format!("{operations} operations"));
    let failure = differs(rule("batch_is_all_or_nothing"), because, expected, got, "");
    Err(Box::new(asked.show(failure, |_| false, "Log::write_frame")))
}

/// Cuts the power in one operation, and judges every possible remainder.
fn cut_at(number: u64, (what, batch, whole): &CutBatch, cut: u64) -> Verdict {
    let log = ObservedLog::new(rule("batch_is_all_or_nothing"))?;
    let asked = log.asked();
    log.disk.plan(log.disk.operations() + cut, Fault::PowerCut);
    let acknowledged = log.inner.write(batch).is_ok();
    let writes = asked.writes();
    for kept in 0..1_u32 << writes.len().min(8) {
        let after = log.disk.after_power_cut(&mut Each { writes: &writes, kept });
        let items = items_on(&after, &log, &writes);
        if items == *whole || (items.is_empty() && !acknowledged) {
            continue;
        }
        let reached = (0..writes.len()).filter(|nth| kept >> nth & 1 == 1);
        let reached: Vec<String> = reached.map(|nth| (nth + 1).to_string()).collect();
        let reached = match reached.as_slice() {
            [] => "none".to_owned(),
            all if all.len() == writes.len() => "all".to_owned(),
            some => format!("only {}", some.join(" and ")),
        };
        let because = format!(
            "power is cut in operation {cut} of the batch; {} had been asked for by then, of which \
             {reached} reached the disk",
            text::counted(writes.len() as u64, "write")
        );
        let whole = whole.join(", ");
        let expected = if acknowledged { whole } else { format!("nothing, or {whole}") };
        let got = if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
        let failure =
            differs(rule("batch_is_all_or_nothing"), because, expected, got, "").row(number, *what);
        return asked.show(failure, is_write, "Log::write_frame").fail();
    }
    Ok(())
}

/// Says which items of a log are on a disk: those of its first frames, up to the first frame with a byte
/// that differs from what was written.
fn items_on(after: &SimDisk, before: &ObservedLog, writes: &[Written]) -> Vec<String> {
    let Some(first) = writes.first() else { return Vec::new() };
    let end = writes.iter().map(|write| write.to).max().unwrap_or(first.to);
    let area = Written { to: end, ..*first };
    let written = before.bytes(area);
    let name = after.name_of(first.file).unwrap_or_default();
    let file = if name.is_empty() { Vec::new() } else { after.bytes(&name) };
    let on_disk = file.get(area.from as usize..area.to as usize).unwrap_or_default();
    let (mut items, mut at) = (Vec::new(), 0);
    while let Some(len) = written.get(at..).and_then(header).map(|header| header.len as usize) {
        let frame = written.get(at..at + len).filter(|frame| frame.len() >= 32);
        let (Some(frame), Some(found)) = (frame, on_disk.get(at..at + len)) else { break };
        if frame != found {
            break;
        }
        let count = usize::from(frame[28]) + 256 * usize::from(frame[29]);
        items.extend(frame[32..].chunks_exact(32).take(count).map(say));
        at += len;
    }
    items
}

/// Says what a descriptor is about: its kind is in the highest four bits of its 28th byte.
fn say(descriptor: &[u8]) -> String {
    let kind = match descriptor[27] >> 4 {
        1 => "entry",
        2 => "key",
        _ => "something else",
    };
    format!("{kind} of g{}", descriptor[0])
}
