//! Who is in the directory: a digest of everybody, small enough to hold half a million people while they are read anew.

use super::directory::Traits;
use super::ids::TeamsUserId;

/// Bytes of an entry as it is kept: 16 of the id, 7 of the digest, 1 of the traits.
pub const ENTRY: usize = 24;
/// Enough that a bucket stays small, whatever the size.
const BUCKETS: usize = 2048;

/// One user as the roll knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id.
    pub id: [u8; 16],
    /// Of everything that is stored.
    pub digest: [u8; 7],
    /// The facts that decide.
    pub traits: Traits,
}

impl Entry {
    /// As it is kept.
    #[must_use]
    pub fn bytes(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..16].copy_from_slice(&self.id);
        bytes[16..23].copy_from_slice(&self.digest);
        bytes[23] = self.traits.byte();
        bytes
    }

    /// Back from how it is kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let (mut id, mut digest) = ([0; 16], [0; 7]);
        id.copy_from_slice(&bytes[..16]);
        digest.copy_from_slice(&bytes[16..23]);
        Self {
            id,
            digest,
            traits: Traits::from_byte(bytes[23]),
        }
    }

    /// The id as others know it.
    #[must_use]
    pub fn user(&self) -> TeamsUserId {
        TeamsUserId::from_bytes(self.id)
    }
}

/// What a read has said of somebody so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Here before; this read has not seen them.
    Known,
    /// As before.
    Same,
    /// Here before, and different now.
    Changed,
    /// Not here before.
    Fresh,
    /// Not here before, seen by this read, and gone while it went on.
    Withdrawn,
}

#[derive(Clone, Copy)]
struct Slot {
    entry: Entry,
    /// What was kept before, where the user was here.
    was: Traits,
    state: State,
}

/// What a look at somebody means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// As before; nothing to write.
    Same,
    /// This read has shown them before, with the same content.
    Again,
    /// Here before, and different now.
    Changed,
    /// Not here before; with the traits that this read gave them earlier, where it did.
    Fresh(Option<Traits>),
}

/// Everybody who was here before, and what a read under way has said of them.
pub struct Roll {
    buckets: Vec<Vec<Slot>>,
    /// What was kept before may not be what its digest says.
    distrusted: bool,
}

impl Default for Roll {
    fn default() -> Self {
        Self {
            buckets: vec![Vec::new(); BUCKETS],
            distrusted: false,
        }
    }
}

fn bucket(id: &[u8; 16]) -> usize {
    let mut half = [0; 8];
    half.copy_from_slice(&id[8..]);
    let mut other = [0; 8];
    other.copy_from_slice(&id[..8]);
    let mixed =
        (u64::from_be_bytes(half) ^ u64::from_be_bytes(other).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 32).unwrap_or_default() % BUCKETS
}

impl Roll {
    /// Somebody who was here before.
    pub fn knew(&mut self, entry: Entry) {
        self.put(Slot {
            entry,
            was: entry.traits,
            state: State::Known,
        });
    }

    /// Somebody who was here before is not any more, as a later page of the record says.
    pub fn knew_not(&mut self, id: &[u8; 16]) {
        let slots = &mut self.buckets[bucket(id)];
        if let Ok(at) = slots.binary_search_by(|slot| slot.entry.id.cmp(id)) {
            slots.remove(at);
        }
    }

    /// Nothing that was kept before is relied on: everybody counts as changed.
    pub fn distrust(&mut self) {
        self.distrusted = true;
    }

    fn put(&mut self, slot: Slot) {
        let slots = &mut self.buckets[bucket(&slot.entry.id)];
        match slots.binary_search_by(|known| known.entry.id.cmp(&slot.entry.id)) {
            Ok(at) => slots[at] = slot,
            Err(at) => {
                if slots.len() == slots.capacity() {
                    slots.reserve_exact(8 + slots.len() / 8);
                }
                slots.insert(at, slot);
            }
        }
    }

    fn slot(&mut self, id: &[u8; 16]) -> Option<&mut Slot> {
        let slots = &mut self.buckets[bucket(id)];
        let at = slots.binary_search_by(|slot| slot.entry.id.cmp(id)).ok()?;
        Some(&mut slots[at])
    }

    /// A look at somebody.
    pub fn note(&mut self, entry: Entry) -> Noted {
        let distrusted = self.distrusted;
        let Some(slot) = self.slot(&entry.id) else {
            self.put(Slot {
                entry,
                was: entry.traits,
                state: State::Fresh,
            });
            return Noted::Fresh(None);
        };
        let same = slot.entry == entry;
        let (state, noted) = match slot.state {
            State::Known if same && !distrusted => (State::Same, Noted::Same),
            State::Same | State::Changed | State::Fresh if same => (slot.state, Noted::Again),
            State::Known | State::Same | State::Changed => (State::Changed, Noted::Changed),
            State::Fresh | State::Withdrawn => (State::Fresh, Noted::Fresh(Some(slot.entry.traits))),
        };
        (slot.entry, slot.state) = (entry, state);
        noted
    }

    /// Somebody is gone, also if this read has seen them.
    pub fn forget(&mut self, id: &[u8; 16]) {
        if let Some(slot) = self.slot(id) {
            slot.state = match slot.state {
                State::Fresh | State::Withdrawn => State::Withdrawn,
                State::Known | State::Same | State::Changed => State::Known,
            };
        }
    }

    /// What was kept of somebody before, where this read has found that they changed.
    #[must_use]
    pub fn changed_from(&self, id: &[u8; 16]) -> Option<Traits> {
        let slots = &self.buckets[bucket(id)];
        let at = slots.binary_search_by(|slot| slot.entry.id.cmp(id)).ok()?;
        (slots[at].state == State::Changed).then_some(slots[at].was)
    }

    fn those(&self, wanted: impl Fn(State) -> bool) -> impl Iterator<Item = Entry> {
        let slots = self.buckets.iter().flatten();
        slots.filter(move |slot| wanted(slot.state)).map(|slot| slot.entry)
    }

    /// Everybody whom this read has seen and not lost again.
    pub fn here(&self) -> impl Iterator<Item = Entry> {
        self.those(|state| matches!(state, State::Same | State::Changed | State::Fresh))
    }

    /// Those of them whose entry is not the one of before.
    pub fn altered(&self) -> impl Iterator<Item = Entry> {
        self.those(|state| matches!(state, State::Changed | State::Fresh))
    }

    /// Those who were not here before, the ones lost again among them.
    pub fn fresh(&self) -> impl Iterator<Item = Entry> {
        self.those(|state| matches!(state, State::Fresh | State::Withdrawn))
    }

    /// Those who were here before and were not seen, with what was kept of them.
    pub fn gone(&self) -> impl Iterator<Item = ([u8; 16], Traits)> {
        let slots = self.buckets.iter().flatten();
        let gone = slots.filter(|slot| slot.state == State::Known);
        gone.map(|slot| (slot.entry.id, slot.was))
    }

    /// Those who came and went while this read went on.
    pub fn withdrawn(&self) -> impl Iterator<Item = Entry> {
        self.those(|state| state == State::Withdrawn)
    }

    /// Whether somebody is known or was seen.
    #[must_use]
    pub fn names(&self, id: &[u8; 16]) -> bool {
        let slots = &self.buckets[bucket(id)];
        slots.binary_search_by(|slot| slot.entry.id.cmp(id)).is_ok()
    }

    /// Everybody whom this read has not seen counts as seen and unchanged: for a read that tells differences only.
    pub fn keep_the_rest(&mut self) {
        for slot in self.buckets.iter_mut().flatten() {
            if slot.state == State::Known {
                slot.state = State::Same;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u32, digest: u8) -> Entry {
        let mut id = [0; 16];
        id[12..].copy_from_slice(&n.to_be_bytes());
        Entry {
            id,
            digest: [digest; 7],
            traits: Traits::PHONE_SYSTEM,
        }
    }

    fn ids(entries: impl Iterator<Item = Entry>) -> Vec<u8> {
        let mut ids: Vec<u8> = entries.map(|entry| entry.id[15]).collect();
        ids.sort_unstable();
        ids
    }

    fn lost(roll: &Roll) -> Vec<u8> {
        roll.gone().map(|(id, _)| id[15]).collect()
    }

    #[test]
    fn an_entry_comes_back_as_it_was_kept() {
        let entry = entry(7, 9);
        assert_eq!(Entry::from_bytes(&entry.bytes()), entry);
    }

    #[test]
    fn a_read_tells_the_same_from_the_new_and_the_gone() {
        let mut roll = Roll::default();
        for n in 1..=4 {
            roll.knew(entry(n, 0));
        }
        roll.knew_not(&entry(4, 0).id);
        assert_eq!(roll.note(entry(1, 0)), Noted::Same);
        assert_eq!(roll.note(entry(1, 0)), Noted::Again);
        assert_eq!(roll.note(entry(2, 1)), Noted::Changed);
        assert_eq!(roll.note(entry(4, 0)), Noted::Fresh(None));
        assert_eq!(roll.note(entry(5, 0)), Noted::Fresh(None));
        roll.forget(&entry(5, 0).id);
        assert_eq!(roll.changed_from(&entry(2, 1).id), Some(Traits::PHONE_SYSTEM));
        assert_eq!(roll.changed_from(&entry(1, 0).id), None);
        assert_eq!(ids(roll.here()), [1, 2, 4]);
        assert_eq!(ids(roll.altered()), [2, 4]);
        assert_eq!(lost(&roll), [3]);
        assert_eq!(ids(roll.withdrawn()), [5]);
        assert_eq!(ids(roll.fresh()), [4, 5]);
    }

    #[test]
    fn who_comes_back_while_the_read_goes_on_is_here() {
        let mut roll = Roll::default();
        roll.knew(entry(1, 0));
        roll.note(entry(1, 0));
        roll.forget(&entry(1, 0).id);
        assert_eq!(lost(&roll), [1]);
        assert_eq!(roll.note(entry(1, 0)), Noted::Same);
        roll.note(entry(2, 0));
        roll.forget(&entry(2, 0).id);
        assert_eq!(roll.note(entry(2, 0)), Noted::Fresh(Some(Traits::PHONE_SYSTEM)));
        assert_eq!(ids(roll.here()), [1, 2]);
    }

    #[test]
    fn what_is_distrusted_is_written_anew() {
        let mut roll = Roll::default();
        roll.knew(entry(1, 0));
        roll.distrust();
        assert_eq!(roll.note(entry(1, 0)), Noted::Changed);
        assert_eq!(roll.note(entry(1, 0)), Noted::Again);
        assert_eq!(ids(roll.altered()), [1]);
    }

    #[test]
    fn half_a_million_fit_into_fifteen_megabytes() {
        let mut roll = Roll::default();
        for n in 0..500_000 {
            roll.knew(entry(n, 0));
        }
        let slots: usize = roll.buckets.iter().map(Vec::capacity).sum();
        let bytes = slots * std::mem::size_of::<Slot>() + BUCKETS * std::mem::size_of::<Vec<Slot>>();
        assert!(bytes < 15_000_000, "{bytes}");
        assert!(
            roll.buckets.iter().all(|slots| slots.len() < 1_000),
            "ids in a row spread"
        );
    }
}
