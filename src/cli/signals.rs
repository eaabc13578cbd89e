//! SIGINT and SIGTERM: the first ends what is under way cleanly, the second at once. And the beat in which a followed
//! folder is looked at.

use super::tell;
use anyhow::Context;
use crossbeam::channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// How often a followed folder is looked at while nothing comes.
const BEAT: Duration = Duration::from_millis(500);
/// While much comes, after so many beats.
const BEATS_OF_A_PASS: u32 = 4;
/// As a shell tells that a process was ended by SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Who waits for signals.
pub(super) struct Signals {
    shared: Arc<Shared>,
    beats: Receiver<()>,
}

#[derive(Default)]
struct Shared {
    /// The number of the signal that came first; 0 for none.
    signal: AtomicU8,
    /// Reading is to end: a signal came.
    stop: AtomicBool,
    /// Reading is to pause: a signal came, or the folder is to be looked at.
    pause: AtomicBool,
}

impl Shared {
    fn came(&self, signal: u8, name: &str) {
        if self.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            // What was acknowledged is durable; the rest is read again.
            std::process::exit(EXIT_INTERRUPTED);
        }
        self.stop.store(true, Ordering::SeqCst);
        self.pause.store(true, Ordering::SeqCst);
        tell(&format!("{name}: what was read is finished; a second signal ends at once"));
    }
}

impl Signals {
    /// Waits from now on, until the process ends.
    pub(super) fn wait_for() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (beat, beats) = bounded(1);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("signals cannot be awaited")?;
        {
            // Both are taken before anything begins.
            let _inside = runtime.enter();
            #[cfg(unix)]
            {
                use tokio::signal::unix::{SignalKind, signal};
                for (kind, name) in [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM")] {
                    let mut comes = signal(kind).with_context(|| format!("{name} cannot be awaited"))?;
                    let (shared, beat) = (Arc::clone(&shared), beat.clone());
                    let number = u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX);
                    runtime.spawn(async move {
                        while comes.recv().await.is_some() {
                            shared.came(number, name);
                            let _ = beat.try_send(());
                        }
                    });
                }
            }
            #[cfg(not(unix))]
            {
                let (shared, beat) = (Arc::clone(&shared), beat.clone());
                runtime.spawn(async move {
                    while tokio::signal::ctrl_c().await.is_ok() {
                        shared.came(2, "ctrl-c");
                        let _ = beat.try_send(());
                    }
                });
            }
        }
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(beats_of(&of_thread, &beat)))
            .context("signals cannot be awaited")?;
        Ok(Self { shared, beats })
    }

    /// Set once a signal came.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.shared.stop
    }

    /// Set once a signal came, and when the folder is to be looked at.
    pub(super) fn pause(&self) -> &AtomicBool {
        &self.shared.pause
    }

    /// The signal that came, if any.
    pub(super) fn came(&self) -> Option<&'static str> {
        match self.shared.signal.load(Ordering::SeqCst) {
            0 => None,
            2 => Some("SIGINT"),
            _ => Some("SIGTERM"),
        }
    }

    /// A pass begins. To be called before it is asked whether a signal came.
    pub(super) fn begin_pass(&self) {
        self.shared.pause.store(false, Ordering::SeqCst);
    }

    /// Waits for the next beat, or a signal.
    pub(super) fn rest(&self) {
        let _ = self.beats.recv();
    }
}

async fn beats_of(shared: &Shared, beat: &Sender<()>) {
    let mut interval = tokio::time::interval(BEAT);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut beats = 0u32;
    loop {
        interval.tick().await;
        beats = beats.wrapping_add(1);
        if beats.is_multiple_of(BEATS_OF_A_PASS) {
            shared.pause.store(true, Ordering::SeqCst);
        }
        // Where one waits already, nobody has rested since.
        let _ = beat.try_send(());
    }
}
