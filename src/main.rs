//! The `riposte` program, also called as `kubectl-riposte`.

use std::process::ExitCode;

fn main() -> ExitCode {
    riposte::cli::main()
}
