//! A fleet on its way from its maker to its owner.

mod chapter;
mod head_end;
mod scale;
mod simulated;
