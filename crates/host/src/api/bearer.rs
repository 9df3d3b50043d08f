//! The bearer token that callers of the API must show.
//!
//! Comparing only: the data folder makes and keeps the token.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use super::problem::{Kind, Problem};
use crate::data_dir::Token;

/// Whether a request with these headers may pass.
pub(super) fn check(token: &Token, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(Problem::new(
            Kind::Unauthorized,
            "send the header `Authorization: Bearer TOKEN`; the token is in the file `token` of the data folder",
        ));
    };
    let shown = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, shown)| shown.trim());
    let Some(shown) = shown else {
        return Err(Problem::new(
            Kind::Unauthorized,
            "the Authorization header is not of the form `Bearer TOKEN`",
        ));
    };
    if bool::from(shown.as_bytes().ct_eq(token.expose().as_bytes())) {
        Ok(())
    } else {
        Err(Problem::new(
            Kind::Unauthorized,
            "this is not the token of this instance, which is in the file `token` of the data folder",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;

    #[test]
    fn only_the_token_passes() {
        let folder = tempfile::tempdir().unwrap();
        let token = DataDir::open(folder.path()).unwrap().token().unwrap();
        let secret = token.expose();
        for (header, passes) in [
            (None, false),
            (Some(format!("Bearer {secret}")), true),
            (Some(format!("bearer  {secret} ")), true),
            (Some(format!("Bearer {}", &secret[1..])), false),
            (Some(format!("Bearer {secret}a")), false),
            (Some(format!("Basic {secret}")), false),
            (Some(secret.to_owned()), false),
            (Some("Bearer ".to_owned()), false),
            (Some("Bearer".to_owned()), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(text) = &header {
                headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            }
            assert_eq!(check(&token, &headers).is_ok(), passes, "{header:?}");
        }
    }
}
