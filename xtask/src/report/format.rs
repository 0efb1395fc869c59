//! Numbers as people read them.

/// A number of keys: `1 K`, `4 M`, or the number itself.
pub fn keys(n: u64) -> String {
    match n {
        n if n >= 1_000_000 && n % 100_000 == 0 => format!("{} M", n as f64 / 1e6),
        n if n >= 1_000 && n % 100 == 0 => format!("{} K", n as f64 / 1e3),
        n => n.to_string(),
    }
}

/// Three significant digits, as far as they lie behind the point.
pub fn figure(x: f64) -> String {
    match x {
        x if !x.is_finite() => "–".into(),
        x if x >= 99.95 => format!("{x:.0}"),
        x if x >= 9.995 => format!("{x:.1}"),
        x => format!("{x:.2}"),
    }
}

/// A ratio: `1.32 ×`.
pub fn ratio(x: f64) -> String {
    format!("{} ×", figure(x))
}

/// A ratio, or a dash if there is none.
pub fn ratio_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), ratio)
}

/// A number of bytes: `512 B`, `1.5 KiB`, `23 GiB`.
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value.fract() == 0.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// As [`bytes`], of a figure; below a KiB with a fraction, since it may be a mean.
pub fn bytes_of(x: f64) -> String {
    match x {
        x if !x.is_finite() => "–".into(),
        x if x < 1024.0 && x.fract() != 0.0 => format!("{} B", figure(x)),
        x => bytes(x.max(0.0).round() as u64),
    }
}

/// A whole number, its thousands apart.
pub fn count(x: f64) -> String {
    let digits = format!("{:.0}", x.abs());
    let mut text = if x <= -0.5 { String::from("−") } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share, as a percentage.
pub fn percent(share: f64) -> String {
    // What is whole but for the error of the arithmetic is whole.
    match (share * 1e8).round() / 1e6 {
        x if x >= 9.95 => format!("{x:.0} %"),
        x if x.fract() == 0.0 => format!("{x} %"),
        x if x < 0.01 => "< 0.01 %".into(),
        x => format!("{x:.2} %"),
    }
}

/// A time with its unit, of nanoseconds.
pub fn nanoseconds(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{} ns", figure(ns)),
        ns if ns < 1e6 => format!("{} µs", figure(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", figure(ns / 1e6)),
        ns => format!("{} s", figure(ns / 1e9)),
    }
}

/// A time with its unit, of seconds.
pub fn seconds(s: f64) -> String {
    nanoseconds(s * 1e9)
}

/// `1 thread`, `2 threads`.
pub fn threads(n: u32) -> String {
    if n == 1 { "1 thread".into() } else { format!("{n} threads") }
}

/// What an entry is, in words.
pub fn entry(id: &str) -> &str {
    match id {
        "u64" => "u64 → u64",
        "string" => "28-byte String → 128-byte value",
        other => other,
    }
}

/// A description as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A day in UTC, `2025-01-31`, from seconds since the Unix epoch.
pub fn date(unix_time: u64) -> String {
    // Counts years from March, so that the leap day is a year's last day; an era is 400 years.
    let days = unix_time / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!([keys(1_000), keys(4_000_000), keys(1_900_000)], ["1 K", "4 M", "1.9 M"]);
        assert_eq!([keys(64), keys(1_024)], ["64", "1024"]);
        assert_eq!([figure(620.4), figure(99.96), figure(22.34)], ["620", "100", "22.3"]);
        assert_eq!([figure(9.996), figure(0.5), figure(f64::INFINITY)], ["10.0", "0.50", "–"]);
        assert_eq!([bytes(0), bytes(1024), bytes(1536)], ["0 B", "1 KiB", "1.5 KiB"]);
    }

    #[test]
    fn numbers_with_units() {
        assert_eq!([bytes_of(17.25), bytes_of(2048.4), bytes_of(-1.0)], ["17.2 B", "2 KiB", "0 B"]);
        assert_eq!(
            [count(1_234_567.0), count(-12.0), count(0.0)],
            ["1\u{202f}234\u{202f}567", "−12", "0"]
        );
        assert_eq!([percent(0.5), percent(0.0123), percent(1e-6)], ["50 %", "1.23 %", "< 0.01 %"]);
        assert_eq!([percent(0.0), percent(0.05)], ["0 %", "5 %"]);
        assert_eq!(sentence("all write one key"), "All write one key.");
        assert_eq!(
            [nanoseconds(12.34), seconds(0.002), seconds(3.0)],
            ["12.3 ns", "2.00 ms", "3.00 s"]
        );
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(951_868_800), "2000-03-01");
        assert_eq!(date(1_767_225_599), "2025-12-31");
    }
}
