//! Any text as a query that is computed without a server.

#![no_main]

use libfuzzer_sys::fuzz_target;
use under_test::sources::raw::parse;

fuzz_target!(|text: &str| {
    match parse(text) {
        Err(reason) => {
            assert!(!reason.is_empty() && !reason.chars().any(char::is_control), "a reason is one line: {reason:?}");
        }
        Ok(query) => {
            let (all, known) = query.selects_itself();
            assert!(known <= all && all > 0, "a query has a selector: {query:?}");
            let written = query.written();
            assert_eq!(parse(&written).as_ref(), Ok(&query), "{written}");
        }
    }
});
