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
    #[error("the Supervisor refuses (status {status}): {message}")]
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
        let request = agent()
            .get(format!("{}/services/mqtt", self.url))
            .header("authorization", self.authorization());
        let (status, text) = answer(request.call())?;
        read_broker(status, &text)
    }

    /// Tells an integration of Home Assistant where the API is. Blocks.
    ///
    /// # Errors
    /// When the Supervisor does not answer, or refuses.
    pub fn announce(
        &self,
        domain: &str,
        host: &str,
        port: u16,
        token: &str,
    ) -> Result<(), SupervisorError> {
        let message = serde_json::json!({
            "service": domain,
            "config": { "host": host, "port": port, "token": token },
        });
        let request = agent()
            .post(format!("{}/discovery", self.url))
            .header("authorization", self.authorization())
            .content_type("application/json");
        let (status, text) = answer(request.send(message.to_string()))?;
        if status == 200 {
            Ok(())
        } else {
            Err(refused(status, &text))
        }
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(TIME_LIMIT))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

/// Status and text of an answer.
fn answer(
    called: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<(u16, String), SupervisorError> {
    let unreachable = |error| SupervisorError::Unreachable(Box::new(error));
    let mut response = called.map_err(unreachable)?;
    let text = response.body_mut().read_to_string().map_err(unreachable)?;
    Ok((response.status().as_u16(), text))
}

fn refused(status: u16, text: &str) -> SupervisorError {
    let answer = serde_json::from_str::<Answer>(text).ok();
    let message = answer.and_then(|answer| answer.message);
    SupervisorError::Refused {
        status,
        message: message.unwrap_or_else(|| "it does not say why".to_owned()),
    }
}

/// What an answer about the broker says. A status of 400 is the Supervisor's
/// way to say that there is none.
fn read_broker(status: u16, text: &str) -> Result<Option<MqttService>, SupervisorError> {
    if status == 400 || status == 404 {
        return Ok(None);
    }
    let unclear = |error: serde_json::Error| SupervisorError::Unclear(error.to_string());
    if status != 200 {
        return Err(refused(status, text));
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
        let service = read_broker(200, text).unwrap().unwrap();
        assert_eq!(
            (service.host.as_str(), service.port),
            ("core-mosquitto", 1883)
        );
        assert_eq!(service.password.as_deref(), Some("secret"));
        let none = r#"{"result":"error","message":"Service not enabled"}"#;
        assert!(read_broker(400, none).unwrap().is_none());
        assert!(
            read_broker(200, r#"{"result":"ok","data":{}}"#)
                .unwrap()
                .is_none()
        );
        let refused = read_broker(403, r#"{"result":"error","message":"Forbidden"}"#).err();
        assert_eq!(
            refused.unwrap().to_string(),
            "the Supervisor refuses (status 403): Forbidden"
        );
        assert!(read_broker(200, "<html>").is_err());
        assert!(!format!("{:?}", Supervisor::new(URL, "secret")).contains("secret"));
    }
}
