//! The description of the API, and whether it tells the truth.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{Request, header};
use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::Api;
use crate::access::Scope;
use crate::api::Kind;

/// What callers read.
const DOCUMENT: &str = include_str!("../../../../../docs/api.md");

async fn description(api: &Api) -> Value {
    // Without a token.
    let request = Request::get("/v1/openapi.json").header(header::HOST, "localhost");
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/json");
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn every_operation_says_who_may_call_it_and_how_it_refuses() {
    let api = Api::new();
    let description = description(&api).await;
    assert_eq!(description["openapi"], "3.1.0");
    let mut ids = HashSet::new();
    let mut protected = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let line = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{line}: {id} is there twice");
            assert!(operation["summary"].is_string(), "{line}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("400"), "{line}");
            let name = path.replace(['{', '}'], "");
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&name)
                .header(header::HOST, "localhost");
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            if operation.get("security").is_some() {
                protected += 1;
                assert!(responses.contains_key("401"), "{line}");
                assert_eq!(answer.status.as_u16(), 401, "{line}");
            } else {
                // A WebSocket is for those who ask for one.
                let status = if responses.contains_key("101") {
                    426
                } else {
                    200
                };
                assert_eq!(answer.status.as_u16(), status, "{line}");
            }
        }
    }
    assert!(protected >= 7, "{protected} protected operations");
}

#[tokio::test]
async fn a_scope_that_no_operation_wants_is_said_to_permit_nothing() {
    let description = description(&Api::new()).await;
    let operations = description["paths"].as_object().unwrap().values();
    let wanted: HashSet<&str> = operations
        .flat_map(|methods| methods.as_object().unwrap().values())
        .filter_map(|operation| operation["security"].as_array())
        .flatten()
        .flat_map(|one| one.as_object().unwrap().values())
        .flat_map(|scopes| scopes.as_array().unwrap())
        .map(|scope| scope.as_str().unwrap())
        .collect();
    assert!(wanted.contains("read"), "{wanted:?}");
    for scope in Scope::ALL {
        let name = scope.name();
        let row = format!("| `{name}` | ");
        let (_, documented) = DOCUMENT.split_once(&row).unwrap();
        let value = scope.to_possible_value().unwrap();
        let help = value.get_help().unwrap().to_string();
        let idle = !wanted.contains(name);
        assert_eq!(help.starts_with("Nothing yet: "), idle, "{name}: {help}");
        assert_eq!(documented.starts_with("nothing yet: "), idle, "{name}");
    }
}

#[tokio::test]
async fn what_is_described_is_what_there_is() {
    let api = Api::new();
    let description = description(&api).await;
    let paths = description["paths"].as_object().unwrap();
    let kinds = Kind::ALL.map(|kind| kind.status().as_str().to_owned());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let line = format!("{method} {path} {status}");
                assert!(status.as_str() < "400" || kinds.contains(status), "{line}");
                let headers = answer["headers"].as_object().unwrap();
                assert!(headers.contains_key("X-Request-Id"), "{line}");
                let tagged = ["200", "304"].contains(&status.as_str())
                    && operation["responses"].get("304").is_some();
                assert_eq!(headers.contains_key("ETag"), tagged, "{line}");
            }
            // What is listed must have a value that is taken.
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let source = path.split('/').nth(2).unwrap_or_default();
                let nothing = ["services", "config_entries"].contains(&source);
                assert!(!nothing || parameter["name"] != "expand", "{method} {path}");
            }
        }
    }
    let value = &paths["/v1/cache/{ns}/{key}"];
    let taken = &value["put"]["requestBody"]["content"]["application/octet-stream"]["schema"];
    let given = &value["get"]["responses"]["200"]["content"]["application/octet-stream"]["schema"];
    let bytes = json!({ "type": "string", "format": "binary" });
    assert_eq!((taken, given), (&bytes, &bytes));
    assert_ne!(value["put"]["requestBody"]["required"], true);
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for (schema, members) in [
        ("Batch", vec!["requests"]),
        (
            "BatchRequest",
            vec!["base64", "body", "headers", "method", "path", "text"],
        ),
        ("BatchAnswers", vec!["responses"]),
        (
            "BatchAnswer",
            vec!["base64", "body", "headers", "status", "text"],
        ),
    ] {
        let described = schemas[schema]["properties"].as_object().unwrap();
        assert!(described.keys().eq(members), "{schema}: {described:?}");
    }
}

#[test]
fn every_kind_of_problem_is_documented_once() {
    let slugs: HashSet<&str> = Kind::ALL.into_iter().map(Kind::slug).collect();
    assert_eq!(slugs.len(), Kind::ALL.len());
    let mut documented = HashSet::new();
    for line in DOCUMENT.lines() {
        let Some(rest) = line.strip_prefix("| `urn:weirhouse:problem:") else {
            continue;
        };
        let (slug, rest) = rest.split_once("` | ").unwrap();
        let status = rest.split(',').next().unwrap();
        let kind = Kind::ALL.into_iter().find(|kind| kind.slug() == slug);
        let kind = kind.unwrap_or_else(|| panic!("{slug} is no kind"));
        assert_eq!(kind.status().as_str(), status, "{slug}");
        assert!(documented.insert(slug), "{slug} is there twice");
    }
    assert_eq!(documented, slugs);
}
