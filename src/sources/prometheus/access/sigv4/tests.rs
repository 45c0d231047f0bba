//! Tests of what is signed. `tests/behaviour/access/sigv4.rs` compares the signatures with botocore's.

use url::Url;

use super::{region_of_host, with_strict_query};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The names of Amazon's endpoints: https://docs.aws.amazon.com/general/latest/gr/prometheus-service.html, and those of
/// VPC endpoints.
#[test]
fn the_region_is_the_one_in_the_name_of_the_host() {
    for (host, region) in [
        ("aps-workspaces.eu-central-1.amazonaws.com", Some("eu-central-1")),
        ("aps-workspaces-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
        ("aps-workspaces.eu-west-2.api.aws", Some("eu-west-2")),
        ("aps-workspaces.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
        ("vpce-0a1b-xyz.aps-workspaces.us-east-1.vpce.amazonaws.com", Some("us-east-1")),
        ("aps-workspaces.example.com", None),
        ("prometheus.eu-central-1.amazonaws.com", None),
        ("127.0.0.1", None),
    ] {
        assert_eq!(region_of_host(&url(&format!("https://{host}/workspaces/ws-1"))).as_deref(), region, "{host}");
    }
}

/// Expected values: Python, `urllib.parse.urlencode(urllib.parse.parse_qsl(query, True), quote_via=quote, safe="-_.~")`.
#[test]
fn a_query_is_encoded_as_aws_encodes_it() {
    for (query, expected) in [
        ("query=up+%2B+1&time=1", "query=up%20%2B%201&time=1"),
        ("match[]=a*&b~c=%7E'()", "match%5B%5D=a%2A&b~c=~%27%28%29"),
        ("a=b&a=%C3%A9&flag", "a=b&a=%C3%A9&flag="),
    ] {
        let strict = with_strict_query(url(&format!("https://h/p%20q?{query}")));
        assert_eq!(strict.as_str(), format!("https://h/p%20q?{expected}"));
        assert_eq!(with_strict_query(strict.clone()), strict, "it is the same the second time");
    }
    assert_eq!(with_strict_query(url("https://h/p")).as_str(), "https://h/p");
}
