//! The `bigbrotr` program; everything it does is in the library.

use std::process::ExitCode;

use bigbrotr::cli;
use bigbrotr::config::Environment;

// glibc's arenas keep their highest size after a burst of connections.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long freed memory is kept for the next who wants some, milliseconds.
const PURGE_DELAY: std::ffi::c_long = 0;

/// The allocator's number of that setting, which its bindings leave out.
const PURGE_DELAY_OPTION: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    give_memory_back();
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let variables = std::env::vars_os();
    let decoded = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ExitCode::from(cli::main(Environment::new(decoded)).code())
}

/// Has what is freed go back to the system: every burst of events leaves more than it needs, and the allocator
/// would keep it for seconds.
fn give_memory_back() {
    // What hundreds of connections hold is small and comes and goes: in pages of two megabytes, most
    // of each never used, it takes three times the memory. Where the kernel has no such pages, there
    // is nothing to switch off.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    #[expect(
        unsafe_code,
        reason = "it sets a number, and is not safe beside another thread: there is none yet"
    )]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY_OPTION, PURGE_DELAY);
    }
}
