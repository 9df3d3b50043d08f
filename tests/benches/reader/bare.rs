//! A server of axum that answers every request with one text and does nothing else: what the stack takes for itself.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use axum::Router;
use axum::http::header;
use tokio::net::TcpListener;
use weirhouse_tests::program::free_address;

use crate::home::{Process, Server};

/// As long as one state is.
const BYTES: usize = 520;

/// Serves until killed.
pub(crate) fn serve(address: SocketAddr) -> Result<()> {
    let text = "x".repeat(BYTES);
    let answer = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    // As many threads as Weirhouse has.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        axum::serve(listener, Router::new().fallback(answer)).await?;
        Ok(())
    })
}

/// Starts one in a process of its own.
pub(crate) fn start() -> Result<Server> {
    let address = free_address()?;
    let process = Command::new(std::env::current_exe()?)
        .arg("--bare")
        .arg(address.to_string())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the bare server")?;
    Ok(Server {
        process: Process(process),
        address,
    })
}
