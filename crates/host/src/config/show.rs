//! A configuration as a file that would make it, with where each value came
//! from.

use std::fmt::Write as _;
use std::time::Duration;

use weirhouse_runner::wit::fetch::{Ahead, Policy};
use weirhouse_runner::wit::schedule::{Bounds, Budget};
use weirhouse_runner::wit::shaping::Significance;
use weirhouse_runner::wit::updates::Rule;

use super::Config;
use super::cache::{EVICTIONS, LEVELS};
use super::log::{LogFormat, LogLevel};
use super::refreshes::{CLASSES, VOLATILITIES};
use super::rules::{COMBINES, PUBLISHINGS};
use super::sections::OVERFLOWS;
use crate::clients::ClientProfile;
use crate::hub::{Namespace, Refresh, RuleFor};
use crate::plugins::Entry;

/// Column at which origins stand, where the values leave room.
const ORIGINS: usize = 44;

impl Config {
    /// The effective values as TOML; comments say where they came from.
    pub fn show(&self) -> String {
        let mut page = Page {
            config: self,
            text: String::new(),
            section: String::new(),
        };
        page.entry("presets", &self.hub.presets.to_string());
        page.api();
        page.ingress();
        page.home_assistant();
        page.mqtt();
        page.log();
        page.section("default_rule");
        page.rule(&self.hub.default_rule);
        page.batching();
        page.cache();
        for (index, rule) in self.hub.rules.iter().enumerate() {
            page.table("rule", index);
            page.selected(rule);
        }
        for (index, namespace) in self.hub.namespaces.iter().enumerate() {
            page.table("namespace", index);
            page.namespace(namespace);
        }
        for (index, (name, budget)) in self.hub.budgets.iter().enumerate() {
            page.table("budget", index);
            page.budget(name, budget);
        }
        for (index, (entity, refresh)) in self.hub.refresh.iter().enumerate() {
            page.table("refresh", index);
            page.refresh(entity, refresh);
        }
        for (index, client) in self.clients.iter().enumerate() {
            page.table("client", index);
            page.client(client);
        }
        for (index, plugin) in self.plugins.iter().enumerate() {
            page.table("plugin", index);
            page.plugin(plugin);
        }
        page.text
    }
}

struct Page<'a> {
    config: &'a Config,
    text: String,
    /// Path of the section being written, with its dot.
    section: String,
}

impl Page<'_> {
    fn section(&mut self, name: &str) {
        self.section = format!("{name}.");
        let _ = writeln!(self.text, "\n[{name}]");
    }

    fn table(&mut self, name: &str, index: usize) {
        self.section = format!("{name}[{}].", index + 1);
        let _ = writeln!(self.text, "\n[[{name}]]");
    }

    /// A value that is in force, default or not.
    fn entry(&mut self, key: &str, value: &str) {
        let path = format!("{}{key}", self.section);
        // A table given by an option came whole.
        let table = self.section.trim_end_matches('.');
        let origin = self.config.origin(&path).or_else(|| {
            let whole = self.config.origin(table)?;
            (!matches!(whole, super::Origin::File(..))).then_some(whole)
        });
        let origin = origin.map_or_else(|| "default".to_owned(), ToString::to_string);
        let line = format!("{key} = {value}");
        let _ = writeln!(self.text, "{line:ORIGINS$}  # {origin}");
    }

    /// A value that only counts when it is set.
    fn optional(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.entry(key, &value);
        }
    }

    fn api(&mut self) {
        let api = &self.config.api;
        self.section("api");
        self.entry("listen", &quoted(&api.listen.to_string()));
        self.entry("allow_hosts", &list(&api.allow_hosts));
        self.entry("cors_origins", &list(&api.cors_origins));
        let limit = api.rate_limit;
        self.entry("requests_per_second", &limit.per_second.to_string());
        self.entry("burst", &limit.burst.to_string());
    }

    fn ingress(&mut self) {
        let ingress = &self.config.ingress;
        self.section("ingress");
        self.optional(
            "listen",
            ingress.listen.map(|address| quoted(&address.to_string())),
        );
        self.entry("from", &quoted(&ingress.from.to_string()));
    }

    fn home_assistant(&mut self) {
        let home = &self.config.home_assistant;
        self.section("home_assistant");
        self.optional("url", home.url.as_deref().map(quoted));
        let file = home.token_file.as_ref();
        self.optional(
            "token_file",
            file.map(|path| quoted(&path.display().to_string())),
        );
        self.optional("clients_url", home.clients_url.as_deref().map(quoted));
        self.entry("forward_addresses", &home.forward_addresses.to_string());
    }

    fn mqtt(&mut self) {
        let mqtt = &self.config.mqtt;
        self.section("mqtt");
        self.entry("enabled", &mqtt.enabled.to_string());
        self.optional("host", mqtt.host.as_deref().map(quoted));
        self.entry("port", &mqtt.port.to_string());
        self.optional("username", mqtt.username.as_deref().map(quoted));
        let file = mqtt.password_file.as_ref();
        self.optional(
            "password_file",
            file.map(|path| quoted(&path.display().to_string())),
        );
        self.entry("discovery_prefix", &quoted(&mqtt.discovery_prefix));
        self.entry("every", &quoted_span(mqtt.every));
    }

    fn log(&mut self) {
        let log = &self.config.log;
        self.section("log");
        self.entry("level", &word(&LogLevel::WORDS, &log.level));
        self.entry("format", &word(&LogFormat::WORDS, &log.format));
        if !log.modules.is_empty() {
            self.section("log.modules");
            for (module, level) in &log.modules {
                self.entry(module, &word(&LogLevel::WORDS, level));
            }
        }
    }

    fn batching(&mut self) {
        let Some(batching) = self.config.hub.batching else {
            return;
        };
        self.section("batching");
        self.entry("window", &span(batching.window));
        self.entry("max", &batching.max.to_string());
        self.entry("flush_on_full", &batching.flush_on_full.to_string());
        self.entry("capacity", &batching.capacity.to_string());
        self.entry("overflow", &word(&OVERFLOWS, &batching.overflow));
    }

    fn cache(&mut self) {
        let (Some(cache), Some(disk)) = (self.config.hub.cache, self.config.hub.disk_bounds) else {
            return;
        };
        self.section("cache");
        self.entry("entries", &cache.capacity.to_string());
        self.entry("bytes", &cache.max_bytes.to_string());
        self.entry("value_bytes", &cache.max_value_bytes.to_string());
        self.entry("memory_life", &span(cache.memory_life));
        self.entry("disk_life", &span(cache.disk_life));
        self.entry("levels", &word(&LEVELS, &cache.levels));
        self.entry("eviction", &word(&EVICTIONS, &cache.eviction));
        self.entry("disk_entries", &disk.entries.to_string());
        self.entry("disk_bytes", &disk.bytes.to_string());
        if let Some(policy) = &self.config.hub.fetch {
            self.fetch(policy);
        }
    }

    fn fetch(&mut self, policy: &Policy) {
        let lasting = |life: i64| (life > 0).then(|| span(life));
        let stale = policy.stale;
        self.optional("stale_while_revalidate", lasting(stale.while_revalidate));
        self.optional("stale_if_error", lasting(stale.if_error));
        self.optional("negative_life", policy.negative_life.map(span));
        self.entry("lease", &span(policy.lease));
        if let Some(ahead) = &policy.refresh_ahead {
            self.ahead(ahead);
        }
    }

    fn namespace(&mut self, namespace: &Namespace) {
        let (kept, fetched) = (&namespace.kept, &namespace.fetched);
        let count = |count: Option<u32>| count.map(|count| count.to_string());
        let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes.to_string());
        self.entry("name", &quoted(&namespace.name));
        self.optional("entries", count(kept.capacity));
        self.optional("bytes", bytes(kept.max_bytes));
        self.optional("value_bytes", bytes(kept.max_value_bytes));
        self.optional("memory_life", kept.memory_life.map(span));
        self.optional("disk_life", kept.disk_life.map(span));
        self.optional("levels", kept.levels.map(|it| word(&LEVELS, &it)));
        self.optional("eviction", kept.eviction.map(|it| word(&EVICTIONS, &it)));
        let revalidating = fetched.while_revalidate;
        self.optional("stale_while_revalidate", revalidating.map(span));
        self.optional("stale_if_error", fetched.if_error.map(span));
        self.optional("negative_life", fetched.negative_life.map(span));
        self.optional("lease", fetched.lease.map(span));
        if let Some(ahead) = &fetched.refresh_ahead {
            self.ahead(ahead);
        }
    }

    fn ahead(&mut self, ahead: &Ahead) {
        self.entry("refresh_ahead", &ahead.share.to_string());
        self.entry("refresh_ahead_reads", &ahead.least_reads.to_string());
    }

    fn selected(&mut self, RuleFor { conditions, rule }: &RuleFor) {
        let some = |names: &Vec<String>| (!names.is_empty()).then(|| list(names));
        self.optional("entity", some(&conditions.entities));
        self.optional("domain", some(&conditions.domains));
        self.optional("device_class", some(&conditions.device_classes));
        self.optional("attribute", conditions.attribute.as_deref().map(quoted));
        self.rule(rule);
    }

    fn client(&mut self, client: &ClientProfile) {
        let some = |names: &[String]| (!names.is_empty()).then(|| list(names));
        let addresses: Vec<String> = client.addresses.iter().map(ToString::to_string).collect();
        self.entry("name", &quoted(&client.name));
        self.optional("user", some(&client.users));
        self.optional("token", some(&client.tokens));
        self.optional("address", some(&addresses));
        self.optional("entity", some(&client.entities));
        let interval = client.interval_us;
        self.optional("interval", (interval > 0).then(|| span(interval)));
        match client.significance {
            Significance::Any => {}
            Significance::Absolute(absolute) => self.entry("absolute", &absolute.to_string()),
            Significance::Percentage(share) => self.entry("percentage", &share.to_string()),
        }
        self.entry("attributes", &client.attributes.to_string());
        self.optional("max_stale", client.max_stale_us.map(span));
    }

    fn plugin(&mut self, plugin: &Entry) {
        let settings = plugin.settings.iter();
        let settings: Vec<String> = settings.map(|(name, it)| format!("{name}={it}")).collect();
        self.entry("name", &quoted(&plugin.name));
        self.entry("enabled", &plugin.enabled.to_string());
        self.entry("grant", &list(&plugin.granted));
        self.optional("set", (!settings.is_empty()).then(|| list(&settings)));
    }

    fn rule(&mut self, rule: &Rule) {
        self.optional("absolute", rule.absolute.map(|it| it.to_string()));
        self.optional("percentage", rule.percentage.map(|it| it.to_string()));
        self.entry("combine", &word(&COMBINES, &rule.combine));
        self.optional("max_age", rule.max_age.map(span));
        self.optional("settle", rule.settle.map(span));
        self.entry("publishing", &word(&PUBLISHINGS, &rule.publishing));
        self.entry("zero_crossing", &rule.zero_crossing.to_string());
        self.entry("levels", &format!("{:?}", rule.levels));
        self.entry("total", &rule.total.to_string());
        self.entry("learn", &rule.learn.to_string());
    }

    fn budget(&mut self, name: &str, budget: &Budget) {
        let calls = |calls: Option<u32>| calls.map(|calls| calls.to_string());
        self.entry("name", &quoted(name));
        self.optional("per_minute", calls(budget.per_minute));
        self.optional("per_day", calls(budget.per_day));
        self.entry("reserve", &budget.reserve.to_string());
        self.entry("resets", &time_of_day(budget.reset_minute));
        if let Some(night) = budget.night {
            self.entry("night_from", &time_of_day(night.from_minute));
            self.entry("night_to", &time_of_day(night.to_minute));
            self.entry("night_weight", &night.weight.to_string());
        }
    }

    fn refresh(&mut self, entity: &str, refresh: &Refresh) {
        self.entry("entity", &quoted(entity));
        match refresh {
            Refresh::Every(every) => self.entry("every", &quoted_span(*every)),
            Refresh::Class(class, volatility) => {
                self.entry("class", &word(&CLASSES, class));
                self.entry("volatility", &word(&VOLATILITIES, volatility));
            }
            Refresh::Measured(bounds) => self.bounds(bounds),
            Refresh::Planned {
                budget,
                bounds,
                weight,
            } => {
                self.entry("budget", &quoted(budget));
                self.bounds(bounds);
                self.entry("weight", &weight.to_string());
            }
        }
    }

    fn bounds(&mut self, bounds: &Bounds) {
        self.entry("shortest", &span(bounds.shortest));
        self.entry("longest", &span(bounds.longest));
    }
}

/// The word that stands for a value.
fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> String {
    let found = words.iter().find(|(_, meant)| meant == value);
    quoted(found.map_or("", |(word, _)| word))
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A TOML string. What JSON escapes, TOML escapes alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Minutes after midnight as they are read.
fn time_of_day(minute: u32) -> String {
    quoted(&format!("{:02}:{:02}", minute / 60, minute % 60))
}

/// A span that the optimizer counts in microseconds.
fn span(us: i64) -> String {
    quoted_span(Duration::from_micros(us.unsigned_abs()))
}

fn quoted_span(span: Duration) -> String {
    quoted(&humantime::format_duration(span).to_string())
}
