//! What a test is worth: whole and half points, counted exactly.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::iter::Sum;

/// Points in steps of a half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Points {
    halves: u32,
}

impl Points {
    /// Returns this many whole points.
    pub fn whole(points: u32) -> Self {
        Points { halves: points * 2 }
    }

    /// Returns how many of `parts` equal parts of `of` these points fill: all of them only if no half
    /// point is missing, none only if there is none.
    pub fn filled(self, of: Self, parts: u32) -> u32 {
        if self >= of {
            return parts;
        }
        let filled = (self.halves * parts + of.halves / 2) / of.halves.max(1);
        filled.clamp(u32::from(self.halves > 0), parts.saturating_sub(1))
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.halves % 2 == 1 { ".5" } else { "" };
        f.pad(&format!("{}{half}", self.halves / 2))
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        Points { halves: points.map(|p| p.halves).sum() }
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.halves.is_multiple_of(2) {
            to.serialize_u32(self.halves / 2)
        } else {
            to.serialize_f64(f64::from(self.halves) / 2.0)
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected points, such as 2 or 0.5")]
        enum Raw {
            Whole(u32),
            Part(f64),
        }
        let halves = match Raw::deserialize(from)? {
            Raw::Whole(points) => f64::from(points) * 2.0,
            Raw::Part(points) => points * 2.0,
        };
        if halves.fract() == 0.0 && (0.0..=2_000.0).contains(&halves) {
            // In range and whole: nothing is lost.
            Ok(Points { halves: halves as u32 })
        } else {
            let what = format!("{} points: expected halves between 0 and 1000", halves / 2.0);
            Err(serde::de::Error::custom(what))
        }
    }
}
