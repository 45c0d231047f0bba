//! The number of requests to a bucket that run at once, over all its files.

use std::sync::{Condvar, Mutex, PoisonError};

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
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::places::each_at_once;

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
}
