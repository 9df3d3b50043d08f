//! What an app asks of the Supervisor that runs it.

use std::time::Duration;

use serde::Deserialize;

/// Where the Supervisor answers its apps.
const URL: &str = "http://supervisor";

/// Set by the Supervisor for its apps.
const TOKEN: &str = "SUPERVISOR_TOKEN";

/// Longest that an answer is waited for.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The Supervisor; its token is never shown.
#[derive(Clone)]
pub struct Supervisor {
    url: String,
    token: String,
}

/// The broker that the Supervisor offers its apps.
#[derive(Clone, Deserialize)]
pub struct MqttService {
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it takes encrypted connections only.
    #[serde(default)]
    pub ssl: bool,
    /// Who to log in as.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<String>,
}

/// Why the Supervisor did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// It was not reached.
    #[error("the Supervisor does not answer: {0}")]
    Unreachable(Box<ureq::Error>),
    /// It refused.
    #[error("the Supervisor refuses to name a broker (status {status}): {message}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// It said something else.
    #[error("the Supervisor's answer is not understood: {0}")]
    Unclear(String),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    message: Option<String>,
    data: Option<serde_json::Value>,
}

impl Supervisor {
    /// The one that runs this program, if it is an app.
    pub fn of_this_app() -> Option<Self> {
        let token = std::env::var(TOKEN).ok()?;
        let token = token.trim();
        (!token.is_empty()).then(|| Self::new(URL, token))
    }

    fn new(url: &str, token: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The broker it offers, if any. Blocks.
    ///
    /// # Errors
    /// When it does not answer, or not as it should.
    pub fn mqtt(&self) -> Result<Option<MqttService>, SupervisorError> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIME_LIMIT))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        let request = agent
            .get(format!("{}/services/mqtt", self.url))
            .header("authorization", format!("Bearer {}", self.token));
        let unreachable = |error| SupervisorError::Unreachable(Box::new(error));
        let mut response = request.call().map_err(unreachable)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        read(status, &text)
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What an answer about the broker says. A status of 400 is the Supervisor's
/// way to say that there is none.
fn read(status: u16, text: &str) -> Result<Option<MqttService>, SupervisorError> {
    if status == 400 || status == 404 {
        return Ok(None);
    }
    let unclear = |error: serde_json::Error| SupervisorError::Unclear(error.to_string());
    if status != 200 {
        let message = serde_json::from_str::<Answer>(text).ok();
        let message = message.and_then(|answer| answer.message);
        return Err(SupervisorError::Refused {
            status,
            message: message.unwrap_or_else(|| "it does not say why".to_owned()),
        });
    }
    let answer: Answer = serde_json::from_str(text).map_err(unclear)?;
    match answer.data {
        Some(serde_json::Value::Object(members)) if !members.is_empty() => {
            serde_json::from_value(members.into())
                .map(Some)
                .map_err(unclear)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_read_or_said_not_to_be() {
        let text = r#"{"result":"ok","data":{"addon":"core_mosquitto","host":"core-mosquitto","port":1883,"ssl":false,"protocol":"3.1.1","username":"addons","password":"secret"}}"#;
        let service = read(200, text).unwrap().unwrap();
        assert_eq!(
            (service.host.as_str(), service.port),
            ("core-mosquitto", 1883)
        );
        assert_eq!(service.password.as_deref(), Some("secret"));
        let none = r#"{"result":"error","message":"Service not enabled"}"#;
        assert!(read(400, none).unwrap().is_none());
        assert!(read(200, r#"{"result":"ok","data":{}}"#).unwrap().is_none());
        let refused = read(403, r#"{"result":"error","message":"Forbidden"}"#).err();
        assert_eq!(
            refused.unwrap().to_string(),
            "the Supervisor refuses to name a broker (status 403): Forbidden"
        );
        assert!(read(200, "<html>").is_err());
        assert!(!format!("{:?}", Supervisor::new(URL, "secret")).contains("secret"));
    }
}
