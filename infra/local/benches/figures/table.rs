//! Figures as people read them, in a Markdown table.

use std::time::Duration;

/// A table whose rows are shown as they come: measuring takes its time.
pub(crate) struct Table {
    say: fn(&str),
}

impl Table {
    pub(crate) fn new(say: fn(&str), heads: &[&str]) -> Self {
        say(&line(heads));
        say(&line(&vec!["---"; heads.len()]));
        Self { say }
    }

    pub(crate) fn row(&self, cells: &[String]) {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        (self.say)(&line(&cells));
    }
}

fn line(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// Of sorted values, the one below which this share lies.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * share).round() as usize).copied().unwrap_or_default()
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

/// `25,000`
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
