//! How a batch moves through the chain: in lanes that keep their order, some of which end early; and on several threads.
//!
//! Knows nothing of certificates.

use super::{IssueError, IssuedCertificate};

/// How a lane ends before the last step.
#[derive(Debug)]
pub(super) enum Exit {
    /// With an error.
    Refused(IssueError),
    /// With the answer to an earlier request that was the same.
    Answered(IssuedCertificate),
}

impl From<IssueError> for Exit {
    fn from(error: IssueError) -> Self {
        Self::Refused(error)
    }
}

/// Gives the lanes that are still under way to `step`, which answers in their order, and puts the answers back in place.
pub(super) fn advance<T, U>(
    lanes: Vec<Result<T, Exit>>,
    step: impl FnOnce(Vec<T>) -> Vec<Result<U, Exit>>,
) -> Vec<Result<U, Exit>> {
    let mut under_way = Vec::with_capacity(lanes.len());
    let ended: Vec<Option<Exit>> = lanes
        .into_iter()
        .map(|lane| match lane {
            Ok(one) => {
                under_way.push(one);
                None
            }
            Err(exit) => Some(exit),
        })
        .collect();
    let mut answers = if under_way.is_empty() { Vec::new() } else { step(under_way) }.into_iter();
    ended
        .into_iter()
        .filter_map(|exit| match exit {
            Some(exit) => Some(Err(exit)),
            None => answers.next(),
        })
        .collect()
}

/// The fewest items for which another thread pays.
const WORTH_A_THREAD: usize = 8;

/// Applies `step` to every item, on up to `threads` threads when there are enough items; keeps their order.
pub(super) fn spread<T: Send, U: Send>(
    threads: usize,
    items: Vec<T>,
    step: impl Fn(T) -> U + Sync,
) -> Vec<U> {
    let threads = threads.min(items.len() / WORTH_A_THREAD).max(1);
    if threads == 1 {
        return items.into_iter().map(step).collect();
    }
    let share = items.len().div_ceil(threads);
    let mut shares: Vec<Vec<T>> = Vec::with_capacity(threads);
    let mut items = items.into_iter();
    for _ in 0..threads {
        shares.push(items.by_ref().take(share).collect());
    }
    let step = &step;
    std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(step).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Takes items through two steps, part by part and in order: while the second step has a part, the first has the next one.
pub(super) fn in_parts<T, U: Send, V: Send>(
    part: usize,
    items: Vec<T>,
    first: impl Fn(Vec<T>) -> Vec<U>,
    second: impl Fn(Vec<U>) -> Vec<V> + Sync,
) -> Vec<V> {
    if items.len() <= part {
        return second(first(items));
    }
    let (hand_over, handed) = std::sync::mpsc::sync_channel::<Vec<U>>(1);
    std::thread::scope(|scope| {
        let behind = scope.spawn(|| handed.into_iter().flat_map(&second).collect::<Vec<V>>());
        let mut items = items.into_iter();
        loop {
            let next: Vec<T> = items.by_ref().take(part).collect();
            // Nobody takes it any more where the second step panicked, which is told below.
            if next.is_empty() || hand_over.send(first(next)).is_err() {
                break;
            }
        }
        drop(hand_over);
        behind.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_keep_their_order_when_some_end_early() {
        let lanes = vec![Ok(1), Err(Exit::from(IssueError::Altered)), Ok(3)];
        let moved = advance(lanes, |all| all.into_iter().map(|one| Ok(one * 10)).collect());
        assert!(matches!(moved.as_slice(), [Ok(10), Err(Exit::Refused(IssueError::Altered)), Ok(30)]));
    }

    #[test]
    fn parts_keep_their_order_whatever_their_number() {
        for (part, count) in [(3, 0), (3, 3), (3, 4), (3, 9), (1, 5)] {
            let items: Vec<usize> = (0..count).collect();
            let most = std::sync::atomic::AtomicUsize::new(0);
            let first = |all: Vec<usize>| {
                most.fetch_max(all.len(), std::sync::atomic::Ordering::Relaxed);
                all.into_iter().map(|one| one * 2).collect()
            };
            let made: Vec<usize> =
                in_parts(part, items, first, |all| all.into_iter().map(|one| one + 1).collect());
            assert_eq!(made, (0..count).map(|one| one * 2 + 1).collect::<Vec<_>>());
            assert!(most.into_inner() <= part, "no part is longer");
        }
    }

    #[test]
    fn a_panic_behind_reaches_the_caller() {
        let panicking = || {
            in_parts(
                1,
                vec![1, 2, 3, 4],
                |all| all,
                |all: Vec<i32>| {
                    assert!(!all.contains(&2), "as the test wants");
                    all
                },
            )
        };
        assert!(std::panic::catch_unwind(panicking).is_err());
    }

    #[test]
    fn spreading_keeps_the_order_and_every_item() {
        for (threads, count) in [(1, 3), (4, 7), (4, 100), (3, 33)] {
            let items: Vec<usize> = (0..count).collect();
            let made = spread(threads, items.clone(), |one| one);
            assert_eq!(made, items);
        }
    }
}
