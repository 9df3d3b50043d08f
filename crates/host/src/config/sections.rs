//! What the sections of a file set.

use std::net::{IpAddr, SocketAddr};

use super::document::{Document, Value};
use super::fields::{Fields, flag, span, span_us, text, texts, whole, word};
use super::log::{LogFormat, LogLevel, module};
use super::{Config, Fault, cache, clients, plugins, refreshes, rules};
use crate::hub::Settings;
use crate::quantity;
use weirhouse_hass::Dialer;
use weirhouse_runner::wit::updates::{Batching, Overflow};

/// Most of what is counted: far beyond sense, within every type.
const MANY: u64 = u32::MAX as u64;

pub(super) const OVERFLOWS: [(&str, Overflow); 2] = [
    ("drop-oldest", Overflow::DropOldest),
    ("drop-new", Overflow::DropNew),
];

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
        cache::cache(config, fields, faults);
    }
    if let Some(fields) = root.tables("namespace", faults) {
        forget(config, "namespace[");
        config.hub.namespaces = cache::namespaces(config, fields, faults);
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

/// The optimizer's own, `updates.batching`.
const DEFAULT_BATCHING: Batching = Batching {
    window: 100_000,
    max: 50,
    flush_on_full: false,
    capacity: 20_000,
    overflow: Overflow::DropOldest,
    adaptive: None,
};

/// What the optimizer is told unless a file says otherwise: its own defaults,
/// said aloud, so that taking a line out of a file brings them back.
pub(super) fn default_settings() -> Settings {
    Settings {
        batching: Some(DEFAULT_BATCHING),
        cache: Some(cache::DEFAULT_CACHE),
        fetch: Some(cache::DEFAULT_FETCH),
        disk_bounds: Some(cache::DEFAULT_DISK),
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
