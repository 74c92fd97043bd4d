//! Takes passwords, keys, tokens and card numbers out of a payload before anyone stores it.
//!
//! The scrubber works on the bytes of one serialised event, transaction or log container, so
//! that the SDK and the server run the same code and neither needs the object model. It makes
//! one pass from front to back, keeps no tree, does not recurse, and copies nothing as long as
//! nothing is found.
//!
//! Two kinds of rules find what is secret:
//!
//! - **by name**: the value under a name such as `password`, `x-auth-token` or `Cookie`, in
//!   whatever shape names and values come: members of objects, `["authorization", "…"]` pairs,
//!   `{"key": "password", "value": "…"}`, typed attributes, `token=…` and `"token": "…"` inside
//!   of texts;
//! - **by pattern**: card numbers, private keys, and the tokens of well-known services, wherever
//!   a text holds them.
//!
//! What was found is replaced by [`FILTERED`]. Everything else stays as it was, byte for byte.
//!
//! ```
//! use mini_sentry::scrub::{ScrubReport, Scrubber};
//!
//! let scrubber = Scrubber::new().deny_key("iban");
//! let event = br#"{"message":"paid","extra":{"user_iban":"DE02","amount":12}}"#;
//! let mut report = ScrubReport::default();
//! let clean = scrubber.scrub(event, &mut report);
//! assert_eq!(
//!     clean.as_ref(),
//!     br#"{"message":"paid","extra":{"user_iban":"[Filtered]","amount":12}}"#
//! );
//! assert_eq!(report.total(), 1);
//! ```

mod attribute;
mod cookies;
mod cursor;
mod defaults;
mod escape;
mod find;
mod fold;
mod keys;
mod lanes;
mod marks;
mod memo;
mod pattern;
mod report;
mod scrubber;
mod stops;
mod sweep;
mod walk;

#[cfg(test)]
mod tests;

pub use pattern::{Charset, Pattern};
pub use report::ScrubReport;
pub use scrubber::{FILTERED, Scrubber};
