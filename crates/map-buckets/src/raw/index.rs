//! The index: which bucket a hash belongs to, and the memory of the buckets.
//!
//! **Source**: linear hashing (Litwin, VLDB 1980) with a segment of buckets for each doubling, as in Larson's dynamic
//! hash tables (CACM 1988); that a bucket knows its depth, so that whoever comes with an outdated idea of the index
//! finds the way from there, is from the distributed form, LH* (Litwin, Neimat and Schneider, SIGMOD 1993).
//!
//! **Layout**
//!
//! ```text
//! state: mask, GROWING, SHRINKING      directory[c] ──> chunk: buckets 8c .. 8c+8
//! ```
//!
//! At level `l` the low `l` bits of a hash's [`Bits`] are its bucket. While the table grows to level `l + 1`, bucket `i` is split
//! into `i` and `i + 2^l`, in order of `i`; `next` says how far that has come. Buckets are allocated in chunks of about a
//! page, when the first of them is needed: a directory of chunks stays in the first-level cache where one of buckets would
//! not. A table of a few entries has one bucket, of fewer slots.
//!
//! **Invariants**: (I1) for every hash exactly one bucket is *right*: in use, with a depth `d` such that the low `d` bits of the
//! hash are its index. (I2) From any bucket one comes to the right one: from one that is not in use by
//! leaving out the index's highest bit, from one that is deeper than thought by taking more bits. (I3)
//! chunks are neither moved nor freed but with `&mut` access; directories and small first buckets
//! are replaced by larger ones, and kept until then. (I4) a directory is as long as the level, and that of a
//! growth under way, can ask for before the state says so. (I5) the chunks of a table are its first one and those that the present
//! directory has from its second place on.
//!
//! While the table shrinks to level `l`, the state says beside the level that it is growing, which is how hashes find their buckets, and
//! that it is shrinking, which keeps insertions from splitting. Taking the latter from it makes it a growth (module `shrink`).

use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};
use std::alloc::{self, Layout};

use map_core::ReserveError;
use map_sync::prefetch::prefetch;
use map_sync::shim::Mutex;
use map_sync::shim::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::bits::{Bits, Depth, GROWING, MAX_LEVEL, SHRINKING, State, mask};
use super::bucket::{Bucket, Header, Shape};
use super::memory::{Fresh, allocate, free_small, probe};

/// The chunks, by the upper bits of their buckets' indices.
type Directory = [AtomicPtr<Header>];

pub(crate) struct Index<K, V> {
    state: AtomicUsize,
    /// The first pointer of the present directory.
    directory: AtomicPtr<AtomicPtr<Header>>,
    /// The level, from bit 32, and the bucket to split next.
    next: AtomicU64,
    memory: Mutex<Memory>,
    entries: PhantomData<(K, V)>,
}

/// What is allocated. Whoever adds to the index holds its lock.
struct Memory {
    /// The chunk of the first buckets, if they are not in a small one.
    first_chunk: Option<NonNull<Header>>,
    /// Small first buckets: those that were replaced and the present one.
    smalls: Vec<NonNull<Header>>,
    /// All directories, the present one last.
    directories: Vec<NonNull<Directory>>,
}

impl Memory {
    const fn new() -> Self {
        Self { first_chunk: None, smalls: Vec::new(), directories: Vec::new() }
    }

    fn directory(&self) -> &Directory {
        match self.directories.last() {
            None => &NO_BUCKETS,
            // SAFETY: directories are freed only with `&mut` access to the index, and taken out of the list before.
            Some(present) => unsafe { present.as_ref() },
        }
    }
}

/// The directory of a table without a bucket.
static NO_BUCKETS: [AtomicPtr<Header>; 1] = [AtomicPtr::new(ptr::null_mut())];

// SAFETY: an index owns its buckets and the entries in them, and reaches them by pointers of its own.
unsafe impl<K: Send, V: Send> Send for Index<K, V> {}
// SAFETY: threads that share an index give each other copies of entries, and move entries in and out.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Index<K, V> {}

impl<K, V> Index<K, V> {
    /// Buckets in a chunk.
    const CHUNK: usize = match Shape::<K, V>::STRIDE {
        0..=1024 => 8,
        1025..=2048 => 4,
        2049..=4096 => 2,
        _ => 1,
    };

    pub(super) const CHUNK_LAYOUT: Layout =
        match Layout::from_size_align(Shape::<K, V>::STRIDE * Self::CHUNK, Shape::<K, V>::ALIGN) {
            Ok(layout) => layout,
            Err(_) => panic!("a bucket fits memory"),
        };

    pub(crate) const fn new() -> Self {
        Self {
            state: AtomicUsize::new(0),
            directory: AtomicPtr::new(
                (&raw const NO_BUCKETS).cast::<AtomicPtr<Header>>().cast_mut(),
            ),
            // None is left to split: else who reserves while another one begins the first growth would split what is not to be
            // split yet.
            next: AtomicU64::new(1),
            memory: Mutex::new(Memory::new()),
            entries: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        // Acquire pairs with the release in `begin_growth` and `set_level`: a directory long enough is seen (I4).
        State(self.state.load(Ordering::Acquire))
    }

    /// The bucket of an index that a guess or a redirection gave, if its memory is there.
    #[inline(always)]
    pub(crate) fn bucket(&self, index: usize) -> Option<Bucket<K, V>> {
        // Acquire pairs with the release in `publish`.
        let directory = self.directory.load(Ordering::Acquire);
        // SAFETY: inside the directory, by I4; a directory lives as long as `self` is borrowed (I3).
        let place = unsafe { &*directory.wrapping_add(index / Self::CHUNK) };
        // Acquire pairs with the release in `make_bucket` and `replace_first`: the chunk is seen zeroed.
        let chunk = NonNull::new(place.load(Ordering::Acquire))?;
        let offset = index % Self::CHUNK * Shape::<K, V>::STRIDE;
        // SAFETY: a chunk has that many buckets; of a small one only the first is asked for.
        let header = unsafe { chunk.byte_add(offset) };
        // SAFETY: a bucket of this table, which lives as long as `self` is borrowed (I3).
        Some(unsafe { Bucket::at(header) })
    }

    /// A first guess where a hash belongs, nearly always right.
    #[inline(always)]
    pub(crate) fn guess(&self, bits: Bits) -> usize {
        let state = self.state();
        let index = (bits.index & state.0 as u32) as usize;
        if state.is_growing() { self.guess_growing(bits, state.level(), index) } else { index }
    }

    #[cold]
    fn guess_growing(&self, bits: Bits, level: u32, index: usize) -> usize {
        // Relaxed: a hint.
        let next = self.next.load(Ordering::Relaxed);
        if next >> 32 == u64::from(level) && (index as u64) < next & 0xFFFF_FFFF {
            bits.low(level + 1)
        } else {
            index
        }
    }

    /// Fetches the first line of a hash's bucket into the cache.
    #[inline(always)]
    pub(crate) fn prefetch(&self, bits: Bits) {
        if let Some(bucket) = self.bucket(self.guess(bits)) {
            prefetch(bucket.address().as_ptr());
        }
    }

    /// Fetches the first entry that may be a hash's into the cache, which takes a look at its bucket.
    #[inline(always)]
    pub(crate) fn prefetch_entry(&self, bits: Bits) {
        if let Some(bucket) = self.bucket(self.guess(bits)) {
            bucket.prefetch_entry(bits.tag());
        }
    }

    /// Where to look next after the bucket at `index`, of this depth, turned out wrong (I2).
    ///
    /// A first bucket that was replaced is looked up again.
    #[cold]
    pub(crate) fn redirect(bits: Bits, index: usize, depth: Depth) -> usize {
        match (depth.level(), index.checked_ilog2()) {
            (Some(level), _) => bits.low(level),
            (None, Some(highest)) => index & !(1 << highest),
            (None, None) => 0,
        }
    }

    /// Makes the first bucket, a small one, if there is none.
    pub(crate) fn make_first(&self, slots: usize) -> Result<(), ReserveError> {
        let mut memory = self.memory.lock();
        if memory.directories.is_empty() {
            let directory = Self::longer(&memory, 1)?;
            let first = Self::allocate_small(slots)?;
            first.header().set_depth(Depth::of_level(0));
            memory.smalls.push(first.address());
            directory[0].store(first.address().as_ptr(), Ordering::Relaxed);
            self.publish(&mut memory, directory);
        }
        Ok(())
    }

    /// Makes a small bucket that nobody knows yet.
    fn allocate_small(slots: usize) -> Result<Bucket<K, V>, ReserveError> {
        let header = allocate(Self::small_layout(slots))?;
        // SAFETY: zeroed, and as large as a bucket with that many slots.
        let bucket = unsafe { Bucket::<K, V>::at(header) };
        bucket.make_small(slots);
        Ok(bucket)
    }

    pub(super) fn small_layout(slots: usize) -> Layout {
        let layout = Layout::from_size_align(Shape::<K, V>::size(slots), Shape::<K, V>::ALIGN);
        layout.unwrap_or(Self::CHUNK_LAYOUT)
    }

    /// Makes a bucket with so many slots to take the place of the first, and has it filled and published.
    ///
    /// The caller holds the first bucket, which `fill` empties; it is out of use from just before.
    pub(crate) fn replace_first(
        &self,
        slots: usize,
        fill: impl FnOnce(Bucket<K, V>),
    ) -> Result<Bucket<K, V>, ReserveError> {
        let mut memory = self.memory.lock();
        let old = self.bucket(0);
        let fill = |new| {
            old.inspect(|old| old.header().set_depth(Depth::NONE));
            fill(new);
        };
        let new = if slots < Shape::<K, V>::SLOTS {
            let new = Self::allocate_small(slots)?;
            memory.smalls.push(new.address());
            fill(new);
            new.header().set_depth(Depth::of_level(0));
            // Release pairs with the acquire in `bucket`.
            memory.directory()[0].store(new.address().as_ptr(), Ordering::Release);
            new
        } else {
            let directory = Self::longer(&memory, 1)?;
            let chunk = allocate(Self::CHUNK_LAYOUT)?;
            memory.first_chunk = Some(chunk);
            // SAFETY: a chunk begins with a bucket, zeroed.
            let new = unsafe { Bucket::<K, V>::at(chunk) };
            fill(new);
            new.header().set_depth(Depth::of_level(0));
            directory[0].store(chunk.as_ptr(), Ordering::Relaxed);
            self.publish(&mut memory, directory);
            new
        };
        Ok(new)
    }

    /// Makes a directory with at least `len` places and the buckets of the present one.
    fn longer(memory: &Memory, len: usize) -> Result<Box<Directory>, ReserveError> {
        let mut places = Vec::new();
        let present = memory.directory();
        let len = len.max(present.len());
        places.try_reserve_exact(len).map_err(|_| ReserveError::AllocError)?;
        // Relaxed: whoever stores there holds the lock of the memory.
        let copy = |place: &AtomicPtr<Header>| AtomicPtr::new(place.load(Ordering::Relaxed));
        places.extend(present.iter().map(copy));
        places.resize_with(len, AtomicPtr::default);
        Ok(places.into_boxed_slice())
    }

    /// Makes a directory the present one.
    fn publish(&self, memory: &mut Memory, directory: Box<Directory>) {
        let directory = NonNull::from(Box::leak(directory));
        memory.directories.push(directory);
        // Release pairs with the acquire in `bucket`.
        self.directory.store(directory.as_ptr().cast(), Ordering::Release);
    }

    /// Sees to it that the directory is long enough for a level (I4).
    pub(crate) fn reach(&self, level: u32) -> Result<(), ReserveError> {
        if level > MAX_LEVEL {
            return Err(ReserveError::CapacityOverflow);
        }
        let mut memory = self.memory.lock();
        let len = (1_usize << level).div_ceil(Self::CHUNK);
        if memory.directory().len() < len {
            let directory = Self::longer(&memory, len)?;
            self.publish(&mut memory, directory);
        }
        Ok(())
    }

    /// The bucket of an index that the directory reaches; its chunk is made if need be.
    pub(crate) fn make_bucket(&self, index: usize) -> Result<Bucket<K, V>, ReserveError> {
        if let Some(bucket) = self.bucket(index) {
            return Ok(bucket);
        }
        let memory = self.memory.lock();
        let place = &memory.directory()[index / Self::CHUNK];
        if place.load(Ordering::Relaxed).is_null() {
            let chunk = allocate(Self::CHUNK_LAYOUT)?;
            // Release pairs with the acquire in `bucket`: the buckets are seen zeroed.
            place.store(chunk.as_ptr(), Ordering::Release);
        }
        drop(memory);
        self.bucket(index).ok_or(ReserveError::AllocError)
    }

    /// Allocates what is missing for all buckets of a level but the first chunk; nothing of it is in use yet.
    ///
    /// Much memory is first asked for at once and given back: what the system will not give is refused before page after
    /// page is taken.
    pub(crate) fn fresh(&self, level: u32) -> Result<Fresh<K, V>, ReserveError> {
        let overflow = ReserveError::CapacityOverflow;
        let places = (1_usize << level).div_ceil(Self::CHUNK);
        // The directory only gets longer while the table is shared; what others make meanwhile is found in `add`.
        let reached = self.memory.lock().directory().len().min(places);
        let present = |place: &usize| self.bucket(*place * Self::CHUNK).is_some();
        let count = (places - 1) - (1..reached).filter(present).count();
        let size = Self::CHUNK_LAYOUT.size().checked_mul(count).ok_or(overflow)?;
        probe(Layout::from_size_align(size, Self::CHUNK_LAYOUT.align()).map_err(|_| overflow)?)?;
        let mut fresh = Fresh { chunks: Vec::new(), entries: PhantomData };
        fresh.chunks.try_reserve_exact(count).map_err(|_| ReserveError::AllocError)?;
        for place in (1..places).filter(|place| *place >= reached || !present(place)) {
            fresh.chunks.push((place, allocate(Self::CHUNK_LAYOUT)?));
        }
        Ok(fresh)
    }

    /// Gives the index the chunks, but for those that others have made meanwhile. The directory reaches them.
    pub(crate) fn add(&self, fresh: &mut Fresh<K, V>) {
        let memory = self.memory.lock();
        fresh.chunks.retain(|&(place, chunk)| {
            let free = memory.directory()[place].load(Ordering::Relaxed).is_null();
            if free {
                // Release pairs with the acquire in `bucket`: the buckets are seen zeroed.
                memory.directory()[place].store(chunk.as_ptr(), Ordering::Release);
            }
            !free
        });
    }

    /// Frees the chunk that begins with this bucket, none of whose buckets is in use. Nothing if that is the first one, or the bucket no
    /// beginning of a chunk.
    pub(crate) fn free_chunk_at(&mut self, index: usize) {
        let place = index / Self::CHUNK;
        if place > 0 && index % Self::CHUNK == 0 {
            let memory = self.memory.get_mut();
            let chunk = memory.directory()[place].swap(ptr::null_mut(), Ordering::Relaxed);
            if let Some(chunk) = NonNull::new(chunk) {
                // SAFETY: allocated with this layout (I5), not to be found any more, and by `&mut` nobody is in it.
                unsafe { alloc::dealloc(chunk.as_ptr().cast(), Self::CHUNK_LAYOUT) };
            }
        }
    }

    /// How many places the directory has.
    pub(crate) fn places(&mut self) -> usize {
        self.memory.get_mut().directory().len()
    }

    /// Shortens the directory, by so many places at the most, towards what a level needs; frees the chunks in them and what was
    /// replaced.
    ///
    /// The allocator shortens memory in its place, as a rule.
    pub(crate) fn trim(&mut self, level: u32, most: usize) {
        let memory = self.memory.get_mut();
        let first = memory.directory()[0].load(Ordering::Relaxed);
        let Some(present) = memory.directories.pop() else { return };
        memory.smalls.retain(|&small| {
            if small.as_ptr() != first {
                // SAFETY: replaced, hence not reachable; by `&mut` nobody is in it.
                unsafe { free_small::<K, V>(small) };
            }
            small.as_ptr() == first
        });
        // SAFETY: leaked in `publish` or `replace_directories`, and by `&mut` nobody is in it.
        let mut places = unsafe { Box::from_raw(present.as_ptr()) }.into_vec();
        let needed = (1_usize << level).div_ceil(Self::CHUNK);
        let shorter = needed.max(places.len().saturating_sub(most)).min(places.len());
        for place in places.drain(shorter..) {
            if let Some(chunk) = NonNull::new(place.load(Ordering::Relaxed)) {
                // SAFETY: as in `free_chunk_at`; the first place is needed at every level.
                unsafe { alloc::dealloc(chunk.as_ptr().cast(), Self::CHUNK_LAYOUT) };
            }
        }
        self.replace_directories(places);
    }

    /// Frees all directories and puts one with these places in their stead.
    fn replace_directories(&mut self, places: Vec<AtomicPtr<Header>>) {
        let memory = self.memory.get_mut();
        for directory in mem::take(&mut memory.directories) {
            // SAFETY: leaked in `publish` or below, and by `&mut` nobody is in it.
            drop(unsafe { Box::from_raw(directory.as_ptr()) });
        }
        let mut first = (&raw const NO_BUCKETS).cast::<AtomicPtr<Header>>().cast_mut();
        if !places.is_empty() {
            let directory = NonNull::from(Box::leak(places.into_boxed_slice()));
            memory.directories.push(directory);
            first = directory.as_ptr().cast();
        }
        *self.directory.get_mut() = first;
    }

    /// Frees all memory but that of `keep`, a small first bucket. The others are empty.
    pub(crate) fn free_all_but(&mut self, keep: Option<Bucket<K, V>>) {
        let keep = keep.map(Bucket::address);
        let memory = self.memory.get_mut();
        let others = memory.directory().iter().skip(1);
        let others = others.filter_map(|place| NonNull::new(place.load(Ordering::Relaxed)));
        for chunk in memory.first_chunk.into_iter().chain(others) {
            // SAFETY: allocated with this layout (I5), and by `&mut` nobody is in it.
            unsafe { alloc::dealloc(chunk.as_ptr().cast(), Self::CHUNK_LAYOUT) };
        }
        memory.first_chunk = None;
        memory.smalls.retain(|&small| {
            if Some(small) != keep {
                // SAFETY: by `&mut` nobody is in it.
                unsafe { free_small::<K, V>(small) };
            }
            Some(small) == keep
        });
        self.replace_directories(
            keep.map(|keep| AtomicPtr::new(keep.as_ptr())).into_iter().collect(),
        );
    }

    /// Begins to split the buckets of the present level; the directory reaches the next.
    pub(crate) fn begin_growth(&self) {
        let level = self.state().level();
        // Release pairs with the acquire in `state`.
        self.state.store(mask(level) | GROWING, Ordering::Release);
        // After the state, which the last split overwrites; release pairs with the acquire in `claim`.
        self.next.store(u64::from(level) << 32, Ordering::Release);
    }

    /// Claims a bucket to split: the level of the growth, and the bucket if one is left. It may be split already.
    pub(crate) fn claim(&self) -> (u32, Option<usize>) {
        // The load keeps the counter from running on. Acquire pairs with the release in `begin_growth`.
        let mut claimed = self.next.load(Ordering::Acquire);
        if claimed & 0xFFFF_FFFF < 1 << (claimed >> 32) {
            claimed = self.next.fetch_add(1, Ordering::Acquire);
        }
        let (level, index) = ((claimed >> 32) as u32, claimed & 0xFFFF_FFFF);
        (level, (index < 1 << level).then_some(index as usize))
    }

    /// Says that all buckets of this level are split, unless somebody has.
    pub(crate) fn end_growth(&self, level: u32) {
        // Release pairs with the acquire in `state`. A failure means that the growth has ended, and perhaps the next begun.
        let (growing, ended) = (mask(level) | GROWING, mask(level + 1));
        let _ = self.state.compare_exchange(growing, ended, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Says that the table shrinks to a level; it has the next one, or is growing to that.
    pub(crate) fn begin_shrinking(&mut self, level: u32) {
        if !self.state().is_growing() {
            *self.next.get_mut() = u64::from(level) << 32 | 1 << level;
        }
        *self.state.get_mut() = mask(level) | GROWING | SHRINKING;
    }

    /// Says of a table that shrinks that from `merged` on no bucket is split.
    pub(crate) fn shrunk_down_to(&mut self, merged: usize) {
        let next = self.next.get_mut();
        // The growth that this may become begins where it has to split.
        *next = *next & !0xFFFF_FFFF | (*next & 0xFFFF_FFFF).min(merged as u64);
    }

    /// Makes of a table that shrinks to this level one that grows from it, unless somebody has.
    pub(crate) fn turn_to_growth(&self, level: u32) {
        // Release pairs with the acquire in `state`. A failure means that another one did it, and perhaps ended the growth.
        let (shrinking, growing) = (mask(level) | GROWING | SHRINKING, mask(level) | GROWING);
        let _ =
            self.state.compare_exchange(shrinking, growing, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Says that all buckets are at this level, and that none is left to split of a growth that was broken off.
    pub(crate) fn break_off_at(&mut self, level: u32) {
        // Else who comes while the next growth begins could claim a bucket of this one.
        *self.next.get_mut() = u64::from(level) << 32 | 1 << level;
        self.set_level(level);
    }

    /// Says that all buckets are at this level.
    pub(crate) fn set_level(&self, level: u32) {
        // Release pairs with the acquire in `state`.
        self.state.store(mask(level), Ordering::Release);
    }
}

impl<K, V> Drop for Index<K, V> {
    /// Frees the memory. The entries are gone already.
    fn drop(&mut self) {
        self.free_all_but(None);
    }
}
