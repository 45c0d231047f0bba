//! Pseudonyms of clusters and members: a key always gives a name the same one, and without the key nobody can tell the name.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Member, Origin, QuerySource, Source, SourceName};

/// The shortest key, in bytes. A shorter one can be found by trying.
const LEAST: usize = 16;
/// Bytes of the HMAC in a pseudonym: two of 30,000 names get the same one with a probability of 2 in a million.
const BYTES: usize = 6;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PseudonymError {
    /// The key is too short.
    #[error("the key has {0} bytes, and needs at least {LEAST}: make one with 'head -c 32 /dev/urandom | base64'")]
    Short(usize),
    /// Two names with the same pseudonym.
    #[error("{0} and {1} get the same pseudonym: use another key")]
    Same(String, String),
}

/// Gives names their pseudonyms.
///
/// A pseudonym is the start of the HMAC-SHA256 of a JSON array, in hexadecimal, after the kind of name:
/// `["cluster","prod"]` and `["member","prod","m1"]`. The same key gives the same pseudonym in every version and history.
pub(crate) struct Pseudonyms(Hmac<Sha256>);

impl Pseudonyms {
    /// The pseudonyms of a key, without the line break at its end.
    pub(crate) fn of(key: &[u8]) -> Result<Self, PseudonymError> {
        let key = key.trim_ascii_end();
        let keyed = Hmac::new_from_slice(key).ok().filter(|_| key.len() >= LEAST);
        keyed.map(Self).ok_or(PseudonymError::Short(key.len()))
    }

    /// The pseudonym of a member, such as `cluster-0c47f1c2a5de` and `member-9b1f60e3ca27`. Members of the same name in two
    /// clusters have different ones. In a history of several sources, that of the source comes first:
    /// `source-5b03ad4c9e11/cluster-0c47f1c2a5de`.
    fn member(&self, member: &Member, origin: &Origin) -> Member {
        let (cluster, name) = (&*member.cluster, &*member.member);
        let own = self.name("cluster", &[cluster]);
        let own = origin.source_of(cluster).map(|source| self.of_source(source).cluster(&own)).unwrap_or(own);
        Member::new(&own, &self.name("member", &[cluster, name]))
    }

    /// The pseudonym of one of several sources.
    pub(crate) fn of_source(&self, source: &SourceName) -> SourceName {
        SourceName::pseudonym(self.name("source", &[source.as_str()]))
    }

    /// The pseudonyms of these members. Fails if two of them have the same.
    pub(crate) fn members<'a>(
        &self,
        members: impl IntoIterator<Item = &'a Member>,
        origin: &Origin,
    ) -> Result<BTreeMap<Member, Member>, PseudonymError> {
        let named = members.into_iter().map(|member| (member.clone(), self.member(member, origin)));
        told_apart(named.collect())
    }

    /// A source without a URL, path or header, and without the label values in its queries, which may name clusters.
    /// Different sources stay different.
    pub(crate) fn source(&self, source: &Source) -> Source {
        let origin = serde_json::to_string(&source.origin).unwrap_or_default();
        let sources = source.origin.sources().iter().map(|(name, source)| (self.of_source(name), self.source(source)));
        let hidden = |query: &QuerySource| QuerySource { form: query.form.clone(), promql: self.query(&query.promql) };
        Source {
            origin: Origin::anonymized(&self.name("source", &[&origin]), sources.collect()),
            queries: source.queries.iter().map(|(name, query)| (name.clone(), hidden(query))).collect(),
            ..source.clone()
        }
    }

    /// A PromQL expression in which each string has a pseudonym in its place, and comments are left out.
    fn query(&self, promql: &str) -> String {
        let (mut hidden, mut rest) = (String::new(), promql);
        while let Some(at) = rest.find(['"', '\'', '`', '#']) {
            hidden.push_str(&rest[..at]);
            let (mark, after) = (rest.as_bytes()[at], &rest[at + 1..]);
            if mark == b'#' {
                rest = after.find('\n').map_or("", |end| &after[end..]);
                continue;
            }
            let end = end_of_string(after, mark);
            hidden.push_str(&format!("\"{}\"", self.name("value", &[&after[..end]])));
            rest = after.get(end + 1..).unwrap_or_default();
        }
        hidden + rest
    }

    fn name(&self, kind: &str, names: &[&str]) -> String {
        let all: Vec<&str> = std::iter::once(kind).chain(names.iter().copied()).collect();
        let mut hmac = self.0.clone();
        hmac.update(serde_json::to_string(&all).unwrap_or_default().as_bytes());
        let digest = hmac.finalize().into_bytes();
        let digits: String = digest.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("{kind}-{digits}")
    }
}

/// Fails if two members, or two clusters, have the same pseudonym.
fn told_apart(named: BTreeMap<Member, Member>) -> Result<BTreeMap<Member, Member>, PseudonymError> {
    let (mut clusters, mut members) = (BTreeMap::new(), BTreeMap::new());
    for (member, pseudonym) in &named {
        let cluster = clusters.entry(&pseudonym.cluster).or_insert(&member.cluster);
        if *cluster != &member.cluster {
            return Err(PseudonymError::Same((*cluster).to_string(), member.cluster.to_string()));
        }
        if let Some(other) = members.insert(pseudonym, member) {
            return Err(PseudonymError::Same(other.member.to_string(), member.member.to_string()));
        }
    }
    Ok(named)
}

/// Where a PromQL string ends in `text`, which begins after its first quote: the place of the last quote.
fn end_of_string(text: &str, quote: u8) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if quote != b'`' => is_escaped = true,
            _ if byte == quote => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key of 24 characters.\n";

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::of(KEY).unwrap()
    }

    #[test]
    fn a_key_needs_sixteen_bytes_without_its_line_break() {
        assert_eq!(Pseudonyms::of(b"0123456789abcde\r\n").err(), Some(PseudonymError::Short(15)));
        assert!(Pseudonyms::of(b"0123456789abcdef").is_ok());
    }

    #[test]
    fn strings_of_queries_are_hidden_and_nothing_else() {
        let value = |raw: &str| format!("\"{}\"", pseudonyms().name("value", &[raw]));
        for (promql, hidden) in [
            (
                "max by (instance) (etcd{job=\"prod\"} > 0.5)",
                format!("max by (instance) (etcd{{job={}}} > 0.5)", value("prod")),
            ),
            (r#"a{b="x\"y"} or c{d='z'}"#, format!("a{{b={}}} or c{{d={}}}", value(r#"x\"y"#), value("z"))),
            ("a{b=`x\\`,c=\"\"}", format!("a{{b={},c={}}}", value("x\\"), value(""))),
            ("a # of prod\n + b", "a \n + b".to_owned()),
            ("a # of prod", "a ".to_owned()),
            ("a{b=\"prüf", format!("a{{b={}", value("prüf"))),
            ("etcd_size", "etcd_size".to_owned()),
        ] {
            assert_eq!(pseudonyms().query(promql), hidden, "{promql}");
        }
    }

    #[test]
    fn two_names_with_one_pseudonym_are_an_error_that_names_them() {
        let (a, b) = (Member::new("a", "m1"), Member::new("b", "m2"));
        let named = |first: &Member, second: &Member| {
            told_apart([(a.clone(), first.clone()), (b.clone(), second.clone())].into())
        };
        assert!(named(&Member::new("x", "1"), &Member::new("y", "1")).is_ok());
        let same = |one: &str, other: &str| Some(PseudonymError::Same(one.to_owned(), other.to_owned()));
        assert_eq!(named(&Member::new("x", "1"), &Member::new("x", "2")).err(), same("a", "b"));
        let twins = [(Member::new("a", "m1"), Member::new("x", "1")), (Member::new("a", "m2"), Member::new("x", "1"))];
        assert_eq!(told_apart(twins.into()).err(), same("m1", "m2"));
    }
}
