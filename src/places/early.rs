//! Sends files of a working copy while the command that writes them goes on.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::known::{KnownObjects, put};
use super::{PlaceError, Store};
use crate::files::OnCommit;

/// Files that are sent at once.
const AT_ONCE: usize = 2;

/// Files that wait to be sent. If there are more, whoever writes the next one waits: the store is slower than the source.
const WAITING: usize = 4;

/// Sends files as soon as they are whole.
#[derive(Debug)]
pub(super) struct Early {
    // Ends before the threads are waited for: it holds what gives them work.
    on_commit: OnCommit,
    threads: Vec<JoinHandle<()>>,
}

impl Early {
    pub(super) fn start(
        store: &Store,
        folder: &Path,
        known: &KnownObjects,
        is_early: impl Fn(&str) -> bool + Send + Sync + 'static,
        tell: impl Fn(&PlaceError) + Send + Sync + 'static,
    ) -> Self {
        let (give, take) = sync_channel(WAITING);
        let (take, told) = (Arc::new(Mutex::new(take)), Arc::new(Mutex::new(Some(tell))));
        let send = || {
            let (store, folder, known) = (store.clone(), folder.to_owned(), Arc::clone(known));
            let (take, told) = (Arc::clone(&take), Arc::clone(&told));
            move || {
                while let Some(path) = next(&take) {
                    if let Err(error) = put(&store, &folder, &known, &path)
                        && let Some(tell) = told.lock().unwrap_or_else(PoisonError::into_inner).take()
                    {
                        tell(&error);
                    }
                }
            }
        };
        let threads = (0..AT_ONCE).map(|_| thread::spawn(send())).collect();
        Self { on_commit: on_commit(folder, give, is_early), threads }
    }

    /// Waits until all files were tried.
    pub(super) fn end(self) {
        drop(self.on_commit);
        for thread in self.threads {
            // A thread that panicked has sent less; the rest is sent at the end.
            let _ = thread.join();
        }
    }
}

fn on_commit(
    folder: &Path,
    give: SyncSender<String>,
    is_early: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> OnCommit {
    let top: PathBuf = folder.to_owned();
    OnCommit::below(folder, move |file| {
        let path = file.strip_prefix(&top).ok().and_then(Path::to_str);
        if let Some(path) = path.filter(|path| is_early(path)) {
            // Fails only if all threads have panicked.
            let _ = give.send(path.to_owned());
        }
    })
}

fn next(take: &Mutex<Receiver<String>>) -> Option<String> {
    take.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
