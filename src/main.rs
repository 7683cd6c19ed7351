//! The `bigbrotr` program; everything it does is in the library.

use std::process::ExitCode;

use bigbrotr::cli;
use bigbrotr::config::Environment;

// glibc's arenas keep their highest size after a burst of connections.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What hundreds of connections hold is small and comes and goes: in pages of two megabytes, most
    // of each never used, it takes three times the memory. Where the kernel has no such pages, there
    // is nothing to switch off.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let variables = std::env::vars_os();
    let decoded = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ExitCode::from(cli::main(Environment::new(decoded)).code())
}
