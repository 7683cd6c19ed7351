//! Real events, relay URLs and known answers, kept outside of the repository: `$BIGBROTR_SHARED_DATA` or
//! `../shared/data` beside the workspace. Without them a test says so and passes.

use std::path::PathBuf;

use nips::Event;

/// The path of a file of the shared data, if it is there.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    let given = std::env::var_os("BIGBROTR_SHARED_DATA");
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = given.map_or_else(beside, PathBuf::from).join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// The text of a file of the shared data, if it is there.
pub(crate) fn shared_text(name: &str) -> Option<String> {
    shared(name).map(|path| std::fs::read_to_string(path).unwrap())
}

/// The lines of the collection of valid events, if it is there.
pub(crate) fn corpus_lines() -> Option<Vec<String>> {
    let packed = std::fs::File::open(shared("events/events-valid.jsonl.zst")?).unwrap();
    let text = std::io::read_to_string(zstd::Decoder::new(packed).unwrap()).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

/// The collection of valid events, if it is there.
pub(crate) fn corpus() -> Option<Vec<Event>> {
    let event = |line: &String| Event::from_json(line).unwrap();
    Some(corpus_lines()?.iter().map(event).collect())
}
