//! One question to Home Assistant, on a connection of its own.

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::dial::{Socket, dial};
use super::{ClientConfig, ConfigError};
use crate::DisconnectReason;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// No connection can be made with these settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There was no connection, or not to the end.
    #[error(transparent)]
    Disconnected(#[from] DisconnectReason),
    /// It said something else.
    #[error("Home Assistant's answer is not understood: {0}")]
    Unclear(String),
    /// It refused.
    #[error("Home Assistant refuses: {0}")]
    Refused(String),
    /// It took too long.
    #[error("Home Assistant did not answer in time")]
    TimedOut,
}

/// What is read of any message.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
}

/// Whether Home Assistant has an integration, set up or not. To announce something to one that is missing would fill
/// its log with errors.
///
/// # Errors
/// When it is not reached, or does not answer as it should.
pub async fn has_integration(config: &ClientConfig, domain: &str) -> Result<bool, AskError> {
    let limit = config.session.command_timeout;
    tokio::time::timeout(limit, ask(config, domain))
        .await
        .map_err(|_| AskError::TimedOut)?
}

async fn ask(config: &ClientConfig, domain: &str) -> Result<bool, AskError> {
    let endpoint = config.endpoint()?;
    let mut socket = dial(&endpoint, config).await?;
    expect(&mut socket, "auth_required").await?;
    let login = json!({ "type": "auth", "access_token": config.session.token });
    send(&mut socket, &login).await?;
    expect(&mut socket, "auth_ok").await?;
    let question = json!({ "id": 1, "type": "manifest/get", "integration": domain });
    send(&mut socket, &question).await?;
    let answer = receive(&mut socket).await?;
    let _ = socket.close(None).await;
    match answer {
        Answer { success: true, .. } => Ok(true),
        Answer {
            error: Some(refusal),
            ..
        } if refusal.code == "not_found" => Ok(false),
        other => Err(refused(other)),
    }
}

async fn expect(socket: &mut Socket, kind: &str) -> Result<(), AskError> {
    let answer = receive(socket).await?;
    if answer.kind == kind {
        Ok(())
    } else {
        Err(refused(answer))
    }
}

fn refused(answer: Answer) -> AskError {
    let words = answer
        .error
        .map(|it| format!("{}: {}", it.code, it.message));
    AskError::Refused(words.or(answer.message).unwrap_or(answer.kind))
}

async fn send(socket: &mut Socket, message: &serde_json::Value) -> Result<(), AskError> {
    let sent = socket.send(Message::text(message.to_string())).await;
    sent.map_err(|error| broken(&error))
}

async fn receive(socket: &mut Socket) -> Result<Answer, AskError> {
    loop {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(broken(&"it ended")),
        };
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).map_err(|it| AskError::Unclear(it.to_string()));
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> AskError {
    AskError::Disconnected(DisconnectReason::Broken {
        detail: error.to_string(),
    })
}
