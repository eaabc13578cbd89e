//! The command line of esep.

fn main() {}
