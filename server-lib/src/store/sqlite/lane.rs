//! Threads that own connections and do what is sent to them, so that nothing waits for the disk on
//! the runtime's threads.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, ErrorKind};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// One or more threads, each with a `T` of its own, behind one bounded queue.
pub(super) struct Lane<T> {
    jobs: Mutex<Option<mpsc::Sender<Job<T>>>>,
    ended: Mutex<Vec<oneshot::Receiver<()>>>,
}

impl<T: Send + 'static> Lane<T> {
    /// Starts a thread for each owner. `queue` jobs may wait; whoever sends more waits too.
    pub(super) fn start(name: &str, queue: usize, owners: Vec<T>) -> Result<Self, Error> {
        let (sender, receiver) = mpsc::channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut ended = Vec::new();
        for mut owner in owners {
            let receiver = Arc::clone(&receiver);
            let (ending, end) = oneshot::channel();
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    while let Some(job) = next(&receiver) {
                        job(&mut owner);
                    }
                    drop(owner);
                    // Nobody may wait for the end.
                    let _ = ending.send(());
                })?;
            ended.push(end);
        }
        Ok(Self {
            jobs: Mutex::new(Some(sender)),
            ended: Mutex::new(ended),
        })
    }

    /// Has a thread do the job and returns its answer. A job whose caller is gone is left out.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let jobs = self
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (sender, answer) = oneshot::channel();
        let job: Job<T> = Box::new(move |owner| {
            if !sender.is_closed() {
                // The caller may have gone meanwhile.
                let _ = sender.send(job(owner));
            }
        });
        let sent = match jobs {
            Some(jobs) => jobs.send(job).await.is_ok(),
            None => false,
        };
        if !sent {
            return Err(closed());
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Takes no more jobs, and waits until those that were sent are done.
    pub(super) async fn close(&self) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        for end in ended {
            // An error means that the thread is gone already.
            let _ = end.await;
        }
    }
}

fn next<T>(receiver: &Mutex<mpsc::Receiver<Job<T>>>) -> Option<Job<T>> {
    let mut receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
    receiver.blocking_recv()
}

fn closed() -> Error {
    Error::because(ErrorKind::Closed, "the store is closed")
}
