//! `GET /metrics`: the counters of `/v1/stats` for Prometheus. `docs/metrics.md`
//! lists all names.
//!
//! It needs the token like the rest; Prometheus sends it with
//! `authorization: {credentials_file: …}`. There are no labels per entity: a
//! home of thousands of entities would make as many series.

mod breakers;
mod cached;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::exposition::{CONTENT_TYPE, Exposition};
use super::problem::Problem;
use super::query::Query;
use super::stream::MAX_STREAMS;
use crate::clients::Counters;
use crate::hub::{Health, OperationStats, Stats};
use crate::plugins::{PluginState, PluginStatus};

/// All metrics as text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Observe",
    responses((
        status = 200,
        description = "All metrics; `docs/metrics.md` lists their names",
        content_type = "text/plain",
        body = String
    ))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::parse(query.as_deref(), &[])?;
    let plugins = shared.hub.plugins().map(|it| it.list());
    let plugins = plugins.unwrap_or_default();
    let mut text = expose(&shared.hub.stats()?, &shared.hub.health(), &plugins);
    breakers::breakers(&mut text, &shared.hub.breakers()?);
    requests(&mut text, &shared);
    let text = text.finish();
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

fn expose(stats: &Stats, health: &Health, listed: &[PluginStatus]) -> Exposition {
    let mut text = Exposition::default();
    text.gauges(
        "weirhouse_info",
        "1, with the version of the program.",
        &[(&[("version", stats.version)], 1)],
    );
    text.gauge(
        "weirhouse_uptime_seconds",
        "Time since the start.",
        stats.uptime_s,
    );
    text.head(
        "weirhouse_component_ok",
        "1 while a part works, else 0.",
        "gauge",
    );
    for part in &health.components {
        let labels = [("component", part.component)];
        text.sample("weirhouse_component_ok", &labels, u8::from(part.ok));
    }
    home(&mut text, stats);
    plugins(&mut text, listed);
    updates(&mut text, stats);
    streams(&mut text, stats);
    budgets(&mut text, stats);
    cached::levels(&mut text, &stats.cache);
    cached::fetches(&mut text, &stats.cache.fetch);
    context(&mut text, stats);
    operations(&mut text, stats);
    text
}

/// What this server did.
fn requests(text: &mut Exposition, shared: &Shared) {
    const NAME: &str = "weirhouse_requests_total";
    text.head(NAME, "Requests by class of status.", "counter");
    for (class, count) in shared.answered.counts() {
        text.sample(NAME, &[("status", class)], count);
    }
    let open = MAX_STREAMS - shared.streams.available_permits();
    text.gauge("weirhouse_streams", "Streams open now.", open);
    text.counter(
        "weirhouse_stream_events",
        "Events sent to streams.",
        shared.stream_counts.events.load(Ordering::Relaxed),
    );
    match &shared.clients {
        Some(clients) => home_assistant_clients(text, clients.count(), clients.counters()),
        None => home_assistant_clients(text, 0, &Counters::default()),
    }
}

/// What those were told and asked who take this for Home Assistant.
fn home_assistant_clients(text: &mut Exposition, count: usize, counters: &Counters) {
    text.gauge(
        "weirhouse_clients",
        "Clients of Home Assistant's interface connected now.",
        count,
    );
    text.counter(
        "weirhouse_client_connections",
        "Clients of Home Assistant's interface that connected.",
        counters.connections(),
    );
    text.counter(
        "weirhouse_client_refusals",
        "Tokens of clients that Home Assistant refused.",
        counters.refused(),
    );
    text.counters(
        "weirhouse_client_commands",
        "Commands of clients, by who answered.",
        &[
            (&[("by", "mirror")], counters.answered()),
            (&[("by", "home_assistant")], counters.passed()),
        ],
    );
    text.counter(
        "weirhouse_client_messages",
        "Messages for clients.",
        counters.messages(),
    );
    text.counter(
        "weirhouse_client_changes",
        "Changes of states that clients were told from a mirror.",
        counters.changes(),
    );
}

fn plugins(text: &mut Exposition, listed: &[PluginStatus]) {
    const FAULTS: &str = "weirhouse_plugin_faults_total";
    type Figure = fn(&PluginStatus) -> f64;
    let families: [(&str, &str, &str, Figure); 6] = [
        (
            "weirhouse_plugin_working",
            "1 while a plugin is asked, else 0.",
            "gauge",
            |it| f64::from(u8::from(it.state == PluginState::Working)),
        ),
        (
            "weirhouse_plugin_calls_total",
            "Calls of a plugin.",
            "counter",
            |it| it.calls as f64,
        ),
        (
            "weirhouse_plugin_asked_total",
            "Readings, entities and entries that a plugin was asked about.",
            "counter",
            |it| it.asked as f64,
        ),
        (
            "weirhouse_plugin_advised_total",
            "Of these, those on which it gave advice.",
            "counter",
            |it| it.advised as f64,
        ),
        (
            "weirhouse_plugin_seconds_total",
            "Time that calls of a plugin took.",
            "counter",
            |it| it.seconds,
        ),
        (
            "weirhouse_plugin_memory_bytes",
            "Memory of a plugin's instance.",
            "gauge",
            |it| it.memory_bytes as f64,
        ),
    ];
    // Of files that have one name, only one works; it is listed first.
    let mut names = HashSet::new();
    let mut listed: Vec<_> = listed.iter().collect();
    listed.retain(|plugin| names.insert(&plugin.name));
    for (name, help, kind, figure) in families {
        text.head(name, help, kind);
        for plugin in &listed {
            text.sample(name, &[("plugin", &plugin.name)], figure(plugin));
        }
    }
    text.head(FAULTS, "Faults of a plugin, by what stopped it.", "counter");
    for plugin in listed {
        for fault in &plugin.faults {
            let labels = [("plugin", plugin.name.as_str()), ("cause", fault.cause)];
            text.sample(FAULTS, &labels, fault.count);
        }
    }
}

fn home(text: &mut Exposition, stats: &Stats) {
    let home = &stats.home;
    text.gauge(
        "weirhouse_home_connected",
        "1 while the link to Home Assistant is up.",
        u8::from(home.connected),
    );
    text.gauge(
        "weirhouse_home_stale",
        "1 while Home Assistant may hold other values than the mirror.",
        u8::from(home.stale),
    );
    text.gauge(
        "weirhouse_home_entities",
        "Entities in the mirror.",
        home.entities,
    );
    text.gauge(
        "weirhouse_reported_entities",
        "Entities that programs report, beside those in the mirror.",
        home.reported,
    );
    text.counter(
        "weirhouse_home_connections",
        "Connections made to Home Assistant.",
        home.connections,
    );
    text.counter(
        "weirhouse_refreshes",
        "Refreshes asked of Home Assistant.",
        stats.schedule.refreshes,
    );
    text.counter(
        "weirhouse_refresh_failures",
        "Refreshes that Home Assistant did not carry out.",
        stats.schedule.failures,
    );
}

fn context(text: &mut Exposition, stats: &Stats) {
    let context = &stats.context;
    text.gauge(
        "weirhouse_context_lines",
        "Lines known for language models.",
        context.lines,
    );
    text.counter(
        "weirhouse_context_offered",
        "Lines offered for a choice.",
        context.offered,
    );
    text.counter(
        "weirhouse_context_reused",
        "Of these, lines whose tokens were known.",
        context.reused,
    );
}

fn updates(text: &mut Exposition, stats: &Stats) {
    let (updates, batches) = (&stats.updates, &stats.batches);
    text.counter("weirhouse_readings", "Readings judged.", updates.observed);
    text.counters(
        "weirhouse_published",
        "Readings published, by what caused it.",
        &[
            (&[("by", "reading")], updates.published),
            (&[("by", "time")], updates.timed),
        ],
    );
    text.counter(
        "weirhouse_suppressed",
        "Readings suppressed, late ones included.",
        updates.suppressed,
    );
    text.counter(
        "weirhouse_late",
        "Readings dropped as older than the newest of their series.",
        updates.late,
    );
    text.counter("weirhouse_batches", "Batches sent.", batches.batches);
    text.counter(
        "weirhouse_coalesced",
        "Updates merged into one already waiting.",
        batches.coalesced,
    );
    text.counter(
        "weirhouse_dropped",
        "Updates dropped because too many waited.",
        batches.dropped,
    );
    text.gauge(
        "weirhouse_pending",
        "Entities waiting for a batch.",
        batches.pending,
    );
    text.counter(
        "weirhouse_optimizer_traps",
        "Instances of the optimizer replaced after a trap.",
        stats.optimizer.traps,
    );
}

fn budgets(text: &mut Exposition, stats: &Stats) {
    let budgets = &stats.schedule.budgets;
    text.head(
        "weirhouse_budget_refreshes_today",
        "Refreshes out of a budget since its day began.",
        "gauge",
    );
    for (name, budget) in budgets {
        let labels = [("budget", name.as_str())];
        text.sample("weirhouse_budget_refreshes_today", &labels, budget.today);
    }
    text.head(
        "weirhouse_budget_left_today",
        "Refreshes a budget has left until its day ends, the reserve aside.",
        "gauge",
    );
    for (name, budget) in budgets {
        if let Some(left) = budget.left_today {
            let labels = [("budget", name.as_str())];
            text.sample("weirhouse_budget_left_today", &labels, left);
        }
    }
}

fn streams(text: &mut Exposition, stats: &Stats) {
    let streams = &stats.streams;
    let fates = [
        ("given", streams.given),
        ("merged", streams.merged),
        ("suppressed", streams.suppressed),
        ("dropped", streams.dropped),
        ("withdrawn", streams.withdrawn),
    ];
    text.head(
        "weirhouse_stream_changes_total",
        "Changes for clients of shaped streams, by what became of them.",
        "counter",
    );
    for (fate, count) in fates {
        text.sample("weirhouse_stream_changes_total", &[("fate", fate)], count);
    }
    text.gauge(
        "weirhouse_stream_waiting",
        "Changes waiting for clients of shaped streams.",
        streams.waiting,
    );
}

fn operations(text: &mut Exposition, stats: &Stats) {
    const NAME: &str = "weirhouse_operation_seconds";
    text.head(NAME, "How long operations take.", "summary");
    for (operation, figures) in &stats.operations {
        let seconds = |micros: f64| micros / 1e6;
        for (quantile, micros) in [
            ("0.5", figures.p50_us),
            ("0.95", figures.p95_us),
            ("0.99", figures.p99_us),
        ] {
            let labels = [("operation", operation.as_str()), ("quantile", quantile)];
            text.sample(NAME, &labels, seconds(micros));
        }
        let labels = [("operation", operation.as_str())];
        text.sample(&format!("{NAME}_sum"), &labels, seconds(figures.sum_us));
        text.sample(&format!("{NAME}_count"), &labels, figures.count);
    }
    for (name, help, count) in [
        (
            "weirhouse_operation_failures",
            "Operations that failed.",
            (|figures| figures.failed) as fn(&OperationStats) -> u64,
        ),
        (
            "weirhouse_operation_slow",
            "Operations that took over 100 ms.",
            |figures| figures.slow,
        ),
    ] {
        let name = format!("{name}_total");
        text.head(&name, help, "counter");
        for (operation, figures) in &stats.operations {
            text.sample(&name, &[("operation", operation.as_str())], count(figures));
        }
    }
}
