//! Profiles of clients of Home Assistant's interface.

use std::net::IpAddr;

use weirhouse_runner::wit::shaping::Significance;

use super::document::Value;
use super::fields::{Fields, flag, share, span_us, text, texts, threshold};
use super::{Config, Fault};
use crate::clients::ClientProfile;

/// All `[[client]]`.
pub(super) fn clients(
    config: &mut Config,
    tables: Vec<Fields<'_>>,
    faults: &mut Vec<Fault>,
) -> Vec<ClientProfile> {
    let mut clients = Vec::with_capacity(tables.len());
    for mut fields in tables {
        let mut client = ClientProfile::default();
        fields.set("name", faults, &mut client.name, text);
        fields.set("user", faults, &mut client.users, texts);
        fields.set("token", faults, &mut client.tokens, texts);
        fields.set("address", faults, &mut client.addresses, addresses);
        fields.set("entity", faults, &mut client.entities, texts);
        fields.set("interval", faults, &mut client.interval_us, span_us);
        let absolute = fields.take("absolute", faults, threshold);
        let percentage = fields.take("percentage", faults, share);
        fields.set("attributes", faults, &mut client.attributes, flag);
        fields.set("max_stale", faults, &mut client.max_stale_us, |it| {
            span_us(it).map(Some)
        });
        client.significance = match (absolute, percentage) {
            (None, None) => Significance::Any,
            (Some(absolute), None) => Significance::Absolute(absolute),
            (None, Some(share)) => Significance::Percentage(share),
            (Some(_), Some(_)) => {
                faults.push(fields.wrong("has both `absolute` and `percentage`; give one of them"));
                Significance::Any
            }
        };
        if client.name.is_empty() {
            faults.push(fields.wrong("has no `name`; it is what the log calls it"));
        }
        if let Err(error) = client.patterns() {
            faults.push(fields.wrong(&format!("names unclear entities: {error}")));
        }
        fields.finish(config, faults);
        clients.push(client);
    }
    clients
}

fn addresses(value: &Value) -> Result<Vec<IpAddr>, String> {
    let read = texts(value).ok().and_then(|texts| {
        let addresses = texts.iter().map(|text| text.parse::<IpAddr>());
        addresses.collect::<Result<Vec<_>, _>>().ok()
    });
    read.ok_or_else(|| {
        "must be an IP address such as \"192.168.1.5\", or a list of them".to_owned()
    })
}
