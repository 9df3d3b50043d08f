//! What is known of a request before anybody looks at what it asks for.

use std::net::IpAddr;
use std::sync::Arc;

use super::permission::Unidentified;
use crate::access::Caller;

/// Where a request comes from. Handlers find it among the request's extensions;
/// nothing a client sends can put one there.
#[derive(Debug, Clone)]
pub(crate) struct RequestOrigin {
    /// By what name it is found in the log.
    pub(super) request_id: Arc<str>,
    /// The address of the connection; none of a request within a batch.
    pub(super) address: Option<IpAddr>,
    /// Whose it is, or why that is not known.
    pub(super) caller: Result<Arc<Caller>, Unidentified>,
}

impl RequestOrigin {
    /// Whether it came through Home Assistant's ingress.
    pub(crate) fn is_visitor(&self) -> bool {
        self.caller.as_ref().is_ok_and(|caller| caller.is_visitor())
    }
}
