//! Threads that work off what is handed in, one piece after another.
//!
//! Whoever is done with a piece takes the next one itself. Were it handed over each time, by a task that has to wake up first,
//! a core would stand still in between, for a twentieth of the time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::background;

/// One piece of work.
type Piece = Box<dyn FnOnce() + Send>;

/// A bounded number of threads of the runtime, for as long as there is work.
pub(super) struct Workers {
    most: usize,
    queue: Arc<Mutex<Queue>>,
}

/// Work that nobody has begun. Long calls are worked off one after another and not side by side, so that what the first
/// brings can be written while the others are worked on; short ones go in between.
#[derive(Default)]
struct Queue {
    long: VecDeque<Piece>,
    short: VecDeque<Piece>,
    /// Whether the last piece taken was one of a short call.
    was_short: bool,
    /// Threads that work.
    threads: usize,
}

impl Queue {
    fn len(&self) -> usize {
        self.long.len() + self.short.len()
    }

    /// The next piece: of the two sorts in turn.
    fn pop(&mut self) -> Option<Piece> {
        let is_short = !self.short.is_empty() && (!self.was_short || self.long.is_empty());
        self.was_short = is_short;
        match is_short {
            true => self.short.pop_front(),
            false => self.long.pop_front(),
        }
    }
}

impl Workers {
    /// At most so many threads, and at least one.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            queue: Arc::default(),
        }
    }

    /// Does the work for each item, so many of them at a time on one thread; the results come in the order of the items.
    /// `None` when the work panicked or the runtime shuts down. Work that nobody waits for any more is not begun.
    pub(super) async fn each<T, U, F>(
        &self,
        items: Vec<T>,
        chunk_len: usize,
        work: F,
    ) -> Option<Vec<U>>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: Fn(T) -> U + Clone + Send + 'static,
    {
        let total = items.len();
        let (to, finished) = oneshot::channel();
        let results = Arc::new(Results {
            parts: Mutex::new(vec_of_none(total.div_ceil(chunk_len))),
            to: Some(to),
        });
        let pieces: Vec<Piece> = chunks(items, chunk_len)
            .enumerate()
            .map(|(number, chunk)| piece(number, chunk, work.clone(), Arc::clone(&results)))
            .collect();
        drop(results);
        self.hand_in(pieces);
        let mut done = Vec::with_capacity(total);
        for part in finished.await.ok()? {
            done.extend(part?);
        }
        Some(done)
    }

    fn hand_in(&self, pieces: Vec<Piece>) {
        let mut queue = lock(&self.queue);
        match pieces.len() {
            0 | 1 => queue.short.extend(pieces),
            _ => queue.long.extend(pieces),
        }
        let useful = queue.threads + queue.len();
        let missing = useful.min(self.most) - queue.threads;
        queue.threads += missing;
        drop(queue);
        for _ in 0..missing {
            let queue = Arc::clone(&self.queue);
            tokio::task::spawn_blocking(move || work_off(&queue));
        }
    }
}

/// What comes of the pieces of one call. It is sent when the last of them is done or gone, so that who waits is
/// woken once.
struct Results<U> {
    /// `None` where a piece was not done.
    parts: Mutex<Vec<Option<Vec<U>>>>,
    to: Option<oneshot::Sender<Vec<Option<Vec<U>>>>>,
}

impl<U> Results<U> {
    /// Whether somebody still waits for them.
    fn are_awaited(&self) -> bool {
        self.to.as_ref().is_some_and(|to| !to.is_closed())
    }

    fn put(&self, number: usize, part: Vec<U>) {
        let mut parts = self.parts.lock().expect("no panic under the lock");
        parts[number] = Some(part);
    }
}

impl<U> Drop for Results<U> {
    fn drop(&mut self) {
        let parts = self.parts.get_mut().map(std::mem::take);
        if let (Some(to), Ok(parts)) = (self.to.take(), parts) {
            // Nobody may wait for them any more.
            let _ = to.send(parts);
        }
    }
}

fn vec_of_none<T>(len: usize) -> Vec<Option<T>> {
    (0..len).map(|_| None).collect()
}

/// A piece that notes what comes of a chunk, by the chunk's number in its call.
fn piece<T, U, F>(number: usize, chunk: Vec<T>, work: F, results: Arc<Results<U>>) -> Piece
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> U + Send + 'static,
{
    Box::new(move || {
        if results.are_awaited() {
            let part = chunk.into_iter().map(work).collect();
            results.put(number, part);
        }
    })
}

fn chunks<T>(items: Vec<T>, len: usize) -> impl Iterator<Item = Vec<T>> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<T> = items.by_ref().take(len).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// What one thread does for as long as there is work.
fn work_off(queue: &Mutex<Queue>) {
    while let Some(piece) = next_or_leave(queue) {
        let since = Instant::now();
        // Who waits for it hears of a panic by the absence of a result; the others' work goes on.
        let _ = catch_unwind(AssertUnwindSafe(piece));
        background::leave_time(since.elapsed());
    }
}

/// The next piece. When there is none the thread does not count any more: whoever hands in something after that needs another.
fn next_or_leave(queue: &Mutex<Queue>) -> Option<Piece> {
    let mut queue = lock(queue);
    let piece = queue.pop();
    if piece.is_none() {
        queue.threads -= 1;
    }
    piece
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().expect("no panic under the lock")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_items() {
        let workers = Workers::new(3);
        let items: Vec<usize> = (0..1_000).collect();
        let doubled = workers.each(items, 7, |item| 2 * item).await.unwrap();
        assert!(doubled.into_iter().eq((0..1_000).map(|item| 2 * item)));
        let nothing: Vec<usize> = Vec::new();
        let nothing = workers.each(nothing, 7, |item| item).await;
        assert_eq!(nothing, Some(Vec::new()));
        assert_eq!(lock(&workers.queue).len(), 0);
    }

    #[tokio::test]
    async fn a_panic_is_heard_of_and_ends_nobody_elses_work() {
        let workers = Workers::new(1);
        let fails = |item: usize| assert_ne!(item, 5);
        assert_eq!(workers.each((0..10).collect(), 2, fails).await, None);
        let fine = workers.each(vec![1, 2, 3], 1, |item| item).await;
        assert_eq!(fine, Some(vec![1, 2, 3]));
    }

    #[tokio::test]
    async fn never_more_threads_than_allowed_and_none_without_work() {
        let workers = Arc::new(Workers::new(2));
        let mut calls = JoinSet::new();
        for call in 0..20_usize {
            let workers = Arc::clone(&workers);
            calls.spawn(async move {
                let queue = Arc::clone(&workers.queue);
                let threads = move |()| lock(&queue).threads;
                workers.each(vec![(); 10 + call], 3, threads).await.unwrap()
            });
        }
        for threads in calls.join_all().await {
            assert!(threads.iter().all(|count| (1..=2).contains(count)));
        }
        // The last thread leaves once it has looked for more.
        while lock(&workers.queue).threads > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn short_calls_go_in_between_the_pieces_of_long_ones() {
        let workers = Arc::new(Workers::new(1));
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        let note = |name: &'static str| {
            let order = Arc::clone(&order);
            move |()| order.lock().unwrap().push(name)
        };
        let wait = Arc::new(wait);
        let block = move |()| wait.lock().unwrap().recv().unwrap();
        let (first, long, short, late) = tokio::join!(
            workers.each(vec![()], 1, block),
            workers.each(vec![(); 3], 1, note("long")),
            workers.each(vec![()], 1, note("short")),
            async {
                go.send(()).unwrap();
            },
        );
        assert!(first.is_some() && long.is_some() && short.is_some());
        assert_eq!(late, ());
        let order = order.lock().unwrap();
        assert_eq!(*order, ["long", "short", "long", "long"]);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let workers = Workers::new(1);
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let block = move |()| wait.lock().unwrap().recv().unwrap();
        let mut first = Box::pin(workers.each(vec![()], 1, block));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        let begun = Arc::new(Mutex::new(0));
        let count = {
            let begun = Arc::clone(&begun);
            move |()| *begun.lock().unwrap() += 1
        };
        let mut given_up = Box::pin(workers.each(vec![(); 4], 1, count));
        assert!(futures_util::poll!(given_up.as_mut()).is_pending());
        drop(given_up);
        go.send(()).unwrap();
        first.await.unwrap();
        workers.each(vec![()], 1, |()| ()).await.unwrap();
        assert_eq!(*begun.lock().unwrap(), 0);
    }
}
