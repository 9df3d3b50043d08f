//! The host as a library: everything behind the command line.
