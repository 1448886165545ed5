//! The line of a message: it passes between the marks of the lanes that it crosses.
//!
//! ```text
//!   n1   n2   n3          n1   n2   n3
//!    o    |    |           o    |    |
//!    | \  |    |           |\   |    |
//!    |   (1)   |     -->   | '(1)   |       the message is for n3, and the mark on n2
//!    |    |  \ |           |   '-.__ |       is of another step
//!    |    |    o           |    |    o
//! ```

use std::collections::BTreeMap;

/// How far from the middle of a mark a line passes, in pixels, if there is room.
const CLEAR: f64 = 13.0;

/// The most by which the middle of a line is moved, in pixels.
const BEND_MAX: i64 = 160;

/// Returns by how much the point that bends a line is moved down, or up if it is negative: so that the line
/// passes between the marks of the lanes that it crosses. It never turns back: time runs downwards.
///
/// The line is the quadratic curve from `from` to `to` whose third point is the middle of both, moved. Of all
/// that are tried the straightest one counts that is far enough from every mark, or else the farthest one.
pub(super) fn bend(marks: &BTreeMap<usize, Vec<i64>>, from: (i64, i64), to: (i64, i64)) -> i64 {
    let (dx, dy) = ((to.0 - from.0) as f64, (to.1 - from.1) as f64);
    // The lanes of the two ends are not crossed; nothing is, where these are neighbours.
    let left = from.0.min(to.0) as usize + 12;
    let right = (from.0.max(to.0) as usize).saturating_sub(3).max(left);
    let clearance = |bend: i64| {
        let crossed = marks.range(left..right);
        let nearest = crossed.filter_map(|(&lane, marks)| {
            let along = (lane as f64 - from.0 as f64) / dx;
            let moved = bend as f64;
            let y = from.1 as f64 + along * dy + 2.0 * along * (1.0 - along) * moved;
            let slope = (dy + 2.0 * moved * (1.0 - 2.0 * along)) / dx;
            let next = marks.partition_point(|&mark| (mark as f64) < y);
            let beside = marks[next.saturating_sub(1)..(next + 1).min(marks.len())].iter();
            let gap = beside.map(|&mark| (mark as f64 - y).abs()).reduce(f64::min)?;
            Some(gap / (1.0 + slope * slope).sqrt())
        });
        nearest.fold(CLEAR, f64::min)
    };
    let most = (dy as i64 / 2).clamp(0, BEND_MAX);
    let bends = (0..=most).step_by(4).flat_map(|bend| [bend, -bend]);
    let mut best = (clearance(0), 0);
    for bend in bends {
        if best.0 >= CLEAR {
            break;
        }
        let clear = clearance(bend);
        if clear > best.0 {
            best = (clear, bend);
        }
    }
    best.1
}

/// Returns the head of an arrow that ends at `to`.
pub(super) fn arrow(from: (i64, i64), to: (i64, i64)) -> String {
    let (dx, dy) = ((to.0 - from.0) as f64, (to.1 - from.1) as f64);
    let length = (dx * dx + dy * dy).sqrt().max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let corner = |along: f64, across: f64| {
        (to.0 as f64 + along * ux - across * uy, to.1 as f64 + along * uy + across * ux)
    };
    let ((ax, ay), (bx, by)) = (corner(-8.0, 3.5), corner(-8.0, -3.5));
    format!("<path class=\"head\" d=\"M{} {}L{ax:.1} {ay:.1}L{bx:.1} {by:.1}z\"/>", to.0, to.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_bends_around_a_mark_and_is_straight_where_it_can_be() {
        let marks = |y: &[i64]| BTreeMap::from([(0, vec![0]), (100, y.to_vec()), (200, vec![100])]);
        let (from, to) = ((0, 0), (200, 100));
        assert_eq!(bend(&marks(&[]), from, to), 0);
        assert_eq!(bend(&marks(&[10, 90]), from, to), 0, "it passes at 50");
        // At its middle the line is moved by half of the bend, and it is as steep as 1 in 2.
        let around = bend(&marks(&[50]), from, to);
        assert!((30..=36).contains(&around), "{around}");
        assert_eq!(bend(&marks(&[45]), from, to).signum(), 1, "below a mark that is above");
        assert_eq!(bend(&marks(&[55]), from, to).signum(), -1, "above a mark that is below");
        let between = bend(&marks(&[30, 50]), from, to);
        assert!(between > 0, "not through the gap, which is too narrow: {between}");
        assert_eq!(
            bend(&marks(&[50]), (0, 0), (100, 50)),
            0,
            "neighbours have nothing between them"
        );
    }
}
