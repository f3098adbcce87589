//! Several threads at one job.

use crate::fault::Result;

/// Lets `jobs` threads work at the same time, one at the least; the first fault ends the job when all
/// have come back, and a panic goes on in the caller.
pub(super) fn all(jobs: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    let work = &work;
    let ends: Vec<_> = std::thread::scope(|scope| {
        let jobs = 0..std::cmp::max(jobs, 1);
        let workers: Vec<_> = jobs.map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ends.collect()
    });
    ends.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Code, Fault};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_have_come_back_before_the_first_fault_is_told() {
        for jobs in 0..4 {
            let begun = AtomicUsize::new(0);
            let ended = all(jobs, || match begun.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Fault::new(Code::Bug, "x")),
                _ => Ok(()),
            });
            assert_eq!(ended.unwrap_err().code(), Code::Bug);
            assert_eq!(begun.into_inner(), std::cmp::max(jobs, 1));
        }
    }
}
