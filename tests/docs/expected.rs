//! Compares output with what a page shows of it.

/// Whether `found` is what is shown: `…` alone on a line stands for any lines, within a line for
/// any text, and a SHA-256 for any other.
pub(super) fn fits(shown: &[String], found: &str) -> bool {
    let found: Vec<_> = found.lines().map(plain).collect();
    let shown: Vec<_> = shown.iter().map(|line| plain(line)).collect();
    lines_fit(&shown, &found)
}

fn lines_fit(shown: &[String], found: &[String]) -> bool {
    match (shown, found) {
        ([], []) => true,
        ([any, shown @ ..], _) if any == "…" => {
            (0..=found.len()).any(|skipped| lines_fit(shown, &found[skipped..]))
        }
        ([first, shown @ ..], [line, found @ ..]) => {
            line_fits(first, line) && lines_fit(shown, found)
        }
        _ => false,
    }
}

fn line_fits(shown: &str, found: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = pieces.next().and_then(|start| found.strip_prefix(start)) else {
        return false;
    };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(end) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(end)
}

/// A line without blanks at its end, and with every digest replaced by a word.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut digits = String::new();
    for c in line.trim_end().chars().chain(['\n']) {
        if matches!(c, '0'..='9' | 'a'..='f') {
            digits.push(c);
            continue;
        }
        plain.push_str(if digits.len() == 64 {
            "DIGEST"
        } else {
            &digits
        });
        digits.clear();
        plain.push(c);
    }
    plain.pop();
    plain
}

#[test]
fn what_is_not_shown_does_not_fit() {
    let fit = |shown: &[&str], found: &str| {
        let shown: Vec<_> = shown.iter().map(|line| (*line).to_owned()).collect();
        fits(&shown, found)
    };
    let (one, other) = ("a".repeat(64), "0".repeat(64));
    assert!(fit(&[], "") && !fit(&[], "a\n") && !fit(&["a"], ""));
    assert!(fit(&["a", "…", "c"], "a\nb\nb\nc\n") && fit(&["a", "…"], "a\n"));
    assert!(!fit(&["a", "…", "c"], "a\nb\n") && !fit(&["…", "c"], "c\nb\n"));
    assert!(fit(&["a … c"], "a b c") && !fit(&["a … c"], "a b") && !fit(&["a…a"], "a"));
    assert!(fit(&[&format!("root {one}")], &format!("root {other}\n")));
    assert!(!fit(
        &[&format!("root {one}")],
        &format!("root {}\n", &other[1..])
    ));
}
