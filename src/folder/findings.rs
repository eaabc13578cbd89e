use crate::tariff::{Finding, Severity};

/// What is wrong or odd in a folder. Of many, the first are kept and the rest are counted.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    errors: u64,
    warnings: u64,
}

const KEPT: usize = 1000;

/// A field of a file may be 64 KiB long; a message repeats no more than this of one.
const SHOWN_CHARS: usize = 2000;

fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(SHOWN_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

impl Findings {
    /// The findings kept, in the order in which they were made.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many stop the load.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// How many do not.
    pub fn warnings(&self) -> u64 {
        self.warnings
    }

    /// How many were counted but not kept.
    pub fn not_kept(&self) -> u64 {
        let kept = self.kept.len() as u64;
        self.errors.saturating_add(self.warnings).saturating_sub(kept)
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        let count = match finding.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count = count.saturating_add(1);
        if self.kept.len() < KEPT {
            self.kept.push(finding);
        }
    }

    /// Adds those of another folder.
    pub fn add(&mut self, other: Self) {
        self.errors = self.errors.saturating_add(other.errors);
        self.warnings = self.warnings.saturating_add(other.warnings);
        let room = KEPT.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
    }

    /// Puts those from one on, which are of one file, into the order of its lines: some rows waited.
    pub(super) fn order_from(&mut self, first: usize) {
        self.kept.get_mut(first..).into_iter().for_each(|of_file| of_file.sort_by_key(|finding| finding.line));
    }

    pub(super) fn error(&mut self, file: &str, line: u32, message: String) {
        self.push(Finding::error(file, line, cut(message)));
    }

    pub(super) fn warning(&mut self, file: &str, line: u32, message: String) {
        self.push(Finding::warning(file, line, cut(message)));
    }
}
