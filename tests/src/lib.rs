//! What the whole-path tests share: starting the host, finding the built component.
