//! A process of the program that goes on until a signal comes, as with `--every`.

use std::process::{Child, Command, Stdio};

pub(crate) struct Background(Child);

impl Background {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().expect("the program can be run"))
    }

    /// Sends a signal, waits, and returns the exit code and standard error.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").args(["-s", signal, &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the program has ended already");
        let code = self.0.wait().expect("it ends").code();
        let mut said = String::new();
        if let Some(mut pipe) = self.0.stderr.take() {
            std::io::Read::read_to_string(&mut pipe, &mut said).expect("it speaks UTF-8");
        }
        (code, said)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
