//! Series labelled as those who install etcd label them, found by the preset and by nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Folder, HOUR, Metrics, START, etcd_heatmap, prometheus_of};

const EARLY: i64 = START - HOUR;
const END: i64 = START + HOUR;

/// A preset, the labels of its members (as in the sources that it names), and what the members are called.
type Fleet = (&'static str, [&'static str; 2], [&'static str; 2], &'static str);

const FLEETS: [Fleet; 5] = [
    (
        "kubeadm",
        [
            r#"component="etcd",instance="10.0.0.1:2381",job="kubernetes-pods",namespace="kube-system",node="cp1",pod="etcd-cp1",tier="control-plane""#,
            r#"component="etcd",instance="10.0.0.2:2381",job="kubernetes-pods",namespace="kube-system",node="cp2",pod="etcd-cp2",tier="control-plane""#,
        ],
        ["etcd-cp1", "etcd-cp2"],
        "kubernetes-pods",
    ),
    (
        "kube-prometheus-stack",
        [
            r#"endpoint="http-metrics",instance="10.1.0.1:2381",job="kube-etcd",namespace="kube-system",pod="etcd-a",service="stack-kube-etcd""#,
            r#"endpoint="http-metrics",instance="10.1.0.2:2381",job="kube-etcd",namespace="kube-system",pod="etcd-b",service="stack-kube-etcd""#,
        ],
        ["etcd-a", "etcd-b"],
        "kube-etcd",
    ),
    (
        "openshift",
        [
            r#"endpoint="etcd-metrics",instance="10.2.0.1:9979",job="etcd",namespace="openshift-etcd",pod="etcd-master-0",service="etcd""#,
            r#"endpoint="etcd-metrics",instance="10.2.0.2:9979",job="etcd",namespace="openshift-etcd",pod="etcd-master-1",service="etcd""#,
        ],
        ["etcd-master-0", "etcd-master-1"],
        "etcd",
    ),
    (
        "kubermatic",
        [
            r#"cluster="x7k2",instance="etcd-0",job="etcd",seed_cluster="europe""#,
            r#"cluster="x7k2",instance="etcd-1",job="etcd",seed_cluster="europe""#,
        ],
        ["etcd-0", "etcd-1"],
        "x7k2",
    ),
    (
        "rke2-k3s",
        [
            r#"endpoint="http-metrics",instance="10.3.0.1:2381",job="kube-etcd",namespace="kube-system",service="stack-kube-etcd""#,
            r#"endpoint="http-metrics",instance="10.3.0.2:2381",job="kube-etcd",namespace="kube-system",service="stack-kube-etcd""#,
        ],
        ["10.3.0.1:2381", "10.3.0.2:2381"],
        "kube-etcd",
    ),
];

#[test]
fn a_preset_finds_the_members_of_its_installation() {
    // Applications have an etcd of their own beside the cluster's.
    let stranger = r#"job="my-etcd",namespace="default",pod="my-etcd-0",instance="10.9.0.1:2379""#;
    for (preset, labels, names, cluster) in FLEETS {
        let mut metrics = Metrics::default();
        labels.iter().chain([&stranger]).for_each(|labels| metrics.member(labels, EARLY..END));
        let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("preset"));
        let (url, out, start, end) = (prometheus.url(), folder.at("audit"), START.to_string(), END.to_string());
        let run = ["pull", "--quiet", "--url", &url, "--out", &out, "--start", &start, "--end", &end];
        etcd_heatmap(&[&run[..], &["--preset", preset]].concat()).succeeds();
        let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("the manifest is JSON");
        let members = manifest["members"].as_array().expect("the manifest lists the members");
        let found: BTreeSet<_> = members.iter().map(|m| (m["cluster"].as_str(), m["member"].as_str())).collect();
        let expected: BTreeSet<_> = names.iter().map(|name| (Some(cluster), Some(*name))).collect();
        assert_eq!(found, expected, "{preset}");
    }
}

#[test]
fn a_preset_overrides_defaults_but_not_the_config_file() {
    let show = |flags: &[&str]| {
        let text = etcd_heatmap(&[&["config", "show"][..], flags].concat()).succeeds().stdout;
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let shown = show(&["--preset", "openshift"]);
    for line in [
        "preset = \"openshift\" # flag --preset",
        "selector = 'job=\"etcd\",namespace=\"openshift-etcd\"' # preset openshift",
        "cluster = \"\" # preset openshift: cluster, else job",
        "member = \"pod\" # preset openshift",
    ] {
        assert!(shown.iter().any(|shown| shown == line), "{line} is not among {shown:#?}");
    }
    let folder = Folder::new("preset-file");
    let file = folder.write("mine.toml", "[source]\npreset = \"openshift\"\n[labels]\nmember = \"node\"\n");
    let shown = show(&["--config", &file, "--selector", "job=\"mine\""]);
    assert!(shown.contains(&format!("member = \"node\" # {file}, line 4")), "{shown:#?}");
    assert!(shown.contains(&"selector = 'job=\"mine\"' # flag --selector".to_owned()), "{shown:#?}");
    etcd_heatmap(&["config", "show", "--preset", "open-shift"]).fails_saying(&["--preset", "did you mean 'openshift'"]);
}
