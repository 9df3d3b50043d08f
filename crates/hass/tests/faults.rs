//! Every way the link can break, over real sockets: one clear reason each, no panic, and a way back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod server;

use std::time::{Duration, Instant};

use serde_json::json;
use server::{Server, next, next_reason, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use weirhouse_hass::{
    CallError, Client, ClientConfig, CommandError, ConfigError, Event, Kind, Mirror, ServiceCall,
};

#[tokio::test]
async fn a_wrong_token_is_told_once_and_not_retried() {
    let server = Server::start().await;
    let (client, mut events) = server.client();
    let mut peer = server.accept().await;
    peer.send(&json!({ "type": "auth_required" })).await;
    peer.receive().await;
    peer.send(&json!({ "type": "auth_invalid", "message": "Invalid access token or password" }))
        .await;
    let event = next(&mut events).await;
    assert!(
        matches!(&event, Event::Rejected { message } if message.contains("Invalid access token")),
        "{event:?}"
    );
    assert!(soon(events.recv()).await.is_none(), "the receiver ends");
    let again = tokio::time::timeout(Duration::from_millis(300), server.accept_tcp()).await;
    assert!(again.is_err(), "no further attempt");
    assert_eq!(
        client.call_service(ServiceCall::update_entity(1, ["a.b"])),
        Err(CallError::Ended)
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let no_token = Client::connect(ClientConfig::new("http://127.0.0.1:1", " \n"));
    assert_eq!(no_token.err(), Some(ConfigError::NoToken));
    assert!(matches!(
        Client::connect(ClientConfig::new("127.0.0.1:1", "t")).err(),
        Some(ConfigError::Url { .. })
    ));
}

#[tokio::test]
async fn nobody_listening_is_told_and_retried_with_growing_delays() {
    let server = Server::start().await;
    let mut config = server.config();
    drop(server);
    config.backoff_max = Duration::from_secs(1);
    let (client, mut events) = Client::connect(config).unwrap();
    client
        .call_service(ServiceCall::update_entity(7, ["a.b"]))
        .unwrap();
    let (mut delays, mut refused_call) = (Vec::new(), false);
    while delays.len() < 5 {
        match next(&mut events).await {
            Event::Disconnected { reason, retry_in } => {
                assert!(
                    reason.to_string().contains("refused the connection"),
                    "{reason}"
                );
                delays.push(retry_in);
            }
            Event::CommandResult {
                correlation: 7,
                result,
            } => {
                assert_eq!(result, Err(CommandError::NotConnected));
                refused_call = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(refused_call);
    // 20 ms doubled four times, and half of that at the least.
    assert!(
        delays[4] >= Duration::from_millis(160) && delays[4] <= Duration::from_millis(320),
        "{delays:?}"
    );
    let stopping = Instant::now();
    client.shutdown().await;
    assert!(
        stopping.elapsed() < Duration::from_secs(1),
        "a stop does not wait for the backoff"
    );
}

#[tokio::test]
async fn each_wrong_answer_has_its_own_reason() {
    for (head, body, expected) in [
        ("HTTP/1.1 502 Bad Gateway", "", "Home Assistant is starting"),
        (
            "HTTP/1.1 503 Service Unavailable",
            "",
            "Home Assistant is starting",
        ),
        ("HTTP/1.1 401 Unauthorized", "", "homeassistant_api: true"),
        ("HTTP/1.1 403 Forbidden", "", "banned"),
        (
            "HTTP/1.1 404 Not Found",
            "",
            "no WebSocket interface at /api/websocket",
        ),
        ("HTTP/1.1 500 Internal Server Error", "", "HTTP 500"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html",
            "<html></html>",
            "is no WebSocket server",
        ),
        ("SSH-2.0-OpenSSH_9.7", "", "is no WebSocket server"),
    ] {
        let server = Server::start().await;
        let (_client, mut events) = server.client();
        server.answer_http(head, body).await;
        let reason = next_reason(&mut events).await;
        assert!(reason.contains(expected), "{head}: {reason}");
        // And it comes back by itself.
        let mut peer = server.accept_live().await;
        assert!(matches!(next(&mut events).await, Event::Connected { .. }));
        peer.event(json!({ "a": {} })).await;
    }
}

#[tokio::test]
async fn unreachable_names_and_silent_servers_are_told_apart() {
    // An empty label fails in the resolver itself, so that this needs no name server.
    let config = ClientConfig::new("http://no..host:8123", "token");
    let (_client, mut events) = Client::connect(config).unwrap();
    let reason = next_reason(&mut events).await;
    assert!(
        reason.contains(r#"the host name "no..host" cannot be resolved"#),
        "{reason}"
    );

    let server = Server::start().await;
    let mut config = server.config();
    config.connect_timeout = Duration::from_millis(100);
    let (_client, mut events) = Client::connect(config).unwrap();
    let _silent = server.accept_tcp().await;
    let reason = next_reason(&mut events).await;
    assert!(reason.contains("did not answer within 0.1 s"), "{reason}");

    let server = Server::start().await;
    let mut config = server.config();
    config.session.login_timeout = Duration::from_millis(100);
    let (_client, mut events) = Client::connect(config).unwrap();
    let _peer = server.accept().await;
    let reason = next_reason(&mut events).await;
    assert!(
        reason.contains("did not complete the login within 0.1 s"),
        "{reason}"
    );
}

#[tokio::test]
async fn https_to_a_plain_server_names_tls() {
    let server = Server::start().await;
    let mut config = server.config();
    config.url = format!("https://{}", server.address);
    let (_client, mut events) = Client::connect(config).unwrap();
    let mut tcp = server.accept_tcp().await;
    let mut hello = [0; 512];
    let _ = soon(tcp.read(&mut hello)).await.unwrap();
    assert_eq!(hello[0], 0x16, "a tls handshake record");
    tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let reason = next_reason(&mut events).await;
    assert!(reason.contains("no secure connection"), "{reason}");
}

#[tokio::test]
async fn a_bad_frame_drops_the_connection_by_name_and_a_new_one_replaces_it() {
    let limit = 4096;
    let huge =
        json!({ "id": 2, "type": "event", "event": { "x": "y".repeat(2 * limit) } }).to_string();
    for (message, expected) in [
        (Message::text("{\"id\":2,"), "malformed frame"),
        (Message::text("not json"), "malformed frame"),
        (
            Message::text("[{\"id\":2,\"type\":\"event\"},7]"),
            "malformed frame",
        ),
        (Message::text("42"), "not an object"),
        (Message::binary(vec![0, 159]), "binary message"),
        (Message::text(huge.clone()), "over the limit of 4096"),
        (Message::Close(None), "closed the connection (code 1005)"),
        // What the other side says stays on the line of the message.
        (
            Message::Close(Some(CloseFrame {
                code: 4000.into(),
                reason: "bye\u{1b}[31m\nERROR".into(),
            })),
            "(code 4000: bye [31m ERROR)",
        ),
    ] {
        let server = Server::start().await;
        let mut config = server.config();
        config.max_message_bytes = limit;
        let (_client, mut events) = Client::connect(config).unwrap();
        let mut peer = server.accept_live().await;
        peer.event(json!({ "a": { "a.b": { "s": "1" } } })).await;
        peer.send_message(message).await;
        assert!(matches!(next(&mut events).await, Event::Connected { .. }));
        assert!(
            matches!(next(&mut events).await, Event::Snapshot(_)),
            "what came before is not lost"
        );
        let reason = next_reason(&mut events).await;
        assert!(reason.contains(expected), "{expected}: {reason}");
        let mut peer = server.accept_live().await;
        peer.event(json!({ "a": { "a.b": { "s": "2" } } })).await;
        assert!(matches!(next(&mut events).await, Event::Connected { .. }));
        assert!(matches!(next(&mut events).await, Event::Snapshot(_)));
    }
}

#[tokio::test]
async fn arrays_unknown_fields_and_large_frames_are_ordinary() {
    let server = Server::start().await;
    let (client, mut events) = server.client();
    let mut peer = server.accept_live().await;
    let states: serde_json::Map<_, _> = (0..40_000)
        .map(|n| (format!("sensor.n{n}"), json!({ "s": n.to_string(), "a": { "friendly_name": "x".repeat(400) }, "lc": 1.5, "new": {} })))
        .collect();
    peer.event(json!({ "a": states, "zz": [1] })).await;
    let frame = json!([
        { "id": 2, "type": "event", "event": { "c": { "sensor.n1": { "+": { "s": "a" } } } }, "later": 1 },
        { "type": "tomorrow" },
        { "event": { "c": { "sensor.n1": { "+": { "s": "b", "q": 1 } } } }, "type": "event", "id": 2 },
    ]);
    peer.send(&frame).await;
    let mut mirror = Mirror::new();
    assert!(matches!(next(&mut events).await, Event::Connected { .. }));
    let Event::Snapshot(states) = next(&mut events).await else {
        panic!("no snapshot");
    };
    assert_eq!(mirror.replace(states, Duration::ZERO).len(), 40_000);
    let Event::Changes(changes) = next(&mut events).await else {
        panic!("no changes");
    };
    let told: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let seen = mirror.apply(change, Duration::ZERO).unwrap();
            mirror.get(&seen.entity_id).unwrap().state.clone()
        })
        .collect();
    assert_eq!(told, ["a", "b"], "every intermediate value is seen");
    assert!(
        client.stats().bytes() > 17_000_000,
        "one frame above the WebSocket library's usual limit"
    );
}

#[tokio::test]
async fn after_a_drop_the_mirror_is_stale_and_then_differs_only_where_the_home_did() {
    let server = Server::start().await;
    let (client, mut events) = server.client();
    let mut mirror = Mirror::new();
    let mut peer = server.accept_live().await;
    peer.event(
        json!({ "a": { "a.same": { "s": "1" }, "a.moved": { "s": "1" }, "a.gone": { "s": "1" } } }),
    )
    .await;
    assert!(matches!(next(&mut events).await, Event::Connected { .. }));
    let Event::Snapshot(states) = next(&mut events).await else {
        panic!("no snapshot");
    };
    assert_eq!(mirror.replace(states, Duration::ZERO).len(), 3);
    let call = ServiceCall::update_entity(3, ["a.same"]);
    client.call_service(call).unwrap();
    let command = peer.receive_command("call_service").await;
    assert_eq!(command["service_data"], json!({ "entity_id": ["a.same"] }));
    drop(peer); // Without a goodbye, in the middle of a call.

    let event = next(&mut events).await;
    let Event::CommandResult {
        correlation: 3,
        result,
    } = event
    else {
        panic!("{event:?}");
    };
    assert_eq!(result, Err(CommandError::ConnectionLost));
    let reason = next_reason(&mut events).await;
    assert!(reason.contains("broke"), "{reason}");
    mirror.set_stale();
    assert!(mirror.is_stale());

    let mut peer = server.accept_live().await;
    peer.event(
        json!({ "a": { "a.same": { "s": "1" }, "a.moved": { "s": "2" }, "a.new": { "s": "1" } } }),
    )
    .await;
    assert!(matches!(next(&mut events).await, Event::Connected { .. }));
    let Event::Snapshot(states) = next(&mut events).await else {
        panic!("no snapshot");
    };
    let seen = mirror.replace(states, Duration::ZERO);
    let told: Vec<_> = seen
        .iter()
        .map(|o| (o.entity_id.as_str(), o.kind))
        .collect();
    assert_eq!(
        told,
        [
            ("a.moved", Kind::Changed),
            ("a.new", Kind::Added),
            ("a.gone", Kind::Removed)
        ]
    );
    assert!(!mirror.is_stale());
    assert_eq!(client.stats().connections(), 2);
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_an_answering_one_kept() {
    let server = Server::start().await;
    let mut config = server.config();
    config.session.heartbeat_interval = Duration::from_millis(100);
    config.session.heartbeat_timeout = Duration::from_millis(100);
    let (_client, mut events) = Client::connect(config).unwrap();
    let mut peer = server.accept_live().await;
    for _ in 0..3 {
        let ping = peer.receive_command("ping").await;
        peer.send(&json!({ "id": ping["id"], "type": "pong" }))
            .await;
    }
    peer.receive_command("ping").await;
    let reason = next_reason(&mut events).await;
    assert!(reason.contains("not even an answer to a ping"), "{reason}");
    server.accept_live().await;
}

#[tokio::test]
async fn a_slow_host_makes_the_reader_wait_but_loses_nothing() {
    let server = Server::start().await;
    let mut config = server.config();
    (config.frame_queue, config.event_queue) = (2, 1);
    config.session.heartbeat_interval = Duration::from_millis(50);
    config.session.heartbeat_timeout = Duration::from_millis(50);
    let (client, mut events) = Client::connect(config).unwrap();
    let mut peer = server.accept_live().await;
    peer.event(json!({ "a": { "a.b": { "s": "0" } } })).await;
    for n in 1..=200 {
        peer.event(json!({ "c": { "a.b": { "+": { "s": n.to_string() } } } }))
            .await;
    }
    // Longer than the heartbeat allows: frames that are here already prove the peer alive.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut mirror = Mirror::new();
    let mut texts = Vec::new();
    while texts.len() < 200 {
        match next(&mut events).await {
            Event::Connected { .. } => {}
            Event::Snapshot(states) => drop(mirror.replace(states, Duration::ZERO)),
            Event::Changes(changes) => {
                for change in changes {
                    mirror.apply(change, Duration::ZERO).unwrap();
                    texts.push(mirror.get("a.b").unwrap().state.parse::<u32>().unwrap());
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts, (1..=200).collect::<Vec<_>>());
    assert!(client.stats().reader_waits() > 0);
}

#[tokio::test]
async fn a_shutdown_says_goodbye() {
    let server = Server::start().await;
    let (client, mut events) = server.client();
    let mut peer = server.accept_live().await;
    assert!(matches!(next(&mut events).await, Event::Connected { .. }));
    let (closed, ()) = soon(async { tokio::join!(peer.receive_close(), client.shutdown()) }).await;
    assert!(closed);
    assert!(soon(events.recv()).await.is_none());

    // Dropping the receiver ends an idle link too.
    let (client, events) = server.client();
    let mut peer = server.accept_live().await;
    drop(events);
    assert!(peer.receive_close().await);
    client.shutdown().await;
}
