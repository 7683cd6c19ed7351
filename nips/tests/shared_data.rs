//! Real input, kept outside of the repository: `$BIGBROTR_SHARED_DATA` or `../shared/data` beside the
//! workspace. Without it every test here says so and passes.

#[path = "shared_data/events.rs"]
mod events;
#[path = "shared_data/nip11.rs"]
mod nip11;
#[path = "shared_data/nip66.rs"]
mod nip66;
#[path = "shared_data/relay_urls.rs"]
mod relay_urls;
#[path = "shared_data/sync.rs"]
mod sync;

use std::path::PathBuf;

/// The path of a file or folder of the shared data, if it is there.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of this crate has no configuration to ask"
)]
fn shared(name: &str) -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = match std::env::var_os("BIGBROTR_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => workspace.join("../shared/data"),
    };
    let path = folder.join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// The text of a file of the shared data, if it is there.
fn shared_text(name: &str) -> Option<String> {
    shared(name).map(|path| std::fs::read_to_string(path).expect("shared data is readable"))
}
