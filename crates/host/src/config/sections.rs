//! What the sections of a file set.

use std::net::{IpAddr, SocketAddr};

use super::document::{Document, Value};
use super::fields::{Fields, flag, share, span, span_us, text, texts, whole, word};
use super::log::{LogFormat, LogLevel, module};
use super::{Config, Fault, clients, plugins, refreshes, rules};
use crate::hub::Settings;
use crate::quantity;
use weirhouse_hass::Dialer;
use weirhouse_runner::wit::cache::{Eviction, Levels, Settings as Cache, StaleLives, Usage};
use weirhouse_runner::wit::fetch::{Ahead, Policy};
use weirhouse_runner::wit::updates::{Batching, Overflow};

/// Most of what is counted: far beyond sense, within every type.
const MANY: u64 = u32::MAX as u64;

/// The optimizer's own bounds on the second level, `cache.set-disk-bounds`.
const DISK: Usage = Usage {
    entries: 50_000,
    bytes: 64 << 20,
};

pub(super) const OVERFLOWS: [(&str, Overflow); 2] = [
    ("drop-oldest", Overflow::DropOldest),
    ("drop-new", Overflow::DropNew),
];
pub(super) const LEVELS: [(&str, Levels); 2] =
    [("both", Levels::Both), ("memory-only", Levels::MemoryOnly)];
pub(super) const EVICTIONS: [(&str, Eviction); 2] =
    [("lru", Eviction::Lru), ("w-tiny-lfu", Eviction::WTinyLfu)];

/// Puts what a file says in place of what was there before.
pub(super) fn apply(config: &mut Config, document: &Document, faults: &mut Vec<Fault>) {
    let mut root = Fields::new(&document.path, "", None, &document.root);
    if let Some(fields) = root.table("api", faults) {
        api(config, fields, faults);
    }
    if let Some(fields) = root.table("ingress", faults) {
        ingress(config, fields, faults);
    }
    if let Some(fields) = root.table("home_assistant", faults) {
        home_assistant(config, fields, faults);
    }
    if let Some(fields) = root.table("mqtt", faults) {
        mqtt(config, fields, faults);
    }
    if let Some(fields) = root.table("log", faults) {
        log(config, fields, faults);
    }
    root.set("presets", faults, &mut config.hub.presets, flag);
    if let Some(mut fields) = root.table("default_rule", faults) {
        rules::rule(&mut fields, faults, &mut config.hub.default_rule);
        fields.finish(config, faults);
    }
    if let Some(fields) = root.tables("rule", faults) {
        forget(config, "rule[");
        config.hub.rules = rules::rules(config, fields, faults);
    }
    if let Some(fields) = root.tables("budget", faults) {
        forget(config, "budget[");
        config.hub.budgets = refreshes::budgets(config, fields, faults);
    }
    if let Some(fields) = root.tables("refresh", faults) {
        forget(config, "refresh[");
        config.hub.refresh = refreshes::refreshes(config, fields, faults);
    }
    if let Some(fields) = root.tables("client", faults) {
        forget(config, "client[");
        config.clients = clients::clients(config, fields, faults);
    }
    if let Some(fields) = root.tables("plugin", faults) {
        forget(config, "plugin[");
        config.plugins = plugins::plugins(config, fields, faults);
    }
    if let Some(fields) = root.table("batching", faults) {
        batching(config, fields, faults);
    }
    if let Some(fields) = root.table("cache", faults) {
        cache(config, fields, faults);
    }
    root.finish(config, faults);
}

/// Entries of a list that another list replaces are no longer anywhere.
fn forget(config: &mut Config, prefix: &str) {
    config.origins.retain(|path, _| !path.starts_with(prefix));
}

fn api(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let api = &mut config.api;
    fields.set("listen", faults, &mut api.listen, address);
    fields.set("allow_hosts", faults, &mut api.allow_hosts, hosts);
    fields.set("cors_origins", faults, &mut api.cors_origins, origins);
    let limit = &mut api.rate_limit;
    fields.set(
        "requests_per_second",
        faults,
        &mut limit.per_second,
        whole(0, 1_000_000),
    );
    fields.set("burst", faults, &mut limit.burst, whole(1, 1_000_000));
    fields.finish(config, faults);
}

fn ingress(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let ingress = &mut config.ingress;
    if let Some(listen) = fields.take("listen", faults, address) {
        ingress.listen = Some(listen);
    }
    fields.set("from", faults, &mut ingress.from, ip_address);
    fields.finish(config, faults);
}

fn home_assistant(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let home = &mut config.home_assistant;
    if let Some(url) = home_assistant_url(&mut fields, "url", faults) {
        home.url = Some(url);
    }
    if let Some(path) = fields.take("token_file", faults, text) {
        home.token_file = Some(fields.beside(&path));
    }
    if let Some(url) = home_assistant_url(&mut fields, "clients_url", faults) {
        home.clients_url = Some(url);
    }
    let forward = &mut home.forward_addresses;
    fields.set("forward_addresses", faults, forward, flag);
    fields.finish(config, faults);
}

/// An address, read as the link will read it. What is wrong with one is told without the password that it may hold.
fn home_assistant_url(
    fields: &mut Fields<'_>,
    name: &'static str,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let url = fields.take(name, faults, text)?;
    match Dialer::new(&url) {
        Ok(_) => Some(url),
        Err(error) => {
            faults.push(fields.wrong_value(name, error));
            None
        }
    }
}

fn mqtt(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let mqtt = &mut config.mqtt;
    fields.set("enabled", faults, &mut mqtt.enabled, flag);
    if let Some(host) = fields.take("host", faults, text) {
        mqtt.host = Some(host);
    }
    fields.set("port", faults, &mut mqtt.port, whole(1, 65_535));
    if let Some(username) = fields.take("username", faults, text) {
        mqtt.username = Some(username);
    }
    if let Some(path) = fields.take("password_file", faults, text) {
        mqtt.password_file = Some(fields.beside(&path));
    }
    let prefix = &mut mqtt.discovery_prefix;
    fields.set("discovery_prefix", faults, prefix, topic);
    fields.set("every", faults, &mut mqtt.every, span);
    fields.finish(config, faults);
}

fn log(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let log = &mut config.log;
    fields.set("level", faults, &mut log.level, word(&LogLevel::WORDS));
    fields.set("format", faults, &mut log.format, word(&LogFormat::WORDS));
    if let Some(modules) = fields.table("modules", faults) {
        for (name, node) in modules.all() {
            let wrong = |message| modules.fault(node.line, message);
            match (module(name), word(&LogLevel::WORDS)(&node.value)) {
                (Ok(name), Ok(level)) => {
                    fields.note(&format!("modules.{name}"), node);
                    log.modules.insert(name, level);
                }
                (Err(unknown), _) => faults.push(wrong(unknown)),
                (_, Err(accepted)) => {
                    faults.push(wrong(format!("`{}.{name}` {accepted}", modules.path())));
                }
            }
        }
    }
    fields.finish(config, faults);
}

fn batching(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let batching = config.hub.batching.get_or_insert(DEFAULT_BATCHING);
    fields.set("window", faults, &mut batching.window, span_us);
    fields.set("max", faults, &mut batching.max, whole(1, MANY));
    fields.set("flush_on_full", faults, &mut batching.flush_on_full, flag);
    fields.set("capacity", faults, &mut batching.capacity, whole(1, MANY));
    fields.set("overflow", faults, &mut batching.overflow, word(&OVERFLOWS));
    fields.finish(config, faults);
}

fn cache(config: &mut Config, mut fields: Fields<'_>, faults: &mut Vec<Fault>) {
    let cache = config.hub.cache.get_or_insert(DEFAULT_CACHE);
    fields.set("entries", faults, &mut cache.capacity, whole(0, MANY));
    fields.set("bytes", faults, &mut cache.max_bytes, bytes);
    fields.set("value_bytes", faults, &mut cache.max_value_bytes, bytes);
    fields.set("memory_life", faults, &mut cache.memory_life, span_us);
    fields.set("disk_life", faults, &mut cache.disk_life, span_us);
    fields.set("levels", faults, &mut cache.levels, word(&LEVELS));
    fields.set("eviction", faults, &mut cache.eviction, word(&EVICTIONS));
    let disk = config.hub.disk_bounds.get_or_insert(DISK);
    fields.set("disk_entries", faults, &mut disk.entries, whole(0, MANY));
    fields.set("disk_bytes", faults, &mut disk.bytes, bytes);
    fetch(config, &mut fields, faults);
    fields.finish(config, faults);
}

/// How what the cache has not is fetched.
fn fetch(config: &mut Config, fields: &mut Fields<'_>, faults: &mut Vec<Fault>) {
    let policy = config.hub.fetch.get_or_insert(DEFAULT_FETCH);
    let stale = &mut policy.stale;
    let revalidating = &mut stale.while_revalidate;
    fields.set("stale_while_revalidate", faults, revalidating, span_us);
    fields.set("stale_if_error", faults, &mut stale.if_error, span_us);
    if let Some(life) = fields.take("negative_life", faults, span_us) {
        policy.negative_life = Some(life);
    }
    fields.set("lease", faults, &mut policy.lease, span_us);
    if let Some(share) = fields.take("refresh_ahead", faults, share) {
        let ahead = policy.refresh_ahead.get_or_insert(DEFAULT_AHEAD);
        ahead.share = share;
    }
    if let Some(reads) = fields.take("refresh_ahead_reads", faults, whole(0, MANY)) {
        match &mut policy.refresh_ahead {
            Some(ahead) => ahead.least_reads = reads,
            None => faults.push(fields.wrong_value(
                "refresh_ahead_reads",
                "means nothing without `refresh_ahead`, such as 0.2 for the last fifth of a life",
            )),
        }
    }
}

/// The optimizer's own, `updates.batching`.
const DEFAULT_BATCHING: Batching = Batching {
    window: 100_000,
    max: 50,
    flush_on_full: false,
    capacity: 20_000,
    overflow: Overflow::DropOldest,
    adaptive: None,
};

/// The optimizer's own, `cache.settings`.
const DEFAULT_CACHE: Cache = Cache {
    capacity: 100,
    max_bytes: 16 << 20,
    max_value_bytes: 1 << 20,
    memory_life: 300_000_000,
    disk_life: 3_600_000_000,
    levels: Levels::Both,
    eviction: Eviction::Lru,
};

/// The optimizer's own, `fetch.policy`.
const DEFAULT_FETCH: Policy = Policy {
    stale: StaleLives {
        while_revalidate: 0,
        if_error: 0,
    },
    negative_life: None,
    lease: 30_000_000,
    refresh_ahead: None,
};

/// Where values are refreshed ahead: those that were read more than once or
/// twice.
const DEFAULT_AHEAD: Ahead = Ahead {
    share: 0.2,
    least_reads: 3,
};

/// What the optimizer is told unless a file says otherwise: its own defaults,
/// said aloud, so that taking a line out of a file brings them back.
pub(super) fn default_settings() -> Settings {
    Settings {
        batching: Some(DEFAULT_BATCHING),
        cache: Some(DEFAULT_CACHE),
        fetch: Some(DEFAULT_FETCH),
        disk_bounds: Some(DISK),
        ..Settings::default()
    }
}

fn address(value: &Value) -> Result<SocketAddr, String> {
    let read = match value {
        Value::Text(text) => quantity::listen(text).ok(),
        _ => None,
    };
    read.ok_or_else(|| "must be an IP address with a port, such as \"127.0.0.1:8098\"".to_owned())
}

fn ip_address(value: &Value) -> Result<IpAddr, String> {
    let read = match value {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    read.ok_or_else(|| "must be an IP address, such as \"172.30.32.2\"".to_owned())
}

/// Hosts as they stand in a `Host` header, without the port, which is never compared.
fn hosts(value: &Value) -> Result<Vec<String>, String> {
    let refused = "must be a list of host names without scheme and port, such as [\"hub.lan\"]";
    let hosts = texts(value).map_err(|_| refused.to_owned())?;
    let read = hosts.iter().map(|host| quantity::host(host));
    read.collect::<Result<_, _>>()
        .map_err(|_| refused.to_owned())
}

/// Origins as browsers send them: a scheme, a host, perhaps a port.
fn origins(value: &Value) -> Result<Vec<String>, String> {
    let refused = "must be a list of origins, such as [\"https://dashboard.lan:8443\"]";
    let origins = texts(value).map_err(|_| refused.to_owned())?;
    let is_origin = |text: &String| {
        let host = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
    };
    if origins.iter().all(is_origin) {
        Ok(origins)
    } else {
        Err(refused.to_owned())
    }
}

/// The beginning of topics.
fn topic(value: &Value) -> Result<String, String> {
    let topic = text(value).ok().filter(|topic| {
        !topic.contains(['+', '#', '\0']) && !topic.starts_with('/') && !topic.ends_with('/')
    });
    topic.ok_or_else(|| "must be a topic without wildcards, such as \"homeassistant\"".to_owned())
}

/// A number of bytes, or a text with a unit.
fn bytes(value: &Value) -> Result<u64, String> {
    let read = match value {
        Value::Text(text) => quantity::bytes(text).ok(),
        other => whole(0, 1 << 50)(other).ok(),
    };
    read.ok_or_else(|| "must be a number of bytes, or a text such as \"16 MiB\"".to_owned())
}
