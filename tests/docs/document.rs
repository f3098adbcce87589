//! What stands in a page of Markdown: commands with their output, scripts, links, flags.

use std::collections::BTreeSet;

/// A page, taken apart.
pub(super) struct Document {
    /// Its path in the repository.
    pub(super) path: String,
    /// What it tells the reader to do, in order.
    pub(super) steps: Vec<Step>,
    /// Targets of its links.
    pub(super) links: Vec<String>,
    /// Long flags it mentions.
    pub(super) flags: BTreeSet<String>,
}

/// Something to do.
pub(super) enum Step {
    /// A command, at a line of the page, with the lines it prints.
    Command {
        line: usize,
        command: String,
        output: Vec<String>,
    },
    /// A script to save under a name.
    Script { name: String, text: String },
}

impl Document {
    /// Takes a page apart.
    pub(super) fn parse(path: &str, text: &str) -> Document {
        let mut steps = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let Some(language) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<_> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .collect();
            match language {
                "console" => steps.extend(commands(path, at + 2, &block)),
                "bash" => steps.push(script(path, at + 2, &block)),
                "" | "text" | "json" | "toml" | "sql" => {}
                other => panic!("{path}:{}: a block in `{other}` is not run", at + 1),
            }
        }
        Document {
            path: path.to_owned(),
            steps,
            links: links(text),
            flags: flags(text),
        }
    }

    /// All commands.
    pub(super) fn commands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Command { command, .. } => Some(command.as_str()),
            Step::Script { .. } => None,
        })
    }
}

fn commands(path: &str, first: usize, block: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, text) in block.iter().enumerate() {
        match (text.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step::Command {
                line: first + at,
                command: command.to_owned(),
                output: Vec::new(),
            }),
            (None, Some(Step::Command { command, .. })) if text.starts_with("> ") => {
                command.push('\n');
                command.push_str(&text[2..]);
            }
            (None, Some(Step::Command { output, .. })) => output.push((*text).to_owned()),
            _ => panic!("{path}:{}: output without a command", first + at),
        }
    }
    steps
}

fn script(path: &str, line: usize, block: &[&str]) -> Step {
    let name = match block {
        ["#!/usr/bin/env bash", name, ..] => name.strip_prefix("# "),
        _ => None,
    };
    let name = name.and_then(|name| name.split_whitespace().next());
    let name = name.filter(|name| name.strip_suffix(".sh").is_some());
    Step::Script {
        name: name
            .unwrap_or_else(|| panic!("{path}:{line}: a script begins with #! and its name"))
            .to_owned(),
        text: block.join("\n") + "\n",
    }
}

fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

/// The long flags in a text, such as `--json`.
pub(super) fn flags(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| {
            word.strip_prefix("--")
                .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        })
        .map(str::to_owned)
        .collect()
}

/// The anchors of a page's headings, as the usual viewers make them.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| {
            heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}
