//! Every input of the fuzz corpora once more, through the bodies of the fuzz targets: seeds, and whatever once broke
//! something. `fuzz/README.md` says how to fuzz.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first surprise, and show it"
)]

#[path = "../fuzz/src/bodies.rs"]
mod bodies;

use std::path::Path;

#[test]
fn every_input_of_the_corpus_passes() {
    for (target, body) in bodies::TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut inputs: Vec<_> = std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "no corpus of {target}");
        for input in inputs {
            let bytes = std::fs::read(&input).unwrap();
            // The harness shows what stands here when a body panics.
            println!("{}", input.display());
            body(&bytes);
        }
    }
}
