//! A class as Home Assistant itself lists it, for those who take this for Home Assistant.

use weirhouse_hass::Class;

use super::Replica;
use super::saved::as_listed;

impl Replica {
    /// The JSON that Home Assistant answers when it is asked to list this class, in its order; `None` while it may
    /// answer something else.
    pub fn in_full(&self, class: Class) -> Option<String> {
        let inner = self.read();
        let listed = inner.classes.get(&class)?;
        if listed.stale || listed.outdated {
            return None;
        }
        let rows = listed.order.iter().filter_map(|id| listed.table.get(id));
        let rows = rows.map(|row| std::str::from_utf8(&row.json).unwrap_or_default());
        Some(as_listed(class, rows))
    }
}
