//! What clients send that they should not: every answer is the right one, and
//! the service goes on.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result};
use serde_json::Value;
use weirhouse_tests::program::{PATIENCE, Program};

fn start() -> Result<(tempfile::TempDir, PathBuf, Program)> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--rate", "5"])?;
    Ok((parent, data, program))
}

/// Sends bytes, and gives all that comes back until the connection ends.
fn raw(program: &Program, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// A request with the token, as far as its headers.
fn head(program: &Program, line: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n",
        program.address, program.token
    )
}

/// Checks status and kind of an answer that must be a problem document.
fn assert_problem(answer: &str, status: u16, kind: &str) -> Result<()> {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").context("no body")?;
    assert!(head.contains("application/problem+json"), "{answer}");
    let problem: Value = serde_json::from_str(body)?;
    assert_eq!(problem["type"], format!("urn:weirhouse:problem:{kind}"));
    assert_eq!(problem["status"], status);
    let id = format!(
        "x-request-id: {}",
        problem["request_id"].as_str().unwrap_or_default()
    );
    assert!(head.contains(&id), "{answer}");
    Ok(())
}

#[test]
fn every_refusal_is_a_problem_document() -> Result<()> {
    let (_parent, _data, program) = start()?;
    let key = "k".repeat(1025);
    for (line, status, kind) in [
        ("GET /v1/states/sensor.nowhere", 404, "unknown-entity"),
        ("GET /v1/states/%ff", 400, "invalid-argument"),
        ("GET /v1/stream?entity=[", 400, "invalid-argument"),
        ("GET /v1/stream?entity=%ff", 400, "invalid-argument"),
        ("GET /v1/nothing", 404, "unknown-route"),
        ("POST /v1/stats", 405, "method-not-allowed"),
        ("BREW /v1/stats", 405, "method-not-allowed"),
        (&format!("GET /v1/cache/ns/{key}"), 413, "too-large"),
        ("PUT /v1/cache/ns/key?ttl=soon", 400, "invalid-argument"),
    ] {
        let answer = raw(&program, format!("{}\r\n", head(&program, line)).as_bytes())?;
        assert_problem(&answer, status, kind).with_context(|| line.to_owned())?;
    }
    let big = format!(
        "{}X-Much: {}\r\n\r\n",
        head(&program, "GET /v1/stats"),
        "x".repeat(40_000)
    );
    assert_problem(&raw(&program, big.as_bytes())?, 431, "headers-too-large")?;
    for (header, kind) in [
        ("", "unauthorized"),
        ("Authorization: Bearer nonsense\r\n", "invalid-token"),
        ("Authorization: Basic eDp5\r\n", "unauthorized"),
    ] {
        let request = format!(
            "GET /v1/stats HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}\r\n",
            program.address
        );
        assert_problem(&raw(&program, request.as_bytes())?, 401, kind)?;
    }
    let foreign = "GET /v1/stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_problem(&raw(&program, foreign.as_bytes())?, 421, "misdirected")?;
    Ok(())
}

#[test]
fn what_is_no_http_is_refused_and_harms_nothing() -> Result<()> {
    let (_parent, _data, program) = start()?;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client says hello\r\n\r\n"[..],
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"PUT /v1/cache/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzzz",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"\r\n\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(program.address)?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        stream.write_all(request)?;
        let mut answer = [0; 64];
        // Some of it is answered, some ends the connection, some only waits for more.
        if let Ok(length) = stream.read(&mut answer)
            && length > 0
        {
            let text = String::from_utf8_lossy(&answer[..length]).into_owned();
            assert!(text.starts_with("HTTP/1.1 4"), "{text}");
        }
        assert_eq!(program.get("/v1/stats")?.status, 200);
    }
    Ok(())
}

#[test]
fn a_body_without_end_is_refused_without_being_taken() -> Result<()> {
    let (_parent, _data, program) = start()?;
    program.put("/v1/cache/ns/key", b"before")?;
    let length = 1 << 30;
    let request = format!(
        "{}Content-Length: {length}\r\n\r\n",
        head(&program, "PUT /v1/cache/ns/key")
    );
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = stream.try_clone()?;
    let reading = thread::spawn(move || {
        let mut answer = Vec::new();
        // The connection may be reset once the answer is there.
        let _ = reader.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    stream.write_all(request.as_bytes())?;
    let chunk = vec![7; 1 << 16];
    let mut sent = 0;
    while sent < length && stream.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(sent < length, "all of it was taken");
    let answer = reading.join().expect("the reader ends");
    assert_problem(&answer, 413, "too-large")?;
    assert_eq!(program.get("/v1/cache/ns/key")?.text(), "before");
    Ok(())
}

/// Sends a whole request before it reads, as many clients do, and gives the
/// answer; `None` where there was none.
fn blocking(program: &Program, head: &str, body: &[u8]) -> Result<Option<String>> {
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    for part in body.chunks(1 << 14) {
        stream.write_all(part)?;
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    Ok(read
        .is_ok()
        .then(|| String::from_utf8_lossy(&answer).into_owned()))
}

#[test]
fn who_sends_all_before_reading_sees_why_it_is_refused() -> Result<()> {
    let (_parent, _data, program) = start()?;
    let stranger = format!(
        "PUT /v1/cache/ns/key HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        program.address
    );
    let owner = head(&program, "PUT /v1/cache/ns/key");
    for (head, length, status, kind) in [
        (&stranger, 1000 << 10, 401, "unauthorized"),
        (&stranger, 3 << 20, 413, "too-large"),
        (&owner, 3 << 20, 413, "too-large"),
        (&owner, 100 << 20, 413, "too-large"),
    ] {
        let answer = blocking(&program, head, &vec![7; length])?;
        assert_problem(&answer.context("no answer")?, status, kind)?;
    }
    // One that is told beforehand is answered before it sends anything.
    let waits = format!("{owner}Content-Length: 900000000\r\nExpect: 100-continue\r\n\r\n");
    let answer = raw(&program, waits.as_bytes())?;
    assert_problem(&answer, 413, "too-large")?;
    assert!(answer.contains("connection: close"), "{answer}");
    // A short one that nobody wants ends no connection.
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let again = "PUT /v1/cache/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    for _ in 0..2 {
        stream.write_all(again.as_bytes())?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        assert_eq!(&start, b"HTTP/1.1 401");
        let mut rest = [0; 4096];
        let mut length = 0;
        while rest.get(length.max(1) - 1) != Some(&b'}') {
            length = stream.read(&mut rest)?;
            assert!(length > 0, "the connection ended");
        }
    }
    Ok(())
}

#[test]
fn ten_thousand_silent_connections_keep_nobody_out() -> Result<()> {
    let (_parent, _data, program) = start()?;
    // As many as this machine lets a process have at once, and all in all ten thousand.
    let mut open = Vec::new();
    for number in 0..10_000 {
        match TcpStream::connect(program.address) {
            Ok(mut stream) => {
                if number % 2 == 0 {
                    // Half of them begin a request and never end it.
                    let _ = stream.write_all(b"GET /v1/stats HTTP/1.1\r\nHost: loc");
                }
                open.push(stream);
            }
            // No file is left to this process: let half of them go.
            Err(_) => drop(open.drain(..open.len() / 2)),
        }
        if number % 1000 == 999 {
            let asked = Instant::now();
            assert_eq!(program.get("/v1/stats")?.status, 200);
            let waited = asked.elapsed();
            assert!(
                waited < Duration::from_secs(10),
                "after {number}: {waited:?}"
            );
        }
    }
    drop(open);
    assert_eq!(program.put("/v1/cache/ns/key", b"after")?.status, 204);
    assert_eq!(program.get("/healthz")?.status, 200);
    Ok(())
}

#[test]
fn bodies_that_never_come_keep_nobody_out() -> Result<()> {
    let (_parent, _data, program) = start()?;
    let request = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n",
        program.address, program.token
    );
    let mut open = Vec::new();
    for _ in 0..600 {
        let mut stream = TcpStream::connect(program.address)?;
        stream.write_all(request.as_bytes())?;
        open.push(stream);
    }
    // Each over a connection of its own: one kept from before may be what makes room.
    let token = &program.token;
    for path in ["/healthz", "/v1/stats"].repeat(10) {
        let asked = Instant::now();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&program, request.as_bytes())?;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        let waited = asked.elapsed();
        assert!(waited < Duration::from_secs(10), "{path}: {waited:?}");
    }
    drop(open);
    Ok(())
}

#[test]
fn a_trickled_request_ends_and_others_are_served_meanwhile() -> Result<()> {
    let (_parent, _data, program) = start()?;
    let mut slow = TcpStream::connect(program.address)?;
    slow.set_read_timeout(Some(Duration::from_millis(10)))?;
    let started = Instant::now();
    let mut end = [0; 512];
    slow.write_all(b"GET /v1/stats HTTP/1.1\r\n")?;
    loop {
        // One byte of a header at a time keeps no connection beyond the limit.
        let sent = slow.write_all(b"x");
        let ended = match slow.read(&mut end) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        if sent.is_err() || ended {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "it is still open"
        );
        assert_eq!(program.get("/healthz")?.status, 200);
        thread::sleep(Duration::from_millis(250));
    }
    assert!(
        started.elapsed() > Duration::from_secs(5),
        "too soon for an honest client"
    );
    Ok(())
}
