//! What an object store answered, in one sentence.

use object_store::Error;

/// The innermost cause, without the URL of the request, which may hold a signature.
pub(crate) fn reason(error: &Error) -> String {
    let text = match error {
        Error::Generic { source, .. } => text_of(source.as_ref()),
        Error::NotFound { source, .. }
        | Error::PermissionDenied { source, .. }
        | Error::Unauthenticated { source, .. }
        | Error::NotSupported { source } => text_of(source.as_ref()),
        other => other.to_string(),
    };
    if asks_this_machine(&text) {
        return "no login was found in the environment or in the usual files, and this machine has none of its own"
            .to_owned();
    }
    let answer = text.split_once(" - ").map_or(text.as_str(), |(_, answer)| answer);
    match (element(answer, "Code"), element(answer, "Message")) {
        (Some(code), Some(message)) => {
            // Azure adds lines with the number and the time of the request.
            let message = message.lines().next().unwrap_or_default();
            format!("the store answers {code}: {}", message.trim_end().trim_end_matches('.'))
        }
        (Some(code), None) => format!("the store answers {code}"),
        _ => one_line(answer.strip_prefix("Server returned non-2xx status code: ").unwrap_or(answer)),
    }
}

/// Whether the request was for the login of this machine: the error shows the address of the cloud's metadata.
pub(super) fn asks_this_machine(text: &str) -> bool {
    text.contains("169.254.") || text.contains("metadata.google.internal")
}

/// A cause and the causes behind it, of which the last often says most.
pub(super) fn text_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

/// The text of the first XML element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim()).filter(|text| !text.is_empty())
}

/// The longest reason that is shown, in characters: some servers answer with a web page.
const LONGEST: usize = 200;

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches([':', '.', ' ']);
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{} …", &line[..cut]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &'static str) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn an_answer_is_shown_by_its_code_and_message() {
        let error = generic(
            "Error performing PUT http://h/b/k?X-Amz-Signature=abc in 1ms - Server returned non-2xx status code: 403 \
             Forbidden: <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>",
        );
        assert_eq!(reason(&error), "the store answers AccessDenied: Access Denied");
    }

    #[test]
    fn of_a_message_the_first_line_is_shown() {
        let error = generic(
            "Error performing GET http://h/c in 1ms - Server returned non-2xx status code: 403 Forbidden: \
             <Error><Code>AuthorizationFailure</Code><Message>Server failed to authenticate the request.\r\n\
             RequestId:77ac0ed4-216c-4fdd-a1a3-81156877c34f\r\nTime:2026-12-01T09:49:42.081Z</Message></Error>",
        );
        assert_eq!(reason(&error), "the store answers AuthorizationFailure: Server failed to authenticate the request");
    }

    #[test]
    fn a_web_page_is_cut_and_put_on_one_line() {
        let error =
            generic("Error performing GET http://h/b in 1ms - Server returned non-2xx status code: 502: <html>\n a");
        assert_eq!(reason(&error), "502: <html> a");
    }

    #[test]
    fn a_search_for_a_login_of_the_machine_is_told_as_what_it_is() {
        let error = generic("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error: x");
        assert!(reason(&error).starts_with("no login was found"), "{}", reason(&error));
    }
}
