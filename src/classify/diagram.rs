use super::transitions::TRANSITIONS;
use std::fmt::Write;

/// The moves of [`TRANSITIONS`] as a Mermaid state diagram, a line each, in the order of the table. † is not in the
/// source.
pub fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n");
    for row in &TRANSITIONS {
        let from = row.from.map_or("[*]", |status| status.name());
        let mark = if row.decided { " †" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {from} --> {}: {}{mark} ({})", row.to, row.says, row.rule);
    }
    text
}
