//! The older name of [`Access`](super::access::Access).

pub use super::access::{Access as Authorized, bearer, missing};
