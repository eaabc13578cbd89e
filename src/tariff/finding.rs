use std::fmt;

/// Whether a finding stops the load.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Nothing is loaded while it stands.
    Error,
    /// Told, and loaded all the same.
    Warning,
}

/// One thing that is wrong or odd in reference data: where, what, and what to do about it.
///
/// Also used by the readers of `accounts.csv` and its neighbours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whether it stops the load.
    pub severity: Severity,
    /// The file, as the reader named it.
    pub file: String,
    /// Line from 1; 0 means the whole file.
    pub line: u32,
    /// What is wrong and with which value.
    pub message: String,
    /// The remedy, where there is one to name.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding that stops the load.
    pub fn error(file: impl Into<String>, line: u32, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, file: file.into(), line, message: message.into(), hint: None }
    }

    /// A finding that is told only.
    pub fn warning(file: impl Into<String>, line: u32, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, line, message) }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether it stops the load.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `tariffs/2026.toml:31: unknown zone …`, with `warning: ` before a warning's message and the hint on its own line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, ": {severity}{}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Longest piece of a file that a message repeats, in characters.
const SHOWN_CHARS: usize = 60;

/// Text of a file for a message: in back quotes, without control characters, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for c in text.chars().take(SHOWN_CHARS) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Names for a message, in back quotes; from the eleventh on only their number.
pub(crate) fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 10;
    let mut names = names.into_iter();
    let mut text = names.by_ref().take(SHOWN).map(quoted).collect::<Vec<_>>().join(", ");
    let more = names.count();
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// The candidate that a mistyped name most likely means: at most a third of its letters differ.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Beyond this the answer is not worth its time.
    const MOST_CANDIDATES: usize = 5_000;
    const MOST_CHARS: usize = 40;
    if typed.chars().nth(MOST_CHARS).is_some() {
        return None;
    }
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let allowed = typed.len().div_ceil(3).min(3);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| candidate.len() <= MOST_CHARS.saturating_mul(2))
        .map(|candidate| (edit_distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete, replace or swap with a neighbour.
fn edit_distance(typed: &[char], candidate: &str) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=typed.len()).collect();
    let mut previous = None;
    for (row, letter) in candidate.chars().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, typed_letter) in typed.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let replaced = at(&last, column).saturating_add(usize::from(*typed_letter != letter));
            let inserted = at(&current, column).saturating_add(1);
            let deleted = at(&last, column.saturating_add(1)).saturating_add(1);
            let swapped = match column.checked_sub(1) {
                Some(left) if typed.get(left) == Some(&letter) && previous == Some(*typed_letter) => {
                    at(&before_last, left).saturating_add(1)
                }
                _ => usize::MAX,
            };
            current.push(replaced.min(inserted).min(deleted).min(swapped));
        }
        previous = Some(letter);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_and_what_to_do() {
        let error = Finding::error("a.toml", 3, "unknown zone `x`").with_hint("did you mean `y`?");
        assert_eq!(error.to_string(), "a.toml:3: unknown zone `x`\n  hint: did you mean `y`?");
        assert_eq!(Finding::warning("a.toml", 0, "odd").to_string(), "a.toml: warning: odd");
    }

    #[test]
    fn text_of_files_cannot_disturb_a_terminal() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert_eq!(quoted(&"x".repeat(1_000_000)).chars().count(), 63);
        assert_eq!(quoted_list((0..12).map(|_| "z")), format!("{} and 2 more", ["`z`"; 10].join(", ")));
    }

    #[test]
    fn the_nearest_name_is_near() {
        let keys = ["minimum_units", "monthly_fee", "unit", "zones"];
        for (typed, meant) in [
            ("minimun_units", Some("minimum_units")),
            ("Unit", Some("unit")),
            ("zoens", Some("zones")),
            ("zone", Some("zones")),
            ("currency", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
    }
}
