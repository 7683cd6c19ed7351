//! Moments, spans and sizes in words for people.

/// How long ago a moment was, e.g. `3 min ago`; `in the future` for one that is to come.
pub fn ago(now: u64, then: u64) -> String {
    match now.checked_sub(then) {
        None => "in the future".to_owned(),
        Some(0..=1) => "just now".to_owned(),
        Some(seconds) => format!("{} ago", span(seconds)),
    }
}

/// A span in its largest fitting unit, e.g. `90 s`, `3 min`, `2 h`, `5 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A date in UTC, e.g. `2026-11-22`.
pub fn date(unix_seconds: u64) -> String {
    // Days since 0000-03-01, in 400-year cycles of 146,097 days; years begin in March, so that the
    // leap day is their last.
    let days = unix_seconds / 86_400 + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = cycle * 400 + year_of_cycle + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A count with thousands separated, e.g. `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size in binary units, e.g. `3.2 GiB`.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_024.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_700_000_000, "2023-11-14"),
            (4_107_542_400, "2100-03-01"),
            (8_589_934_591, "2242-03-16"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn words_are_short() {
        assert_eq!(ago(100, 100), "just now");
        assert_eq!(ago(500, 100), "6 min ago");
        assert_eq!(ago(100, 500), "in the future");
        assert_eq!(span(200_000), "2 days");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_536), "1.5 KiB");
    }
}
