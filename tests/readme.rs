//! What README.md shows is what the program prints today.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");
/// How a block that shows a command begins.
const PROMPT: &str = "$ cargo run --release -- ";
/// Where lines, or the ends of lines, are left out.
const ELLIPSIS: char = '…';

fn esep(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_esep")).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The indented blocks, without their indentation.
fn blocks() -> Vec<Vec<&'static str>> {
    let mut blocks = vec![Vec::new()];
    for line in README.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(line), Some(block)) => block.push(line),
            (None, Some(block)) if line.is_empty() && !block.is_empty() => block.push(""),
            _ => blocks.push(Vec::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// Each line that is shown was printed, in this order.
fn holds(shown: &[&str], printed: &str) {
    let mut printed = printed.lines();
    for line in shown.iter().filter(|line| !line.is_empty() && !line.trim_start().starts_with(ELLIPSIS)) {
        let found = match line.trim_end().strip_suffix(ELLIPSIS) {
            Some(beginning) => printed.any(|of| of.starts_with(beginning.trim_end_matches([',', ' ']))),
            None => printed.any(|of| of.trim_end() == line.trim_end()),
        };
        assert!(found, "README.md shows what is not printed, or not there:\n{line}");
    }
}

#[test]
fn what_the_readme_shows_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-cdr");
    let data = folder.path().join("esep-data");
    let ran = esep(sample.parent().unwrap(), &["run", "sample-cdr", "--data", data.to_str().unwrap()]);
    let ran = ran.replace(data.to_str().unwrap(), "esep-data");
    let mut shown = 0;
    for block in blocks() {
        match block.split_first() {
            Some((first, rest)) if first.starts_with(PROMPT) => {
                let args: Vec<&str> = first.trim_start_matches(PROMPT).split(' ').collect();
                holds(rest, &esep(folder.path(), &args));
                shown += 1;
            }
            Some((first, _)) if first.starts_with("file ") => {
                holds(&block, &ran);
                shown += 1;
            }
            _ => {}
        }
    }
    assert_eq!(shown, 3, "blocks of printed lines");
}

/// The table of commands has each command, and no other.
#[test]
fn every_command_is_in_the_table() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let help = esep(here, &["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter_map(|line| {
        let name = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        name.split(' ').next()
    });
    let table = README.split("## Commands").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).flat_map(|code| code.split([' ', ','])).collect();
    for command in commands.filter(|command| *command != "help") {
        assert!(named.contains(&command), "README.md does not name `esep {command}`");
    }
    for row in table.lines().filter_map(|row| row.strip_prefix("| `esep ")) {
        let name: String = row.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '-').collect();
        esep(here, &[&name, "--help"]);
    }
}
