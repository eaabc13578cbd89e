//! The command line of esep.

use std::process::ExitCode;

/// A posted record passes through a dozen allocations, the large ones of pieces among them: memory is kept where the
/// system's allocator gives it back and asks for it anew.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    esep::cli::main()
}
