//! The output that a page shows, compared with the output that there is.

/// Stands for one or more lines that a page leaves out.
pub(super) const LEFT_OUT: &str = "…";

/// Whether `found` is what the page shows.
pub(super) fn is_shown(shown: &[String], found: &[String]) -> bool {
    match shown.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first.trim() == LEFT_OUT => (1..=found.len()).any(|skip| is_shown(rest, &found[skip..])),
        Some((first, rest)) => found.first() == Some(first) && is_shown(rest, &found[1..]),
    }
}

/// Both texts as one, with `-` before lines that only the page has and `+` before those that only the output has.
pub(super) fn difference(shown: &[String], found: &[String]) -> String {
    // The longest common subsequence of the rest, for each pair of places.
    let mut common = vec![vec![0_usize; found.len() + 1]; shown.len() + 1];
    for i in (0..shown.len()).rev() {
        for j in (0..found.len()).rev() {
            common[i][j] =
                if shown[i] == found[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < shown.len() || j < found.len() {
        let (mark, line) = if i < shown.len() && j < found.len() && shown[i] == found[j] {
            (i, j) = (i + 1, j + 1);
            (' ', &found[j - 1])
        } else if i < shown.len() && (j == found.len() || common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
            ('-', &shown[i - 1])
        } else {
            j += 1;
            ('+', &found[j - 1])
        };
        text.push_str(&format!("  {mark} {line}\n"));
    }
    text
}

/// What the page should show: all of the output where the page leaves nothing out, else its lines with the most similar
/// line of the output in the place of each that is not there.
pub(super) fn renewed(shown: &[String], found: &[String]) -> Vec<String> {
    if !shown.iter().any(|line| line.trim() == LEFT_OUT) {
        return found.to_vec();
    }
    let similar = |line: &String| {
        let likeness = |other: &&String| strsim::normalized_levenshtein(line, other);
        found.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).cloned().unwrap_or_default()
    };
    let keep = |line: &String| line.trim() == LEFT_OUT || found.contains(line);
    shown.iter().map(|line| if keep(line) { line.clone() } else { similar(line) }).collect()
}

#[test]
fn a_line_with_an_ellipsis_stands_for_one_or_more_lines_and_nothing_else_does() {
    let lines = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let shown = |shown: &str, found: &str| is_shown(&lines(shown), &lines(found));
    assert!(shown("a b", "a b") && shown("… b", "x y b") && shown("a … c …", "a b b c d") && shown("…", "a"));
    for (page, output) in [("a", "a b"), ("a b", "a"), ("… b", "b"), ("a …", "a"), ("a … c", "a b c d"), ("", "a")]
    {
        assert!(!shown(page, output), "{page} is not {output}");
    }
    assert_eq!(renewed(&lines("error:3 …"), &lines("note error:4 end")), lines("error:4 …"));
    assert_eq!(renewed(&lines("error:3"), &lines("note error:4")), lines("note error:4"));
    assert_eq!(difference(&lines("a b d"), &lines("a c d")), "    a\n  - b\n  + c\n    d\n");
}
