//! Which data an event of Home Assistant makes outdated.

/// Events of registries and services, with the namespaces they are about:
/// exactly their class, see [`super::classes`].
const AFFECTED: [(&str, &[&str]); 5] = [
    ("area_registry_updated", &["areas"]),
    ("device_registry_updated", &["devices"]),
    ("entity_registry_updated", &["entities"]),
    ("service_registered", &["services"]),
    ("service_removed", &["services"]),
];

/// The namespaces whose content an event makes outdated; none for an event that
/// is about no class of data.
pub fn namespaces_of_event(event: &str) -> &'static [&'static str] {
    AFFECTED
        .iter()
        .find(|(name, _)| *name == event)
        .map_or(&[], |(_, namespaces)| namespaces)
}
