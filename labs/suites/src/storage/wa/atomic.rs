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
use super::rules::ATOMIC;
use super::stage::{Stage, header};
use crate::storage::kit::words::{G1, G7, run};
use harness::{Check, Failure, Verdict, text};
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
struct Row {
    what: &'static str,
    batch: Batch,
    items: Vec<&'static str>,
}

/// Entries and keys, in either order, of one group and of two.
fn rows() -> Vec<Row> {
    let entries = || run(1, &[4, 4]);
    let row = |what, batch: &Batch, items: &[&'static str]| Row {
        what,
        batch: batch.clone(),
        items: items.to_vec(),
    };
    let mut batch = Batch::new();
    batch.entries(G7, &entries()).put(G7, b"hs", b"term 4 for n2");
    let first = row("entries, then the term", &batch, &["entry of g7", "entry of g7", "key of g7"]);
    batch.clear();
    batch.put(G7, b"hs", b"term 4 for n2").entries(G7, &entries());
    let second =
        row("the term, then entries", &batch, &["key of g7", "entry of g7", "entry of g7"]);
    batch.clear();
    batch.entries(G7, &run(1, &[4])).put(G7, b"hs", b"term 4");
    batch.entries(G1, &run(1, &[1])).put(G1, b"hs", b"term 1");
    let items = ["entry of g7", "key of g7", "entry of g1", "key of g1"];
    vec![first, second, row("two groups", &batch, &items)]
}

/// A batch, a cut at each of its operations, and every possible remainder.
pub(super) fn hard_state_with_entries(check: &mut Check) -> Verdict {
    for (number, row) in (1..).zip(rows()) {
        for cut in 1..=length(&row.batch)? {
            check.doing(format!("{}: power is cut in operation {cut} of the batch", row.what));
            cut_at(number, &row, cut)?;
        }
    }
    Ok(())
}

/// Returns how many operations a batch takes when all goes well.
fn length(batch: &Batch) -> Result<u64, Box<Failure>> {
    let stage = Stage::new(&ATOMIC)?;
    let asked = stage.asked();
    stage.write(batch)?;
    let operations = asked.operations().len() as u64;
    if operations >= 2 {
        return Ok(operations);
    }
    let because = "a batch is written and synced, and the disk has too few operations";
    let failure = Failure::of(&ATOMIC).because(because).expected("a write, and a sync");
    let failure = failure.got(format!("{operations} operations"));
    Err(Box::new(asked.show(failure, |_| false, "Log::write_frame")))
}

/// Cuts the power in one operation, and judges every possible remainder.
fn cut_at(number: u64, row: &Row, cut: u64) -> Verdict {
    let stage = Stage::new(&ATOMIC)?;
    let asked = stage.asked();
    stage.disk.plan(stage.disk.operations() + cut, Fault::PowerCut);
    let acknowledged = stage.log.write(&row.batch).is_ok();
    let writes = asked.writes();
    for kept in 0..1_u32 << writes.len().min(8) {
        let after = stage.disk.after_power_cut(&mut Each { writes: &writes, kept });
        let items = items_on(&after, &stage, &writes);
        if items == row.items || (items.is_empty() && !acknowledged) {
            continue;
        }
        let reached: Vec<String> = (0..writes.len())
            .filter(|nth| kept >> nth & 1 == 1)
            .map(|nth| (nth + 1).to_string())
            .collect();
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
        let whole = row.items.join(", ");
        let expected = if acknowledged { whole } else { format!("nothing, or {whole}") };
        let got = if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
        let failure = Failure::of(&ATOMIC).row(number, row.what).because(because);
        let failure = failure.expected(expected).got(got);
        return asked.show(failure, is_write, "Log::write_frame").fail();
    }
    Ok(())
}

/// Says which items of a log are on a disk: those of its first frames, up to the first frame with a byte
/// that differs from what was written.
fn items_on(after: &SimDisk, before: &Stage, writes: &[Written]) -> Vec<String> {
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
