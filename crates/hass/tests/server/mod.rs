//! A scripted Home Assistant on loopback: real sockets and WebSocket frames, answers by script.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use weirhouse_hass::{Client, ClientConfig, Event};

/// Longer than anything here takes, so that a hang fails with a message.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// The next connection, before any handshake.
    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    /// The next connection as WebSocket.
    pub(crate) async fn accept(&self) -> Peer {
        let tcp = self.accept_tcp().await;
        Peer {
            socket: soon(accept_async(tcp)).await.unwrap(),
        }
    }

    /// The next connection, logged in; `subscribe_entities` has number 2.
    pub(crate) async fn accept_live(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.send(&json!({ "type": "auth_required", "ha_version": "2026.11.0" }))
            .await;
        let auth = peer.receive().await;
        assert_eq!(auth, json!({ "type": "auth", "access_token": "token" }));
        peer.send(&json!({ "type": "auth_ok", "ha_version": "2026.11.0" }))
            .await;
        peer
    }

    /// Answers the next connection with an HTTP response and closes it.
    pub(crate) async fn answer_http(&self, head: &str, body: &str) {
        let mut tcp = self.accept_tcp().await;
        let mut request = [0; 2048];
        let _ = soon(tcp.read(&mut request)).await.unwrap();
        let response = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        tcp.write_all(response.as_bytes()).await.unwrap();
        tcp.shutdown().await.unwrap();
    }

    /// A client with short delays.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new(format!("http://{}", self.address), "token");
        config.backoff_min = Duration::from_millis(20);
        config.backoff_max = Duration::from_millis(200);
        config
    }

    pub(crate) fn client(&self) -> (Client, Receiver<Event>) {
        Client::connect(self.config()).unwrap()
    }
}

/// Home Assistant's end of one connection.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
}

impl Peer {
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, frame: &str) {
        self.send_message(Message::text(frame)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        soon(self.socket.send(message)).await.unwrap();
    }

    /// An event of the states feed.
    pub(crate) async fn event(&mut self, event: Value) {
        self.send(&json!({ "id": 2, "type": "event", "event": event }))
            .await;
    }

    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected a frame, got {other:?}"),
            }
        }
    }

    /// The next command of this type, skipping others.
    pub(crate) async fn receive_command(&mut self, command: &str) -> Value {
        loop {
            let frame = self.receive().await;
            if frame["type"] == command {
                return frame;
            }
        }
    }

    /// Whether the client said goodbye properly.
    pub(crate) async fn receive_close(&mut self) -> bool {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Close(_))) => return true,
                Some(Ok(_)) => {}
                _ => return false,
            }
        }
    }
}

/// Awaits with a limit.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    let Ok(done) = tokio::time::timeout(PATIENCE, work).await else {
        panic!("nothing happened for {PATIENCE:?}");
    };
    done
}

/// The next event, which must come soon.
pub(crate) async fn next(events: &mut Receiver<Event>) -> Event {
    soon(events.recv())
        .await
        .unwrap_or_else(|| panic!("the client ended"))
}

/// The next disconnection's reason, skipping other events.
pub(crate) async fn next_reason(events: &mut Receiver<Event>) -> String {
    loop {
        if let Event::Disconnected { reason, .. } = next(events).await {
            return reason.to_string();
        }
    }
}
