//! What lies in `deploy/`: the image, built and run, and the manifests, held against Kubernetes' schemas.

use crate::support::{Run, etcd_heatmap_command, needed, oracle};

const KUBERNETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes");

/// The path of the program under test.
fn program() -> String {
    etcd_heatmap_command(&[]).get_program().to_str().expect("a plain path").to_owned()
}

#[test]
fn the_image_scores_the_sample_on_a_read_only_root_and_not_as_root() {
    for (tool, package) in [("buildah", "buildah"), ("debootstrap", "debootstrap")] {
        needed(tool, package);
    }
    let mut script = needed("bash", "bash");
    script.args([concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/docker/test"), &program()]);
    let said = Run::of(script).succeeds().stdout;
    assert!(said.ends_with("the image is good\n"), "{said}");
}

#[test]
fn the_manifests_are_what_kubernetes_takes() {
    needed("kubectl", "kubernetes-client");
    oracle("manifests.py", &["schemas", KUBERNETES]);
    oracle("manifests.py", &["references", KUBERNETES]);
}

#[test]
fn every_pod_is_restricted_but_for_the_directory_of_a_node_exporter() {
    needed("kubectl", "kubernetes-client");
    oracle("manifests.py", &["security", KUBERNETES]);
}

#[test]
fn the_program_understands_every_command_line_of_the_manifests() {
    needed("kubectl", "kubernetes-client");
    oracle("manifests.py", &["commands", KUBERNETES, &program()]);
}
