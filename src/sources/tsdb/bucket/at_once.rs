//! Several requests at once, on threads of their own: those of rayon are as many as processors, and requests mostly wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// Does something with each item, with several at once, and returns the results in order. Begins no further one after a
/// failure, of which it returns the first in the order of the items.
pub(in crate::sources::tsdb) fn each_at_once<T: Sync, R: Send, E: Send>(
    items: &[T],
    most: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() < 2 || most < 2 {
        return items.iter().map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let take = || {
        let mut done = Vec::new();
        while failed.load(Ordering::Relaxed) == 0 {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
            done.push((at, result));
        }
        done
    };
    let mut done: Vec<(usize, Result<R, E>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..most.min(items.len())).map(|_| scope.spawn(take)).collect();
        let ended = threads.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.flatten().collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many requests may still begin.
#[derive(Debug)]
pub(super) struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

/// Gives a permit back when it is dropped.
struct Permit<'p>(&'p Permits);

impl Permits {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Mutex::new(most), returned: Condvar::new() }
    }

    /// Waits for a permit, and holds it during the work.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.returned.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let _permit = Permit(self);
        work()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_are_in_order_and_never_more_at_once_than_permitted() {
        let (permits, running, most) = (Permits::new(3), AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |item: &usize| {
            permits.within(|| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(2));
                running.fetch_sub(1, Ordering::SeqCst);
            });
            Ok::<_, ()>(item * 2)
        };
        let items: Vec<usize> = (0..50).collect();
        let doubled: Vec<usize> = (0..50).map(|item| item * 2).collect();
        assert_eq!(each_at_once(&items, 20, work), Ok(doubled));
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(each_at_once(&[], 20, work), Ok(Vec::new()));
    }

    #[test]
    fn after_a_failure_nothing_more_begins() {
        let begun = AtomicUsize::new(0);
        let items: Vec<usize> = (0..1000).collect();
        let result: Result<Vec<()>, usize> = each_at_once(&items, 4, |item| {
            begun.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            if *item == 5 { Err(*item) } else { Ok(()) }
        });
        assert_eq!(result, Err(5));
        assert!(begun.load(Ordering::SeqCst) < 100);
    }
}
