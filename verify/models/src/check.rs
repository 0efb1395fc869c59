//! What all models share: objects that are watched, and models that are broken on purpose.

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;

use map_sync::shim::model::{self, Fault};

use crate::quarantine;

/// A thread of a model.
pub(crate) fn spawn<S, T>(shared: &Arc<S>, f: impl FnOnce(&S) -> T + Send + 'static) -> Thread<T>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
{
    let shared = Arc::clone(shared);
    Thread(model::spawn(move || f(&shared)))
}

/// A thread of a model that can be joined.
pub(crate) struct Thread<T>(model::JoinHandle<T>);

impl<T: 'static> Thread<T> {
    pub(crate) fn join(self) -> T {
        self.0.join().expect("a thread that panics ends the run")
    }
}

thread_local! {
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// What a watched object holds until it is dropped.
const IS_ALIVE: u64 = 0x0A11_0E00_0A11_0E00;

/// A number that is found to be read after it was dropped, or beside its being made or dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    #[cfg(atlas_loom)]
    number: loom::cell::UnsafeCell<u64>,
    #[cfg(atlas_shuttle)]
    number: u64,
    state: Cell<u64>,
}

// SAFETY: the cells are the checker's business, and all threads of a model are one of the system.
unsafe impl Send for Watched {}
// SAFETY: as above.
unsafe impl Sync for Watched {}

impl Watched {
    pub(crate) fn new(number: u64) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        #[cfg(atlas_loom)]
        let number = loom::cell::UnsafeCell::new(number);
        Self { number, state: Cell::new(IS_ALIVE) }
    }

    /// The number.
    #[cfg(atlas_loom)]
    pub(crate) fn get(&self) -> u64 {
        assert_eq!(self.state.get(), IS_ALIVE, "read after it was dropped");
        // SAFETY: loom checks the access.
        self.number.with(|number| unsafe { *number })
    }

    /// The number.
    #[cfg(atlas_shuttle)]
    pub(crate) fn get(&self) -> u64 {
        assert_eq!(self.state.get(), IS_ALIVE, "read after it was dropped");
        self.number
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        assert_eq!(self.state.replace(0), IS_ALIVE, "dropped twice");
        #[cfg(atlas_loom)]
        self.number.with_mut(|_| ());
        ALIVE.set(ALIVE.get() - 1);
    }
}

impl Clone for Watched {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Watched {}

/// One run of a model. Returns how many of its atomics were left.
pub(crate) fn one_run(atomics: usize, f: impl FnOnce()) -> usize {
    quarantine::begin();
    ALIVE.set(0);
    let left = model::run(atomics, f);
    assert_eq!(ALIVE.get(), 0, "watched objects that were not dropped");
    quarantine::end();
    left
}

/// How long the models of this process may take, in minutes, if they are not to be short.
pub(crate) fn minutes() -> Option<f64> {
    std::env::var("ATLAS_MINUTES").ok()?.parse().ok()
}

/// The variable by which a process is told to break a model, and how.
const BROKEN: &str = "ATLAS_BROKEN";

/// What is said of a process that was ended by a signal: memory was misused.
pub(crate) const KILLED: &str = "killed by a signal";

/// Runs the test `name` in another process, with a fault, and expects it to fail with one of the messages.
pub(crate) fn must_fail(name: &str, fault: Fault, messages: &[&str]) {
    let test = name.split_once("::").expect("a path that begins with the crate").1;
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    let output = command.env(BROKEN, format!("{fault:?}")).output().expect("this program starts");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let signal = if output.status.code().is_none() { KILLED } else { "" };
    let text = text.concat() + signal;
    assert!(!output.status.success(), "{test} with {fault:?} finds nothing: {text}");
    let found = messages.iter().find(|message| text.contains(*message));
    let Some(found) = found else { panic!("{test} with {fault:?} fails in another way: {text}") };
    println!("{test} with {fault:?} broken: {found:?} is found");
}

/// Sets the fault that this process is told to have. Returns whether there is one.
pub(crate) fn set_fault() -> bool {
    let Ok(wanted) = std::env::var(BROKEN) else { return false };
    // What has been broken may go round in circles.
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(20));
        eprintln!("the run has no end");
        std::process::abort();
    });
    let all = [
        Fault::None,
        Fault::LightFence,
        Fault::HeavyFence,
        Fault::Stores,
        Fault::Loads,
        Fault::Exchanges,
        Fault::Locks,
    ];
    let fault = all.into_iter().find(|fault| format!("{fault:?}") == wanted);
    model::set_fault(fault.expect("one of the faults"));
    true
}

/// The path of a function, for [`must_fail`].
macro_rules! name_of {
    ($function:ident) => {
        concat!(module_path!(), "::", stringify!($function))
    };
}
pub(crate) use name_of;

/// A hash that all maps mix to this number: from its upper bits they take the place of a key.
pub(crate) fn hash_mixed_to(mixed: u64) -> u64 {
    /// What the maps multiply by.
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    /// Its inverse.
    const INVERSE: u64 = 0xF1DE_83E1_9937_733D;
    const { assert!(MIX.wrapping_mul(INVERSE) == 1) };
    mixed.wrapping_mul(INVERSE)
}

/// Places a key by itself: see [`hash_mixed_to`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByItself(u64);

impl std::hash::BuildHasher for ByItself {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for ByItself {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = hash_mixed_to(number);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A key that is placed by a number and told from others at the same place by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    place: u64,
    name: Watched,
}

impl Key {
    /// In the place that begins with this byte.
    pub(crate) fn new(byte: u8, name: u64) -> Self {
        Self { place: u64::from(byte) << 56, name: Watched::new(name) }
    }

    /// The name.
    pub(crate) fn name(&self) -> u64 {
        self.name.get()
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.place);
    }
}
