//! A bucket: a line of header, then its entries.
//!
//! **Layout**
//!
//! ```text
//! Header, 64 bytes: lock 16 │ depth 4 │ used 4 │ chain 8 │ tags 32      entries: (K, V) × slots
//! ```
//!
//! The tags are in the line of the lock, so a look-up that misses touches one line and one that hits two. A bucket of small
//! entries has 32 slots, one of large entries fewer, so that a bucket is never much larger than a page. Further
//! entries lie in a chain of nodes (module `chain`).
//!
//! **The lock** is a sequence lock, unlocked when its bytes are zero, so a bucket is made by zeroing memory. Entries are *plain*
//! (module `plain`): readers copy them beside a writer.
//!
//! **Depth**: how many low bits of a hash all keys of the bucket share with its index, or that it is not in use (module
//! `index`). It changes only under the lock, but for the first time (see `growth`).
//!
//! **Invariants**: (I1) a slot whose bit in `used` is set holds an entry, any other does not. (I2) only
//! the exclusive holder of a bucket changes it, and only while the sequence lock says "writing". (I3) memory of buckets and nodes is freed only with `&mut` access to the table.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use map_sync::prefetch::prefetch;
use map_sync::seqlock::RawSeqLock;
use map_sync::shim::atomic::{AtomicPtr, AtomicU32, Ordering, fence};
use map_sync::tags::{Slots, Tags};

use super::bits::Depth;
use super::chain::{Node, NodeRef};
use super::plain;

/// What a bucket of entries `(K, V)` looks like.
pub(crate) struct Shape<K, V>(PhantomData<(K, V)>);

impl<K, V> Shape<K, V> {
    const ENTRY: usize = size_of::<(K, V)>();

    /// Entries in a bucket.
    pub(crate) const SLOTS: usize = match Self::ENTRY {
        _ if map_sync::shim::MODEL => 8,
        0..=64 => 32,
        65..=256 => 16,
        _ => 8,
    };

    /// The mean number of entries in a bucket above which the table grows: as many as leave one bucket in twenty with
    /// a chain.
    pub(crate) const MOST: usize = match Self::SLOTS {
        32 => 26,
        16 => 13,
        _ => 6,
    };

    /// Alignment of a bucket.
    pub(crate) const ALIGN: usize = if align_of::<(K, V)>() > align_of::<Header>() {
        align_of::<(K, V)>()
    } else {
        align_of::<Header>()
    };

    /// Where the entries begin.
    const ENTRIES: usize = size_of::<Header>().next_multiple_of(Self::ALIGN);

    /// Bytes from a bucket to the next.
    pub(crate) const STRIDE: usize = Self::size(Self::SLOTS);

    /// Bytes of a bucket with so many slots.
    pub(crate) const fn size(slots: usize) -> usize {
        (Self::ENTRIES + slots * Self::ENTRY).next_multiple_of(Self::ALIGN)
    }

    /// Whether entries can be read beside a writer.
    #[inline(always)]
    pub(crate) fn is_plain() -> bool {
        plain::is_plain::<K>() && plain::is_plain::<V>()
    }
}

/// The first line of a bucket.
#[repr(C, align(64))]
pub(crate) struct Header {
    seq: RawSeqLock,
    depth: AtomicU32,
    /// The slots that hold an entry.
    used: AtomicU32,
    /// The first node, with the number of slots in the bits that a node's address does not use: so many times they were
    /// halved.
    chain: AtomicPtr<Node>,
    tags: Tags,
}

const _: () = assert!(size_of::<Header>() == 64);

impl Header {
    /// The bucket's lock.
    #[inline(always)]
    pub(crate) fn seq(&self) -> &RawSeqLock {
        &self.seq
    }

    #[inline(always)]
    pub(crate) fn depth(&self) -> Depth {
        // Acquire pairs with the release in `set_depth`: a bucket is seen filled.
        Depth(self.depth.load(Ordering::Acquire))
    }

    pub(crate) fn set_depth(&self, depth: Depth) {
        self.depth.store(depth.0, Ordering::Release);
    }

    /// Entries in the slots; those in the chain are not counted.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed).count_ones() as usize
    }

    /// The slots with this tag that hold an entry.
    #[inline(always)]
    fn matching(&self, tag: u8) -> Slots {
        // Relaxed: a reader beside a writer asks afterwards whether what it saw belongs together.
        Slots(self.tags.equal_to(tag).0 & self.used.load(Ordering::Relaxed))
    }

    /// Sets or clears the bit of a slot. For the exclusive holder only.
    #[inline(always)]
    fn mark(&self, slot: usize, used: bool) {
        let bits = self.used.load(Ordering::Relaxed);
        let bit = 1 << slot;
        self.used.store(if used { bits | bit } else { bits & !bit }, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn tag(&self, slot: usize) -> u8 {
        self.tags.get(slot)
    }

    /// For the exclusive holder only.
    #[inline(always)]
    pub(super) fn set_tag(&self, slot: usize, tag: u8) {
        self.tags.set(slot, tag);
    }

    /// The first node of the chain.
    #[inline(always)]
    pub(super) fn first_node(&self) -> Option<NonNull<Node>> {
        // Acquire pairs with the release in `set_first_node`: the node is seen whole.
        let tagged = self.chain.load(Ordering::Acquire);
        NonNull::new(tagged.map_addr(|address| address & !HALVINGS))
    }

    /// For the exclusive holder only.
    pub(super) fn set_first_node(&self, node: *mut Node) {
        let halvings = self.chain.load(Ordering::Relaxed).addr() & HALVINGS;
        self.chain.store(node.map_addr(|address| address | halvings), Ordering::Release);
    }
}

/// The bits of a chain's pointer that say how often the number of slots was halved.
const HALVINGS: usize = 3;

/// A bucket, by its address. Copying it copies no right: what an operation needs is said there.
pub(crate) struct Bucket<K, V> {
    header: NonNull<Header>,
    entries: PhantomData<*mut (K, V)>,
}

impl<K, V> Clone for Bucket<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Bucket<K, V> {}

/// Where an entry lies.
pub(crate) struct Place<K, V> {
    pub(super) entry: *mut (K, V),
    pub(super) node: Option<NonNull<Node>>,
    pub(super) slot: usize,
}

impl<K, V> Bucket<K, V> {
    /// # Safety
    ///
    /// `header` begins a bucket that was made for entries `(K, V)`, which lives as long as the table is borrowed.
    #[inline(always)]
    pub(crate) unsafe fn at(header: NonNull<Header>) -> Self {
        Self { header, entries: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn header<'table>(self) -> &'table Header {
        // SAFETY: by the contract of `at` the header lives; it is shared, all of its fields are atomics.
        unsafe { self.header.as_ref() }
    }

    pub(crate) fn address(self) -> NonNull<Header> {
        self.header
    }

    /// Gives a zeroed bucket fewer slots than others have: a half, a quarter or an eighth. For one that nobody can
    /// reach yet.
    pub(crate) fn make_small(self, slots: usize) {
        let halvings = (Shape::<K, V>::SLOTS / slots).trailing_zeros() as usize;
        let chain = &self.header().chain;
        chain.store(ptr::without_provenance_mut(halvings & HALVINGS), Ordering::Relaxed);
    }

    /// The number of slots.
    pub(crate) fn slots(self) -> usize {
        Shape::<K, V>::SLOTS >> (self.header().chain.load(Ordering::Relaxed).addr() & HALVINGS)
    }

    /// The slots that hold an entry.
    #[inline(always)]
    pub(super) fn used_slots(self) -> Slots {
        Slots(self.header().used.load(Ordering::Relaxed))
    }

    /// For the exclusive holder only.
    #[inline(always)]
    pub(super) fn set_used_slots(self, slots: Slots) {
        self.header().used.store(slots.0, Ordering::Relaxed);
    }

    /// A slot that holds no entry.
    #[inline(always)]
    fn free_slot(self) -> Option<usize> {
        let slot = self.header().used.load(Ordering::Relaxed).trailing_ones() as usize;
        (slot < self.slots()).then_some(slot)
    }

    #[inline(always)]
    pub(super) fn entry(self, slot: usize) -> *mut (K, V) {
        let entries = self.header.as_ptr().wrapping_byte_add(Shape::<K, V>::ENTRIES);
        entries.cast::<(K, V)>().wrapping_add(slot)
    }

    /// Fetches the first entry with this tag into the cache. A hint, for whoever holds nothing.
    #[inline(always)]
    pub(super) fn prefetch_entry(self, tag: u8) {
        if let Some(slot) = self.header().matching(tag).next() {
            prefetch(self.entry(slot));
        }
    }

    /// As [`find`](Self::find), in the slots alone.
    #[inline(always)]
    pub(super) fn find_in_slots(
        self,
        tag: u8,
        is: impl Fn(*const (K, V)) -> bool,
    ) -> Option<*const (K, V)> {
        let entries = self.header().matching(tag).map(|slot| self.entry(slot).cast_const());
        entries.into_iter().find(|&entry| is(entry))
    }

    /// Finds the entry with this tag that `is` recognises.
    ///
    /// `go_on` is asked before each step into the chain; `false` ends the search.
    #[inline(always)]
    pub(crate) fn find(
        self,
        tag: u8,
        mut is: impl FnMut(*const (K, V)) -> bool,
        go_on: impl Fn() -> bool,
    ) -> Option<Place<K, V>> {
        for slot in self.header().matching(tag) {
            let entry = self.entry(slot);
            if is(entry) {
                return Some(Place { entry, node: None, slot });
            }
        }
        self.find_in_chain(self.header().first_node()?, tag, is, go_on)
    }

    #[cold]
    #[inline(never)]
    fn find_in_chain(
        self,
        first: NonNull<Node>,
        tag: u8,
        mut is: impl FnMut(*const (K, V)) -> bool,
        go_on: impl Fn() -> bool,
    ) -> Option<Place<K, V>> {
        let mut next = Some(first);
        while let Some(address) = next {
            if !go_on() {
                return None;
            }
            // SAFETY: a node that was reached from a bucket of the table lives as long as the table is borrowed (I3).
            let node = unsafe { NodeRef::<K, V>::at(address) };
            for slot in node.matching(tag) {
                let entry = node.entry(slot);
                if is(entry) {
                    return Some(Place { entry, node: Some(address), slot });
                }
            }
            next = node.next();
        }
        None
    }

    /// The places of all entries.
    pub(crate) fn places(self) -> impl Iterator<Item = Place<K, V>> {
        let own =
            self.used_slots().map(move |slot| Place { entry: self.entry(slot), node: None, slot });
        let mut next = self.header().first_node();
        let nodes = core::iter::from_fn(move || {
            let address = next?;
            // SAFETY: as in `find_in_chain`.
            let node = unsafe { NodeRef::<K, V>::at(address) };
            next = node.next();
            Some(node)
        });
        own.chain(nodes.flat_map(|node| {
            let place =
                move |slot| Place { entry: node.entry(slot), node: Some(node.address()), slot };
            node.used().map(place)
        }))
    }

    /// The number of entries, without the lock; `None` if the bucket is, or goes, out of use.
    pub(crate) fn count(self) -> Option<usize> {
        let entries = self.places().count();
        // Pairs with the fence in `move_to`: who has seen a slot emptied there sees what came before.
        fence(Ordering::Acquire);
        (self.header().depth() != Depth::NONE).then_some(entries)
    }

    /// The tag of the entry at a place.
    pub(crate) fn tag(self, place: &Place<K, V>) -> u8 {
        match place.node {
            None => self.header().tags.get(place.slot),
            // SAFETY: the place was found in this bucket, so its node lives (I3).
            Some(node) => unsafe { NodeRef::<K, V>::at(node) }.tags().get(place.slot),
        }
    }

    /// Puts an entry into a free slot of the bucket itself; gives it back if there is none.
    ///
    /// # Safety
    ///
    /// The entries are plain; the caller holds the bucket exclusively and has said that it writes.
    #[inline(always)]
    pub(crate) unsafe fn put(self, tag: u8, entry: (K, V)) -> Result<Place<K, V>, (K, V)> {
        let Some(slot) = self.free_slot() else { return Err(entry) };
        // SAFETY: a free slot of this bucket, which the caller holds.
        unsafe { write(self.entry(slot), entry) };
        self.header().tags.set(slot, tag);
        self.header().mark(slot, true);
        Ok(Place { entry: self.entry(slot), node: None, slot })
    }
}

/// Writes an entry into a free slot.
///
/// # Safety
///
/// The entries are plain; `to` is a slot without an entry of a bucket or node that the caller holds exclusively.
#[inline(always)]
pub(super) unsafe fn write<K, V>(to: *mut (K, V), entry: (K, V)) {
    // SAFETY: in bounds of the slot.
    let key = unsafe { &raw mut (*to).0 };
    // SAFETY: as above.
    let value = unsafe { &raw mut (*to).1 };
    // SAFETY: plain, aligned as part of a slot, and the caller is the only writer.
    unsafe { plain::store(key, entry.0) };
    // SAFETY: as above.
    unsafe { plain::store(value, entry.1) };
}

impl<K, V> Place<K, V> {
    /// The entry.
    ///
    /// # Safety
    ///
    /// For `'held` the caller holds the bucket, shared or exclusively, and does not change this entry.
    #[inline(always)]
    pub(crate) unsafe fn get<'held>(&self) -> &'held (K, V) {
        // SAFETY: by I1 an entry lies there; by I2 only an exclusive holder could change it. Readers of plain entries
        // beside this holder load atomically, which a shared reference does not forbid.
        unsafe { &*self.entry }
    }

    /// Exchanges the value.
    ///
    /// # Safety
    ///
    /// The entries are plain; the caller holds the bucket exclusively, has no reference to the entry, and has said that it
    /// writes.
    #[inline(always)]
    pub(crate) unsafe fn replace(&self, value: V) -> V {
        // SAFETY: in bounds of the entry.
        let place = unsafe { &raw mut (*self.entry).1 };
        // SAFETY: plain and aligned; only the caller stores.
        let old = unsafe { plain::load(place) };
        // SAFETY: as above.
        unsafe { plain::store(place, value) };
        old
    }

    /// Moves the entry out and frees its slot.
    ///
    /// # Safety
    ///
    /// As for [`replace`](Self::replace); the place was found in `bucket`, and nothing has been taken from it since.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, bucket: Bucket<K, V>) -> (K, V) {
        // SAFETY: by I1 an entry lies there; it is plain, so this is a copy.
        let entry = unsafe { self.entry.read() };
        match self.node {
            None => bucket.header().mark(self.slot, false),
            // SAFETY: the node of a place in this bucket lives (I3).
            Some(node) => unsafe { NodeRef::<K, V>::at(node) }.mark(self.slot, false),
        }
        entry
    }

    /// Whether the entry lies in the chain.
    pub(crate) fn is_chained(&self) -> bool {
        self.node.is_some()
    }
}
