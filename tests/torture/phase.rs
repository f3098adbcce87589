//! Where an import stands, told by its ledger, so that moments are spread over all its phases.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Child;
use std::time::{Duration, Instant};

use ::postgres::{Client, Row};

use super::chance::Chance;

/// Between two looks.
const BLINK: Duration = Duration::from_millis(1);

/// Phases in their order; those of different tables overlap, and the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// No run is in the ledger yet.
    Start,
    Staging,
    Parts,
    Indexes,
    Keys,
    ForeignKeys,
    /// All is built, and compared with what was sent.
    Check,
    /// The transaction that switches.
    Switch,
    /// It has switched, and perhaps not told so.
    End,
}

impl Phase {
    pub(super) const ALL: [Phase; 9] = [
        Phase::Start,
        Phase::Staging,
        Phase::Parts,
        Phase::Indexes,
        Phase::Keys,
        Phase::ForeignKeys,
        Phase::Check,
        Phase::Switch,
        Phase::End,
    ];

    fn of_step(kind: &str) -> Phase {
        match kind {
            "part" => Phase::Parts,
            "computed" | "index" => Phase::Indexes,
            "keys" => Phase::Keys,
            "foreign key" | "validation" => Phase::ForeignKeys,
            "switch" => Phase::Check,
            _ => Phase::Staging,
        }
    }
}

/// One look at the newest import.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    /// The process that has the step of this phase.
    pub(super) holder: Option<u32>,
}

/// The steps that were begun, those under way first, with the process that has each; and whether the
/// one that switches holds the lock of the target schema.
const STANDING: &str = "SELECT run.state, step.kind, step.done,
           (SELECT split_part(worker.client, ' ', 2) FROM waybill.workers AS worker
            WHERE worker.run = step.run AND worker.worker = step.worker) AS holder,
           step.kind = 'switch' AND EXISTS (
               SELECT FROM pg_locks AS lock
               WHERE lock.locktype = 'advisory' AND lock.granted AND lock.pid = step.backend) AS switching
    FROM waybill.runs AS run
    LEFT JOIN waybill.steps AS step ON step.run = run.run AND step.attempt > 0
    WHERE run.mode <> 'undo' AND run.run = (SELECT max(run) FROM waybill.runs WHERE mode <> 'undo')";

impl Standing {
    /// Looks, and is at the start where there is no ledger.
    pub(super) fn of(client: &mut Client) -> Standing {
        let rows = client.query(STANDING, &[]).unwrap_or_default();
        let one = |phase, holder| Standing { phase, holder };
        let Some(first) = rows.first() else {
            return one(Phase::Start, None);
        };
        if first.get::<_, &str>(0) == "done" {
            return one(Phase::End, None);
        }
        let last = |done: bool| {
            let steps = rows.iter();
            let steps = steps.filter(|row| row.get::<_, Option<bool>>(2) == Some(done));
            steps.map(standing).max_by_key(|step| step.phase)
        };
        let last = last(false).or_else(|| last(true));
        last.unwrap_or(one(Phase::Staging, None))
    }
}

fn standing(row: &Row) -> Standing {
    let holder: Option<&str> = row.get(3);
    Standing {
        phase: if row.get(4) {
            Phase::Switch
        } else {
            Phase::of_step(row.get(1))
        },
        holder: holder.and_then(|holder| holder.parse().ok()),
    }
}

/// When the phases of an undisturbed import began, and when it ended.
pub(super) struct Timeline {
    begins: [Duration; Phase::ALL.len()],
    end: Duration,
}

impl Timeline {
    /// Looks at an import, which has just begun, until it ends well.
    pub(super) fn of(client: &mut Client, child: &mut Child) -> Timeline {
        let begun = Instant::now();
        let mut begins = [None; Phase::ALL.len()];
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            let (now, phase) = (begun.elapsed(), Standing::of(client).phase);
            for earlier in Phase::ALL.iter().filter(|earlier| **earlier <= phase) {
                begins[*earlier as usize].get_or_insert(now);
            }
            std::thread::sleep(BLINK);
        };
        assert!(status.success(), "an undisturbed import ends with {status}");
        let end = begun.elapsed();
        Timeline {
            begins: begins.map(|begin| begin.unwrap_or(end)),
            end,
        }
    }

    /// How long a phase lasts before the next one begins.
    fn span(&self, phase: Phase) -> Duration {
        let begin = self.begins[phase as usize];
        let next = self.begins.get(phase as usize + 1).unwrap_or(&self.end);
        std::cmp::max(next.saturating_sub(begin), Duration::from_millis(4))
    }

    /// Waits until an import is in a phase, and then for a moment of it; gives back where it stands
    /// by then. It may have ended.
    pub(super) fn wait(
        &self,
        client: &mut Client,
        (phase, chance): (Phase, &mut Chance),
        children: &mut [Child],
    ) -> Standing {
        let ended = |child: &mut Child| child.try_wait().expect("a child").is_some();
        while Standing::of(client).phase < phase && !children.iter_mut().all(ended) {
            std::thread::sleep(BLINK);
        }
        // Several processes are slower where there are few processors.
        let slower = if children.len() == 1 { 1.0 } else { 1.4 };
        std::thread::sleep(chance.moment(self.span(phase).mul_f64(slower)));
        Standing::of(client)
    }
}

/// How often an import was disturbed in which phase.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<(usize, Phase), usize>);

impl Tally {
    pub(super) fn count(&mut self, processes: usize, phase: Phase) {
        *self.0.entry((processes, phase)).or_default() += 1;
    }

    /// Tells it, and fails where many rounds have left out a phase.
    pub(super) fn tell(&self, what: &str) {
        eprintln!("{what}:{self}");
        for processes in [1, 3] {
            let counts = Phase::ALL.map(|phase| self.0.get(&(processes, phase)));
            let all: usize = counts.iter().flatten().copied().sum();
            let missed = counts.iter().filter(|count| count.is_none()).count();
            assert!(
                all < 90 || missed == 0,
                "{what}: no moment in some phase:{self}"
            );
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = 0;
        for ((processes, phase), count) in &self.0 {
            if *processes != last {
                write!(f, " [{processes} at work]")?;
                last = *processes;
            }
            write!(f, " {phase:?} {count}")?;
        }
        Ok(())
    }
}
