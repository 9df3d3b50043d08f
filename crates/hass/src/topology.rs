//! How entities, devices, areas and labels hang together.
//!
//! Home Assistant's own rules: an entity stands where it says, else where its device stands, and a part of a device
//! where the whole stands; a label of a device or an area reaches its entities. It holds identifiers only, and none
//! of it is a hierarchy to rely on: rows may name others that are gone, and even name one another in a ring.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::registry::{AreaEntry, DeviceEntry, EntityEntry, Entry, Registry, Row};

/// Longest chain of devices that is followed.
const MOST_PARENTS: usize = 8;

/// Domains whose entities are helpers, whoever made them.
const HELPER_DOMAINS: [&str; 9] = [
    "counter",
    "input_boolean",
    "input_button",
    "input_datetime",
    "input_number",
    "input_select",
    "input_text",
    "schedule",
    "timer",
];

/// Where an entity or a device belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its device, then what that is a part of.
    pub devices: Vec<&'a str>,
    /// The area that counts for it.
    pub area: Option<&'a str>,
    /// The floor of that area.
    pub floor: Option<&'a str>,
    /// Its own labels, and those of its devices and its area.
    pub labels: BTreeSet<&'a str>,
}

impl Place<'_> {
    /// Whether it is in this group.
    pub fn belongs_to(&self, group: Group, id: &str) -> bool {
        match group {
            Group::Device => self.devices.contains(&id),
            Group::Area => self.area == Some(id),
            Group::Floor => self.floor == Some(id),
            Group::Label => self.labels.contains(id),
        }
    }
}

/// What a group of entities has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// A device, with its parts.
    Device,
    /// An area.
    Area,
    /// A floor.
    Floor,
    /// A label.
    Label,
}

/// Boxed, because a map keeps room for as many again.
type ById<T> = HashMap<Box<str>, Box<T>>;

/// The registries by identifier, and the groups that follow from them.
#[derive(Debug, Default)]
pub struct Topology {
    entities: ById<EntityEntry>,
    devices: ById<DeviceEntry>,
    areas: ById<AreaEntry>,
    helper_entries: HashSet<Box<str>>,
    groups: HashMap<(Group, Box<str>), BTreeSet<Box<str>>>,
}

impl Topology {
    /// Takes one class in place of what was known of it. Classes that place nothing are ignored.
    pub fn replace(&mut self, registry: &Registry) {
        match registry {
            Registry::Entities(rows) => self.entities = by_id(rows),
            Registry::Devices(rows) => self.devices = by_id(rows),
            Registry::Areas(rows) => self.areas = by_id(rows),
            Registry::Helpers(rows) => {
                self.helper_entries = by_id(rows).into_keys().collect();
                return;
            }
            Registry::Floors(_)
            | Registry::Labels(_)
            | Registry::ConfigEntries(_)
            | Registry::Services(_) => return,
        }
        self.regroup();
    }

    /// Where an entity belongs; nowhere if it is in no registry.
    pub fn entity(&self, entity_id: &str) -> Place<'_> {
        self.entities
            .get(entity_id)
            .map(|entry| self.place_of(entry))
            .unwrap_or_default()
    }

    /// Where a device belongs; the device itself comes first in its list.
    pub fn device(&self, id: &str) -> Place<'_> {
        let devices: Vec<_> = self.chain(Some(id)).collect();
        let area = devices
            .iter()
            .find_map(|(_, device)| device.area_id.as_deref());
        self.place(devices, area, &[])
    }

    /// Where an area lies, and its labels.
    pub fn area(&self, area_id: &str) -> Place<'_> {
        let known = self.areas.get_key_value(area_id);
        self.place(Vec::new(), known.map(|(id, _)| &**id), &[])
    }

    /// The integration that provides an entity.
    pub fn platform(&self, entity_id: &str) -> Option<&str> {
        self.entities.get(entity_id)?.platform.as_deref()
    }

    /// The config entry that created an entity.
    pub fn config_entry(&self, entity_id: &str) -> Option<&str> {
        self.entities.get(entity_id)?.config_entry_id.as_deref()
    }

    /// Whether an entity is what Home Assistant calls a helper: of a helper's domain, or made by the config entry
    /// of a helper.
    pub fn is_helper(&self, entity_id: &str) -> bool {
        let domain = entity_id.split_once('.').map_or("", |(domain, _)| domain);
        HELPER_DOMAINS.contains(&domain)
            || self
                .config_entry(entity_id)
                .is_some_and(|entry| self.helper_entries.contains(entry))
    }

    /// The registered entities of a group, by name; `None` if none belongs to it.
    pub fn members(&self, group: Group, id: &str) -> Option<&BTreeSet<Box<str>>> {
        self.groups.get(&(group, id.into()))
    }

    fn place_of<'a>(&'a self, entry: &'a EntityEntry) -> Place<'a> {
        let devices: Vec<_> = self.chain(entry.device_id.as_deref()).collect();
        let own = entry.area_id.as_deref();
        let area = own.or_else(|| {
            devices
                .iter()
                .find_map(|(_, device)| device.area_id.as_deref())
        });
        self.place(devices, area, &entry.labels)
    }

    fn place<'a>(
        &'a self,
        devices: Vec<(&'a str, &'a DeviceEntry)>,
        area: Option<&'a str>,
        labels: &'a [String],
    ) -> Place<'a> {
        let of_area = area.and_then(|area| self.areas.get(area));
        let labels = labels
            .iter()
            .chain(devices.iter().flat_map(|(_, device)| &device.labels))
            .chain(of_area.into_iter().flat_map(|area| &area.labels));
        Place {
            area,
            floor: of_area.and_then(|area| area.floor_id.as_deref()),
            labels: labels.map(String::as_str).collect(),
            devices: devices.into_iter().map(|(id, _)| id).collect(),
        }
    }

    /// A device, then what it is a part of.
    fn chain<'a>(
        &'a self,
        first: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a DeviceEntry)> + use<'a> {
        let known = |id: Option<&str>| {
            let (id, device) = self.devices.get_key_value(id?)?;
            Some((&**id, &**device))
        };
        std::iter::successors(known(first), move |(_, device)| {
            known(device.parent_device_id.as_deref())
        })
        .take(MOST_PARENTS)
    }

    fn regroup(&mut self) {
        let mut groups: HashMap<(Group, Box<str>), BTreeSet<Box<str>>> = HashMap::new();
        for (entity_id, entry) in &self.entities {
            let place = self.place_of(entry);
            let of = |group: Group| move |id: &str| (group, Box::<str>::from(id));
            let keys = place.devices.iter().copied().map(of(Group::Device));
            let keys = keys.chain(place.area.map(of(Group::Area)));
            let keys = keys.chain(place.floor.map(of(Group::Floor)));
            let keys = keys.chain(place.labels.iter().copied().map(of(Group::Label)));
            for key in keys {
                groups.entry(key).or_default().insert(entity_id.clone());
            }
        }
        self.groups = groups;
    }
}

fn by_id<T: Entry + Clone>(rows: &[Row<T>]) -> ById<T> {
    rows.iter()
        .filter_map(|row| Some((row.entry.id()?.into(), Box::new(row.entry.clone()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    fn topology() -> Topology {
        let mut topology = Topology::default();
        for (class, json) in [
            (
                Class::Entities,
                r#"[{"entity_id":"sensor.own","area_id":"attic","device_id":"hub","labels":["mine"]},
                    {"entity_id":"sensor.part","device_id":"channel"},
                    {"entity_id":"sensor.lost","device_id":"gone"},
                    {"entity_id":"sensor.ring","device_id":"one"},
                    {"entity_id":"sensor.made","config_entry_id":"helper"}]"#,
            ),
            (
                Class::Devices,
                r#"[{"id":"hub","area_id":"cellar","labels":["wired"],"via_device_id":"one"},
                    {"id":"channel","parent_device_id":"hub"},
                    {"id":"one","parent_device_id":"two"},{"id":"two","parent_device_id":"one"}]"#,
            ),
            (
                Class::Areas,
                r#"[{"area_id":"cellar","floor_id":"below","labels":["damp"]},{"area_id":"attic","floor_id":null}]"#,
            ),
            (Class::Helpers, r#"[{"entry_id":"helper"}]"#),
        ] {
            topology.replace(&class.parse(json).unwrap());
        }
        topology
    }

    #[test]
    fn an_entity_stands_where_it_says_else_where_its_device_stands() {
        let topology = topology();
        let own = topology.entity("sensor.own");
        assert_eq!((own.area, own.floor), (Some("attic"), None));
        assert_eq!(own.labels, BTreeSet::from(["mine", "wired"]));
        let part = topology.entity("sensor.part");
        assert_eq!(part.devices, ["channel", "hub"]);
        assert_eq!((part.area, part.floor), (Some("cellar"), Some("below")));
        assert_eq!(part.labels, BTreeSet::from(["damp", "wired"]));
        assert_eq!(topology.entity("sensor.lost"), Place::default());
        assert_eq!(topology.entity("sensor.unknown"), Place::default());
        assert_eq!(topology.device("channel").area, Some("cellar"));
        assert_eq!(topology.area("cellar").labels, BTreeSet::from(["damp"]));
    }

    #[test]
    fn devices_in_a_ring_end() {
        let topology = topology();
        assert_eq!(topology.entity("sensor.ring").area, None);
        assert!(topology.members(Group::Device, "two").is_some());
    }

    #[test]
    fn groups_hold_what_belongs_to_them_and_follow_changes() {
        let mut topology = topology();
        let of = |topology: &Topology, group, id: &str| -> Vec<String> {
            let members = topology.members(group, id).into_iter().flatten();
            members.map(ToString::to_string).collect()
        };
        assert_eq!(
            of(&topology, Group::Device, "hub"),
            ["sensor.own", "sensor.part"]
        );
        assert_eq!(of(&topology, Group::Area, "cellar"), ["sensor.part"]);
        assert_eq!(of(&topology, Group::Floor, "below"), ["sensor.part"]);
        assert_eq!(
            of(&topology, Group::Label, "wired"),
            ["sensor.own", "sensor.part"]
        );
        topology.replace(&Class::Areas.parse("[]").unwrap());
        assert_eq!(of(&topology, Group::Floor, "below"), Vec::<String>::new());
        assert_eq!(of(&topology, Group::Area, "cellar"), ["sensor.part"]);
    }

    #[test]
    fn helpers_are_known_by_domain_or_by_who_made_them() {
        let topology = topology();
        assert!(topology.is_helper("input_number.x") && topology.is_helper("sensor.made"));
        assert!(!topology.is_helper("sensor.own"));
    }
}
