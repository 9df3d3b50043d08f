//! The program `weirhouse`: the library's command line and nothing else.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    weirhouse::cli::main()
}
