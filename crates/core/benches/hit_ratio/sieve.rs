//! SIEVE: one queue, and a hand that moves through it towards newer keys and
//! takes the first that was not used since the hand last passed. After Zhang and
//! others, "SIEVE is simpler than LRU" (NSDI 2024).

use std::collections::HashMap;

/// Keys from oldest to newest. Removal moves those behind, which is slow and
/// obvious.
pub(crate) fn hits(keys: &[u32], room: usize) -> usize {
    let mut queue: Vec<u32> = Vec::with_capacity(room);
    let mut used: HashMap<u32, bool> = HashMap::new();
    let mut hand = 0;
    let mut hits = 0;
    for &key in keys {
        if let Some(used) = used.get_mut(&key) {
            *used = true;
            hits += 1;
            continue;
        }
        if queue.len() == room {
            loop {
                hand %= queue.len();
                let candidate = queue[hand];
                if !used[&candidate] {
                    break;
                }
                used.insert(candidate, false);
                hand += 1;
            }
            used.remove(&queue.remove(hand));
        }
        queue.push(key);
        used.insert(key, false);
    }
    hits
}
