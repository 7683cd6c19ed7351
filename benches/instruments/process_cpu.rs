//! CPU time of a whole process, as `/proc/<pid>/stat` has it: also of threads that have ended.

/// `USER_HZ`, which is the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time from a field on, counted behind the program's name: 11 for the process itself, 13 for the children
/// which it has waited for.
pub(crate) fn cpu_seconds(stat: &str, field: usize) -> f64 {
    // The name is in parentheses.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(field).take(2);
    let ticks: f64 = times.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}
