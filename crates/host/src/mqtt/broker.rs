//! Which broker, and how to log in.

use std::path::PathBuf;

use super::MqttConfig;
use crate::supervisor::{Supervisor, SupervisorError};

/// A broker.
#[derive(Clone)]
pub struct Broker {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who to log in as.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<String>,
}

/// Where a broker is asked for that the configuration does not name.
#[derive(Debug, Clone)]
pub enum BrokerFrom {
    /// The Supervisor.
    Supervisor(Supervisor),
    /// Nobody: there is none then.
    Nobody,
}

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokerError {
    /// The file with the password.
    #[error("cannot read the password from {}: {error}; `mqtt.password_file` names it", path.display())]
    Password {
        path: PathBuf,
        error: std::io::Error,
    },
    /// The Supervisor.
    #[error("{0}")]
    Supervisor(#[from] SupervisorError),
    /// Home Assistant's own broker asks for what is not spoken here.
    #[error(
        "the broker {0} takes encrypted connections only, which are not supported; name another with `mqtt.host`"
    )]
    Encrypted(String),
    /// The thread that asked is gone.
    #[error("the Supervisor was not asked to the end")]
    Interrupted,
}

impl BrokerFrom {
    /// The broker, if there is one.
    pub(super) async fn find(&self, config: &MqttConfig) -> Result<Option<Broker>, BrokerError> {
        if let Some(host) = &config.host {
            return named(host, config).map(Some);
        }
        let Self::Supervisor(supervisor) = self else {
            return Ok(None);
        };
        let supervisor = supervisor.clone();
        let asked = tokio::task::spawn_blocking(move || supervisor.mqtt()).await;
        let Some(service) = asked.map_err(|_| BrokerError::Interrupted)?? else {
            return Ok(None);
        };
        if service.ssl {
            return Err(BrokerError::Encrypted(service.host));
        }
        Ok(Some(Broker {
            host: service.host,
            port: service.port,
            username: service.username,
            password: service.password,
        }))
    }
}

fn named(host: &str, config: &MqttConfig) -> Result<Broker, BrokerError> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| BrokerError::Password {
            path: path.clone(),
            error,
        })
    };
    let password = config.password_file.as_ref().map(read).transpose()?;
    Ok(Broker {
        host: host.to_owned(),
        port: config.port,
        username: config.username.clone(),
        password: password.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()),
    })
}
