//! Several keys of a map under locks at one instant, beside other threads.

use map_core::{ConcurrentMap, LockedMap};

use super::concurrent::SPELL;
use super::locked::new;
use crate::family::LockedFamily;
use crate::harness::{Random, beside, rounds, team};
use crate::hashers::{Collide, Mixed};
use crate::types::{TestValue, Unique};

/// What all accounts hold together.
const SUM: u64 = 1000;

fn open<M: LockedMap<u64, V>, V: TestValue>(map: &M, accounts: u64) {
    for account in 0..accounts {
        map.insert(account, V::make(if account == 0 { SUM } else { 0 }));
    }
}

/// Moves an amount from one of the accounts to another; closes an account that is empty and opens one that is closed.
fn transfer<M: LockedMap<u64, V>, V: TestValue>(map: &M, accounts: u64, random: &mut Random) {
    let from = random.below(accounts);
    let to = (from + 1 + random.below(accounts - 1)) % accounts;
    map.transact([from, to], |[from, to]| {
        let held = |account: &Option<V>| account.as_ref().map_or(0, V::number);
        let amount = held(from).min(1 + held(to) % 7);
        let (left, sum) = (held(from) - amount, held(to) + amount);
        *from = (left > 0).then(|| V::make(left));
        *to = (sum > 0).then(|| V::make(sum));
    });
}

fn each_map<F: LockedFamily>(check: fn(u64, &dyn Fn(usize) -> Bank)) {
    for accounts in [2, 5, 60] {
        check(accounts, &|_| Bank::of(new::<F, u64, u64, Mixed>(), accounts));
        check(accounts, &|_| Bank::of(new::<F, u64, Unique, Mixed>(), accounts));
        check(accounts, &|_| Bank::of(new::<F, u64, Unique, Collide>(), accounts));
    }
}

/// A map of accounts behind calls that know nothing of its types.
struct Bank {
    transfer: Box<dyn Fn(&mut Random) + Sync>,
    sum_of_snapshot: Box<dyn Fn() -> u64 + Sync>,
    sum_of_three: Box<dyn Fn() -> u64 + Sync>,
    churn: Box<dyn Fn(u64) + Sync>,
    nested_reads: Box<dyn Fn(&mut Random) + Sync>,
}

impl Bank {
    fn of<V: TestValue>(
        map: impl LockedMap<u64, V> + Send + Sync + 'static,
        accounts: u64,
    ) -> Self {
        open(&map, accounts);
        let map = std::sync::Arc::new(map);
        let maps = [(); 5].map(|()| std::sync::Arc::clone(&map));
        let [moving, whole, three, churning, reading] = maps;
        Self {
            transfer: Box::new(move |random| transfer(&*moving, accounts, random)),
            sum_of_snapshot: Box::new(move || {
                whole.snapshot(|entries| {
                    let accounts = entries.filter(|(key, _)| **key < accounts);
                    accounts.map(|(_, value)| value.number()).sum()
                })
            }),
            // Of all accounts, if there are no more than these.
            sum_of_three: Box::new(move || {
                three.read_many([&0, &1, &2, &3, &4], |values| {
                    values.into_iter().flatten().map(V::number).sum()
                })
            }),
            churn: Box::new(move |key| {
                churning.insert(1000 + key, V::make(0));
                churning.remove(&(1000 + key / 2));
            }),
            nested_reads: Box::new(move |random| {
                let [one, other] = [(); 2].map(|()| random.below(accounts));
                reading.read(&one, |_| _ = reading.read(&other, V::number));
            }),
        }
    }
}

/// Whoever looks at all accounts at once finds the whole sum, beside transfers, growth and removal.
pub fn transfers_keep_the_sum<F: LockedFamily>() {
    each_map::<F>(|accounts, open| {
        rounds(SPELL / 3, |round| {
            let bank = open(0);
            beside(
                3,
                1,
                |member| {
                    let mut random = Random::new(8 * round + member as u64);
                    for step in 0..400 {
                        match member {
                            0 => (bank.churn)(step),
                            _ => (bank.transfer)(&mut random),
                        }
                    }
                },
                |_| {
                    assert_eq!((bank.sum_of_snapshot)(), SUM, "{accounts} accounts in a snapshot");
                    let sum = (bank.sum_of_three)();
                    assert!(sum == SUM || accounts > 5, "{sum} by `read_many`");
                },
            );
            assert_eq!((bank.sum_of_snapshot)(), SUM, "when all is quiet");
        });
    });
}

/// Transactions on the same keys in any order, beside reads within reads and snapshots, all end.
pub fn opposite_orders_end<F: LockedFamily>() {
    each_map::<F>(|_, open| {
        rounds(SPELL / 3, |round| {
            let bank = open(0);
            team(4, |member| {
                let mut random = Random::new(8 * round + member as u64);
                for step in 0..200 {
                    match member {
                        0 | 1 => (bank.transfer)(&mut random),
                        2 => (bank.nested_reads)(&mut random),
                        _ if step % 8 == 0 => assert_eq!((bank.sum_of_snapshot)(), SUM),
                        _ => (bank.churn)(step),
                    }
                }
            });
        });
    });
}

/// Who sees one of the changes of a transaction sees the others, too.
pub fn changes_are_seen_together<F: LockedFamily>() {
    fn seen<M: LockedMap<u64, V> + Sync, V: TestValue>(map: &M) {
        const KEYS: [u64; 3] = [7, 70, 700];
        KEYS.iter().for_each(|key| _ = map.insert(*key, V::make(0)));
        beside(
            2,
            2,
            |member| {
                for _ in 0..500 {
                    // In different orders.
                    let mut keys = KEYS;
                    keys.rotate_left(member);
                    map.transact(keys, |values| {
                        for value in values.iter_mut().flatten() {
                            *value = V::make(value.number() + 1);
                        }
                    });
                }
            },
            |_| {
                let read = |key: &u64| map.read(key, V::number).expect("nobody removes it");
                let one = read(&KEYS[0]);
                let other = read(&KEYS[1]);
                let last = read(&KEYS[2]);
                assert!(one <= other && other <= last, "{one}, then {other}, then {last}");
            },
        );
        let sums =
            map.read_many(KEYS.each_ref(), |values| values.map(|value| value.map(V::number)));
        assert_eq!(sums, [Some(1000); 3], "an increment was lost");
    }
    rounds(SPELL, |_| {
        seen(&new::<F, u64, u64, Mixed>());
        seen(&new::<F, u64, Unique, Mixed>());
        seen(&new::<F, u64, Unique, Collide>());
    });
}

/// In-place changes on few keys from many threads are all there at the end.
pub fn modifications_add_up<F: LockedFamily>() {
    fn add_up<M: LockedMap<u64, V> + Sync, V: TestValue>(map: &M) {
        const STEPS: u64 = 300;
        let add = |value: &mut V| *value = V::make(value.number() + 1);
        team(4, |member| {
            for step in 0..STEPS {
                map.modify_or_insert_with(step % 3, || V::make(0), add);
                map.modify(&(step % 3), add).expect("nobody removes it");
                if member == 0 && step % 50 == 0 {
                    map.for_each_mut(|_, value| add(value));
                }
            }
        });
        let mut sum = 0;
        map.for_each(|_, value| sum += value.number());
        let by_all = (4 * 2 * STEPS)..=(4 * 2 * STEPS + 3 * (STEPS / 50));
        assert!(by_all.contains(&sum), "{sum} of {by_all:?}");
    }
    rounds(SPELL, |_| {
        add_up(&new::<F, u64, u64, Mixed>());
        add_up(&new::<F, u64, Unique, Mixed>());
    });
}
