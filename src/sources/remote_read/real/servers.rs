//! Tests with a running server.

use super::*;

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis() as i64
}

/// Compares both response types with each other and with the query API. Gives what was streamed.
fn compare(server: &Server, request: &Request) -> Vec<Content> {
    let streamed = read(server, request, Accept::Streamed);
    let sampled = read(server, request, Accept::Samples);
    for (query, (streamed, sampled)) in request.queries.iter().zip(streamed.iter().zip(&sampled)) {
        assert!(streamed.keys().eq(sampled.keys()), "{query:?}");
        // Without the samples in the message, because they fill the screen.
        assert!(&positive(streamed) == sampled, "{query:?}");
        assert!(visible(streamed) == visible(&promql(server, query)), "{query:?}");
    }
    streamed
}

#[test]
fn blocks_are_read_as_by_queries_and_by_the_block_reader() {
    let scratch = Scratch::new();
    let mut random = Random(50);
    write_blocks(&scratch, &random_text(&mut random, 60, 3000), &[]);
    let data = scratch.path().join("data");
    // Small frames, so that series are split.
    let server = Server::start(&scratch, "", &["--storage.remote.read-max-bytes-in-frame=2000"]);
    let all_ms = 1_600_000_000_000..1_800_000_000_000;
    let (mut total, mut ranges) = (0, vec![all_ms.clone()]);
    for _ in 0..6 {
        let start = 1_700_000_000_000 + random.below(20_000_000) as i64;
        ranges.push(start..start + 1 + random.below(20_000_000) as i64);
    }
    for range_ms in ranges {
        let names = ["up", "a:b", "etcd_wal_seconds_bucket", "absent"];
        let queries: Vec<_> = names.iter().map(|name| named(name, range_ms.clone())).collect();
        let contents = compare(&server, &Request { queries });
        for (name, content) in names.iter().zip(&contents) {
            assert!(content == &blocks(&data, name, &range_ms), "{name} in {range_ms:?}");
        }
        total += count(&contents);
    }
    let regex = |kind, value| matcher(kind, "n", value);
    let query = |matchers: Vec<Matcher>| Query { matchers, ..named("", all_ms.clone()) };
    let queries = vec![
        query(vec![regex(MatcherKind::Regex, "1.|2.*")]),
        query(vec![regex(MatcherKind::NotRegex, "1.|2.*|3"), matcher(MatcherKind::Regex, "__name__", ".+")]),
        query(vec![matcher(MatcherKind::NotEqual, "hostile", ""), matcher(MatcherKind::Equal, "__name__", "up")]),
    ];
    let contents = compare(&server, &Request { queries });
    println!("{total} samples of ranges, {} of matchers", count(&contents));
    assert!(contents.iter().all(|content| content.len() > 3) && total > 80_000);
}

#[test]
fn the_head_is_read_with_its_stale_markers() {
    let scratch = Scratch::new();
    let limits = ["--storage.tsdb.min-block-duration=10s", "--storage.tsdb.max-block-duration=30s"];
    let server = Server::start(&scratch, &scraped("text/plain", counters), &limits);
    thread::sleep(Duration::from_secs(32));
    let end = now_ms() - 1000;
    let range_ms = end - 25_000..end;
    let queries = ["always", "sometimes", "up"].map(|name| named(name, range_ms.clone())).to_vec();
    let contents = compare(&server, &Request { queries });
    let in_blocks = BlockFolders::read(&scratch.path().join("data")).expect("the folder of blocks").current.len();
    let snapshot = snapshot(&scratch, server);
    for (name, content) in ["always", "sometimes", "up"].iter().zip(&contents) {
        assert!(content == &blocks(&snapshot, name, &range_ms), "{name}");
    }
    let stale = contents[1].values().flat_map(|samples| &samples.values).filter(|value| value.to_bits() == STALE);
    let stale = stale.count();
    println!("{} samples, {stale} stale markers, {in_blocks} blocks beside the head", count(&contents));
    assert!(stale > 50 && count(&contents) > 1000, "{stale} stale markers");
}

#[test]
fn external_labels_are_in_series_and_in_matchers_of_equality() {
    let scratch = Scratch::new();
    write_blocks(&scratch, "up{a=\"1\"} 1 1700000000\nup{cluster=\"own\"} 2 1700000000\n# EOF\n", &[]);
    let server = Server::start(&scratch, "global: {external_labels: {cluster: north, zone: z}}", &[]);
    let range_ms = 1_699_999_999_000..1_700_000_001_000;
    let with = |kind, value| {
        let mut query = named("up", range_ms.clone());
        query.matchers.push(matcher(kind, "cluster", value));
        query
    };
    let queries = vec![
        named("up", range_ms.clone()),
        with(MatcherKind::Equal, "north"),
        with(MatcherKind::Regex, "north"),
        with(MatcherKind::Equal, "own"),
    ];
    for accept in BOTH {
        let answer = post(&server, &Request { queries: queries.clone() }, accept);
        let mut series = decode(&answer, 4).expect("an intact response");
        let texts: Vec<_> = series.iter().map(|series| (series.query, series.to_string())).collect();
        let one = r#"up{a="1", cluster="north", zone="z"}"#.to_owned();
        let own = r#"up{cluster="own", zone="z"}"#.to_owned();
        assert_eq!(texts, [(0, one.clone()), (0, own.clone()), (1, one), (3, own)]);
        series.iter_mut().for_each(|series| series.remove_labels(&[("cluster", "north"), ("zone", "z")]));
        let texts: Vec<_> = series[..2].iter().map(ToString::to_string).collect();
        assert_eq!(texts, [r#"up{a="1"}"#, r#"up{cluster="own"}"#]);
    }
}

#[test]
fn failures_of_the_server_are_shown() {
    let scratch = Scratch::new();
    write_blocks(&scratch, &random_text(&mut Random(51), 20, 500), &[]);
    let server = Server::start(&scratch, "", &["--storage.remote.read-sample-limit=10"]);
    let range_ms = 1_600_000_000_000..1_800_000_000_000;
    let mut wrong = named("up", range_ms.clone());
    wrong.matchers.push(matcher(MatcherKind::Regex, "n", "("));
    // Before the first frame, the status says that it failed; afterwards only the body does.
    for (queries, accept, status) in [
        (vec![wrong.clone()], Accept::Streamed, 500),
        (vec![wrong.clone()], Accept::Samples, 500),
        (vec![named("up", range_ms.clone()), wrong], Accept::Streamed, 200),
    ] {
        let request = Request { queries };
        let answer = post(&server, &request, accept);
        assert_eq!(answer.status, status);
        assert!(String::from_utf8_lossy(&answer.body).contains("error parsing regexp: missing closing"));
        if status == 200 {
            let error = decode(&answer, request.queries.len()).expect_err("no whole response").to_string();
            assert!(error.contains("the server stopped with the message \"error parsing regexp: missing"), "{error}");
        }
    }
    // The limit of samples is only one of responses of samples.
    let request = Request { queries: vec![named("up", range_ms)] };
    let answer = post(&server, &request, Accept::Samples);
    assert_eq!((answer.status, answer.body.as_slice()), (400, &b"exceeded sample limit (10)\n"[..]));
    assert!(count(&read(&server, &request, Accept::Streamed)) > 100);
}

#[test]
fn native_histograms_are_refused_and_other_series_are_not() {
    const PROTOBUF: &str =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let scratch = Scratch::new();
    let server = Server::start(&scratch, &scraped(PROTOBUF, histogram), &["--enable-feature=native-histograms"]);
    // The first scrape is five seconds after the start.
    thread::sleep(Duration::from_secs(8));
    let request = Request { queries: vec![named("h", 0..now_ms()), named("up", 0..now_ms())] };
    let series = decode(&post(&server, &request, Accept::Streamed), 2).expect("an intact response");
    let error = series[0].samples(i64::MIN..i64::MAX).expect_err("no plain samples").to_string();
    assert!(error.contains("a chunk of h{instance=\"127.0.0.1:"), "{error}");
    assert!(error.contains("encoding 2 (histogram), not plain samples: ask for a metric with classic"), "{error}");
    assert!(series[1].samples(i64::MIN..i64::MAX).expect("plain samples").len() > 5);
    // Before Prometheus 2.44, a response of samples ends each series at its first native histogram.
    let series = decode(&post(&server, &request, Accept::Samples), 2).expect("an intact response");
    let plain = |series: &RemoteSeries| series.samples(i64::MIN..i64::MAX).is_ok_and(|samples| samples.len() > 5);
    assert!(!plain(&series[0]) && plain(&series[1]));
}

#[test]
fn pieces_of_any_size_give_the_same_series() {
    let scratch = Scratch::new();
    write_blocks(&scratch, &random_text(&mut Random(52), 20, 800), &[]);
    let server = Server::start(&scratch, "", &["--storage.remote.read-max-bytes-in-frame=500"]);
    let queries = vec![named("up", 0..i64::MAX), named("a:b", 0..i64::MAX)];
    for accept in BOTH {
        let answer = post(&server, &Request { queries: queries.clone() }, accept);
        let whole = decode(&answer, 2).expect("an intact response");
        for size in [1, 7, 1000, answer.body.len()] {
            let mut response =
                Response::new(answer.content_type.as_deref(), 2, Limits::default()).expect("a known type");
            assert_eq!(response.is_streamed(), accept == Accept::Streamed);
            let mut pieces = Vec::new();
            answer.body.chunks(size).for_each(|bytes| pieces.extend(response.push(bytes).expect("an intact response")));
            pieces.extend(response.finish().expect("an intact response"));
            assert_eq!(pieces, whole);
        }
        println!("{accept:?}: {} bytes for {} series", answer.body.len(), whole.len());
    }
}
