//! A fleet on its way from its maker to its owner.

mod simulated;
