#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use super::*;
use crate::sources::prometheus::QuerySet;
use crate::spec::Column;

fn set(selector: &str) -> QuerySet {
    QuerySet::load(None, selector, None, "instance").unwrap()
}

#[test]
fn every_embedded_query_can_be_evaluated_but_those_of_native_histograms() {
    let set = set(r#"job="etcd", instance=~"10\\..*""#);
    for column in Column::all() {
        for form in ["raw", "recorded", "wide"].into_iter().filter(|form| set.has(column, form)) {
            let text = set.text(column, form, "");
            let query = parse(&text).unwrap_or_else(|reason| panic!("{reason}: {text}"));
            assert!(query.selectors().iter().all(|selector| selector.matchers.len() >= 2), "{query:?}");
        }
    }
}

#[test]
fn the_parts_of_a_query_are_recognized() {
    let one = |name: &str| Selector { name: name.to_owned(), matchers: Vec::new() };
    let equal = |name: &str, value: &str| Matcher::new(name, "=", value).unwrap();
    assert_eq!(parse("up").unwrap(), Query::Select(one("up")));
    assert_eq!(parse(" rate( a:b{ } [1h30m] ) ").unwrap(), Query::Rate(one("a:b"), 5_400_000));
    assert_eq!(parse("changes(x[1d])").unwrap(), Query::Changes(one("x"), 86_400_000));
    assert_eq!(parse("last_over_time(x[1d])").unwrap(), Query::Last(one("x"), 86_400_000));
    let quantile = parse(r#"histogram_quantile(0.99, sum by (env, "k8s.name", le) (rate(b[5m])))"#).unwrap();
    let by = vec!["env".to_owned(), "k8s.name".to_owned()];
    assert_eq!(quantile, Query::Quantile { q: 0.99, by, buckets: one("b"), window_ms: 300_000 });
    let sum = Query::Sum { by: vec!["i".to_owned()], selector: one("x"), window_ms: 300_000 };
    assert_eq!(parse("sum by (i) (rate(x[5m]))").unwrap(), sum);
    let matchers = vec![equal("a", "1\"\n"), equal("b.c", r"\d"), equal("e", "é")];
    let selector = Selector { name: "up".to_owned(), matchers };
    let text = r#"up{a="1\"\n", "b.c"=`\d`, e='\u00e9',}"#;
    assert_eq!(parse(text).unwrap(), Query::Select(selector));
    // `and` binds stronger than `or`.
    let select = |name| Box::new(Query::Select(one(name)));
    let and = Query::AndOn(select("b"), vec!["i".to_owned()], select("c"));
    assert_eq!(parse("a or b and on (i) c").unwrap(), Query::Or(select("a"), Box::new(and.clone())));
    assert_eq!(parse("b AND ON(i) c OR a").unwrap(), Query::Or(Box::new(and), select("a")));
}

#[test]
fn anything_else_is_refused_with_a_reason() {
    for (text, words) in [
        ("", "expected the name of a metric instead of 'end of the query'"),
        ("up * 2", "'* 2' is not supported here"),
        ("avg(up)", "the function 'avg' is not supported here"),
        ("irate(up[5m])", "the function 'irate'"),
        ("rate(up[5m] offset 1h)", "expected ')'"),
        ("rate(up[5x])", "'5x' is not a duration"),
        ("rate(up[0s])", "'0s' is not a duration"),
        ("up and down", "'and' needs 'on (…)'"),
        ("up{a=~\"(\"}", "the pattern '(' is invalid (unclosed group)"),
        ("up{a=\"b}", "a string has no closing quote"),
        ("up{a=\"\\q\"}", "the escape '\\q' is not supported"),
        ("histogram_quantile(0.9, rate(b[5m]))", "a quantile needs 'sum by"),
        ("sum(rate(b[5m]))", "a sum needs 'by (…) (rate(…))'"),
        ("sum by (i) (changes(b[5m]))", "a sum needs a rate"),
        ("histogram_quantile(0.9, sum by (i) (rate(b[5m])))", "a quantile needs 'le'"),
        ("up @ 5", "'@ 5' is not supported"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_reason_is_one_line() {
    for text in ["up\n* 2\r", "rate(up[5\n])", "up{a=~\"(\u{202e}\n\"}", "\u{7}"] {
        let error = parse(text).unwrap_err();
        assert_eq!(error, terminal_line(&error));
    }
}

#[test]
fn an_expression_that_would_need_too_much_stack_is_refused() {
    for (start, part) in [("", "("), ("a", " or a"), ("a", " and on () a"), ("", "((a) or ")] {
        let error = parse(&(start.to_owned() + &part.repeat(100_000))).unwrap_err();
        assert_eq!(error, "it has more than 200 operands and parentheses");
    }
    assert!(parse(&format!("{}a{}", "(".repeat(199), ")".repeat(199))).is_ok());
}
