//! Resident memory of another process, from the text of its files in `/proc`.

/// Kilobytes on the line `NAME  123 kB`; 0 when there is none.
pub(crate) fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Resident pages of the event store's file, and of those in which rows wait to be indexed: the kernel takes them
/// back when somebody needs room.
pub(crate) fn map_kb(smaps: &str) -> u64 {
    let mut is_map = false;
    let mut total = 0;
    for line in smaps.lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if first.contains('-') {
            is_map = line.ends_with("/data.mdb") || line.contains("/rows-that-wait");
        } else if is_map && first == "Rss:" {
            total += field(line, "Rss:");
        }
    }
    total
}
