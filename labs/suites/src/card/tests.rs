//! Golden cards.
