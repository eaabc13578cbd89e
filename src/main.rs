//! The command line of esep.

use std::process::ExitCode;

fn main() -> ExitCode {
    esep::cli::main()
}
