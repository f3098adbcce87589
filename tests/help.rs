//! The command lines as documented: `--help` of each program is its page in docs/cli, a flag means
//! the same in all programs, every error code has its section in docs/errors.md, and every form of
//! evidence its definition in docs/types.md.

use crate::support::program::run;
use clap::{Arg, Command, CommandFactory};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use waybill_common::fault::Code;
use waybill_common::profile::evidence::Form;

#[path = "../bins/analyze/args.rs"]
#[expect(dead_code, reason = "only the definition is looked at")]
mod analyze;
#[path = "../bins/export/args.rs"]
#[expect(dead_code, reason = "only the definition is looked at")]
mod export;
#[path = "../bins/import/args/mod.rs"]
#[expect(dead_code, reason = "only the definition is looked at")]
mod import_args;
#[path = "../bins/verify/args.rs"]
#[expect(dead_code, reason = "only the definition is looked at")]
mod verify;

fn commands() -> [Command; 4] {
    [
        analyze::Args::command(),
        export::Args::command(),
        verify::Args::command(),
        import_args::Args::command(),
    ]
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Compares a generated page with the one in docs, or writes it with `WAYBILL_BLESS=1`.
fn assert_page(path: &Path, expected: &str) {
    if std::env::var_os("WAYBILL_BLESS").is_some() {
        fs::write(path, expected).expect("the page can be written");
    }
    let page = fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == expected,
        "{} is not what --help says; WAYBILL_BLESS=1 cargo test rewrites it",
        path.display()
    );
}

/// The programs, each followed by its own commands.
fn all_commands() -> Vec<Command> {
    let mut all = Vec::new();
    for mut program in commands() {
        program.build();
        all.push(program.clone());
        all.extend(program.get_subcommands().cloned());
    }
    all
}

#[test]
fn the_page_of_each_program_and_command_is_its_help() {
    for program in commands() {
        let name = program.get_name();
        assert_help_page(name, &[]);
        for command in program.get_subcommands() {
            assert_help_page(name, &[command.get_name()]);
        }
    }
}

fn assert_help_page(program: &str, command: &[&str]) {
    let line = [&[program], command].concat();
    let help = run(program, command.iter().chain(&["--help"]))
        .exits(0)
        .stdout();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    let page = format!(
        "# {line}\n\n<!-- Generated from `{line} --help` by tests/help.rs. -->\n\n```text\n{}\n```\n",
        lines.join("\n"),
        line = line.join(" "),
    );
    let line = line.join("-");
    let name = line.strip_prefix("waybill-").expect("all begin so");
    assert_page(&docs().join(format!("cli/{name}.md")), &page);
}

#[test]
fn the_definitions_are_sound() {
    for command in commands() {
        command.debug_assert();
    }
}

/// All that a reader of the help learns of a flag.
fn meaning(argument: &Arg) -> String {
    let text = |styled: Option<&clap::builder::StyledStr>| styled.map(ToString::to_string);
    format!(
        "-{:?} --{:?} {:?} default {:?} values {:?}\n{:?}\n{:?}",
        argument.get_short(),
        argument.get_long(),
        argument.get_value_names(),
        argument.get_default_values(),
        argument
            .get_possible_values()
            .iter()
            .map(|value| (
                value.get_name().to_owned(),
                value.get_help().map(ToString::to_string)
            ))
            .collect::<Vec<_>>(),
        text(argument.get_help()),
        text(argument.get_long_help()),
    )
}

#[test]
fn a_flag_has_the_same_meaning_in_every_program() {
    let mut flags: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut shared = 0;
    for command in all_commands() {
        for argument in command.get_arguments().filter(|one| !one.is_positional()) {
            let long = argument.get_long().map(|long| format!("--{long}"));
            let short = argument.get_short().map(|short| format!("-{short}"));
            for flag in long.into_iter().chain(short) {
                let here = (command.get_name().to_owned(), meaning(argument));
                let first = flags.entry(flag.clone()).or_insert_with(|| here.clone());
                assert_eq!(first.1, here.1, "{flag} of {} and {}", first.0, here.0);
                shared += usize::from(first.0 != here.0);
            }
        }
    }
    assert!(shared > 20, "the programs share their flags: {shared}");
}

#[test]
fn no_program_takes_h_as_a_flag() {
    for command in all_commands() {
        let taken = command
            .get_arguments()
            .any(|one| one.get_short() == Some('h'));
        assert!(!taken, "{}", command.get_name());
    }
}

#[test]
fn every_code_has_its_section_and_its_exit_code() {
    let page = fs::read_to_string(docs().join("errors.md")).expect("docs/errors.md is readable");
    let sections: Vec<_> = page.split("\n## ").skip(1).collect();
    let names: Vec<_> = sections
        .iter()
        .filter_map(|text| text.lines().next())
        .collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names, codes, "one section a code, in the order of fault.rs");
    for (code, section) in Code::ALL.iter().zip(sections) {
        let exit = code.exit();
        let line = format!("Exit code {} ({})", exit as i32, exit.name());
        assert!(section.contains(&line), "{}: {line}", code.name());
        assert!(section.contains("**What to do:**"), "{}", code.name());
    }
}

#[test]
fn every_code_is_in_the_schema_of_results() {
    let schema = fs::read(docs().join("result.schema.json")).expect("the schema is readable");
    let schema: serde_json::Value = serde_json::from_slice(&schema).expect("the schema is JSON");
    let listed: Vec<_> = schema["$defs"]["code"]["enum"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(listed, codes);
}

#[test]
fn every_form_of_evidence_is_defined_in_the_order_of_the_manifest() {
    let page = fs::read_to_string(docs().join("types.md")).expect("docs/types.md is readable");
    let (_, section) = page
        .split_once("\n## Forms of evidence\n")
        .expect("the section is there");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let defined: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let forms: Vec<_> = Form::ALL.iter().map(|form| form.name()).collect();
    assert_eq!(defined, forms);
    let format = fs::read_to_string(docs().join("format.md")).expect("docs/format.md is readable");
    let (_, listed) = format
        .split_once("The forms of version 1, in order:")
        .expect("the list is there");
    let listed = listed.split("\n[").next().unwrap_or_default();
    let listed: Vec<_> = listed.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, forms);
}
