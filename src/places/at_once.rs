//! Several requests at once, on threads of their own: those of rayon are as many as processors, and requests mostly wait.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Does something with each item, with several at once, and returns the results in order. Begins no further one after a
/// failure, of which it returns the first in the order of the items.
pub(crate) fn each_at_once<T: Sync, R: Send, E: Send>(
    items: &[T],
    most: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() < 2 || most < 2 {
        return items.iter().map(work).collect();
    }
    results(items, most, work, Result::is_err).into_iter().collect()
}

/// Does something with each item, with several at once. All are tried; the error is the first in the order of the items, with
/// the number of failures.
pub(crate) fn all_at_once<T: Sync, E: Send>(
    items: &[T],
    most: usize,
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), (E, usize)> {
    let mut failed = results(items, most, work, |_| false).into_iter().filter_map(Result::err);
    match failed.next() {
        None => Ok(()),
        Some(first) => Err((first, 1 + failed.count())),
    }
}

/// The results in the order of the items. Nothing more begins after a result that is the last.
fn results<T: Sync, R: Send>(
    items: &[T],
    most: usize,
    work: impl Fn(&T) -> R + Sync,
    is_last: impl Fn(&R) -> bool + Sync,
) -> Vec<R> {
    let (next, has_ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let take = || {
        let mut done = Vec::new();
        while !has_ended.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            if is_last(&result) {
                has_ended.store(true, Ordering::Relaxed);
            }
            done.push((at, result));
        }
        done
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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

    #[test]
    fn all_are_tried_and_failures_are_counted() {
        let tried = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100).collect();
        let work = |item: &usize| {
            tried.fetch_add(1, Ordering::SeqCst);
            if item % 10 == 7 { Err(*item) } else { Ok(()) }
        };
        assert_eq!(all_at_once(&items, 4, work), Err((7, 10)));
        assert_eq!(tried.load(Ordering::SeqCst), 100);
        assert_eq!(all_at_once(&items[..7], 4, work), Ok(()));
        assert_eq!(all_at_once(&[], 4, work), Ok(()));
    }
}
