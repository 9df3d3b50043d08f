//! The Home Assistant WebSocket protocol: a sans-I/O session machine and a tokio client around it.
//!
//! This is the only crate that knows Home Assistant's JSON. It logs in, subscribes to the compressed states feed,
//! keeps registries and services listed, calls actions, and reconnects; and it speaks the same protocol to clients that
//! expect Home Assistant. It does not judge values, keep anything on
//! disk or know the optimizer.
//!
//! # Layout
//! - [`Client`]: the tokio shell. Connects, reconnects with backoff, and delivers [`Event`]s in order.
//! - [`Session`]: one connection's protocol without sockets or clock, for tests and other shells.
//! - [`Gateway`]: the other side: one client that takes Weirhouse for Home Assistant, without sockets or clock.
//! - [`Mirror`]: a copy of the states, fed with snapshots and changes; tells what differed.
//! - [`Registry`]: lists of entities, devices, areas, floors, labels, config entries, helpers and services.
//! - [`Topology`]: which entity belongs to which device, area, floor and label.
//!
//! # Example
//! ```no_run
//! use std::time::Instant;
//! use weirhouse_hass::{Client, ClientConfig, Event, Mirror};
//!
//! # async fn example() -> Result<(), weirhouse_hass::ConfigError> {
//! let (client, mut events) = Client::connect(ClientConfig::new("http://127.0.0.1:8123", "token"))?;
//! let (start, mut mirror) = (Instant::now(), Mirror::new());
//! while let Some(event) = events.recv().await {
//!     match event {
//!         Event::Snapshot(states) => {
//!             for seen in mirror.replace(states, start.elapsed()) {
//!                 println!("{} {:?}", seen.entity_id, mirror.get(&seen.entity_id));
//!             }
//!         }
//!         Event::Changes(changes) => {
//!             for change in changes {
//!                 if let Some(seen) = mirror.apply(change, start.elapsed()) {
//!                     println!("{} {:?}", seen.entity_id, mirror.get(&seen.entity_id));
//!                 }
//!             }
//!         }
//!         Event::Disconnected { reason, retry_in } => {
//!             mirror.set_stale();
//!             eprintln!("{reason}; next attempt in {retry_in:?}");
//!         }
//!         Event::Rejected { message } => eprintln!("token refused: {message}"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! client.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod client;
mod event;
mod gateway;
mod mirror;
mod reason;
mod registry;
mod session;
mod state;
mod timestamp;
mod topology;
mod wire;

pub use client::{
    AskError, CallError, Client, ClientConfig, ConfigError, Dialer, LinkStats, Marker, Socket,
    has_integration,
};
pub use event::{CommandError, CommandOutcome, Event, ProtocolError, ServiceCall, Snapshot};
pub use gateway::{
    Closing, EntityTest, Frame, Gateway, GatewayEvent, GatewayStats, Home, Identity, Profile,
    StateChange, States,
};
pub use mirror::{EntityView, Kind, Mirror, Observation};
pub use reason::DisconnectReason;
pub use registry::{
    AreaEntry, Class, ConfigEntry, DeviceEntry, EntityEntry, Entry, FloorEntry, LabelEntry,
    Registry, Row, ServiceEntry,
};
pub use session::{EntityFilter, Filter, Session, SessionConfig};
pub use state::{Attributes, Change, Context, Diff, State};
pub use timestamp::Timestamp;
pub use topology::{Group, Place, Topology};
