//! A real S3 server: moto's, which keeps objects in memory.

use std::process::Command;

use super::http::request;
use super::program::{Run, etcd_heatmap_command, python};
use super::{Folder, Server, Tree, free_port, oracle};

/// The bucket of each server.
const BUCKET: &str = "audits";

/// A server with one empty bucket, and the login that it knows.
pub(crate) struct S3 {
    server: Server,
    folder: Folder,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let (folder, port) = (Folder::new("s3"), free_port());
        let mut program = Command::new(python().with_file_name("moto_server"));
        program.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let server = Server::start(&program, port, &folder).ready("/moto-api/");
        let made = request(port, "PUT", &format!("/{BUCKET}"), "");
        assert!(matches!(made, Some((200, _))), "no bucket was made: {made:?}");
        Self { server, folder }
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// The address of a folder in the bucket.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("s3://{BUCKET}/{path}")
    }

    /// A command that finds the server and its login in the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_through(&self.server.url(), arguments)
    }

    /// Like [`Self::command`], through a proxy before the server.
    pub(crate) fn command_through(&self, endpoint: &str, arguments: &[&str]) -> Command {
        let mut command = etcd_heatmap_command(arguments);
        command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "a-secret");
        command.env("TMPDIR", self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// All objects below a folder of the bucket, as boto3 reads them.
    pub(crate) fn tree(&self, path: &str) -> Tree {
        let copy = Folder::new("objects");
        oracle("s3.py", &["get", &self.server.url(), BUCKET, path, &copy.at("all")]);
        copy.tree("all")
    }

    /// Engines read the history of a folder of the bucket, and compare it with the one on disk.
    pub(crate) fn engines_read(&self, path: &str, folder: &str) {
        oracle("readers_s3.py", &[&self.server.url(), BUCKET, path, folder]);
    }

    /// Writes all files of a folder on disk as objects below a folder of the bucket, as boto3 does.
    pub(crate) fn put(&self, from: &str, path: &str) {
        oracle("s3.py", &["put", &self.server.url(), BUCKET, path, from]);
    }

    /// The temporary folders of commands that are there.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder of the server");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("etcd-heatmap-")).collect()
    }
}
