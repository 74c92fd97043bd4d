//! The integrations and the transport that are compiled in.

use std::any::Any;
use std::sync::Arc;

use crate::client::{ClientOptions, Integration};
use crate::transport::TransportFactory;

/// Puts in what is compiled in, and was not given.
pub(super) fn complete(options: &mut ClientOptions) {
    if options.default_integrations {
        for integration in integrations() {
            let present = options
                .integrations
                .iter()
                .any(|other| other.type_id_of() == integration.type_id_of());
            if !present {
                options.integrations.push(integration);
            }
        }
    }
    if options.transport.is_none() {
        options.transport = transport();
    }
}

/// The concrete type behind an integration.
trait TypeIdOf {
    fn type_id_of(&self) -> std::any::TypeId;
}

impl TypeIdOf for Arc<dyn Integration> {
    fn type_id_of(&self) -> std::any::TypeId {
        let any: &dyn Any = &**self;
        any.type_id()
    }
}

fn integrations() -> Vec<Arc<dyn Integration>> {
    let all: [Option<Arc<dyn Integration>>; 2] = [backtrace(), panic()];
    all.into_iter().flatten().collect()
}

#[cfg(feature = "backtrace")]
fn backtrace() -> Option<Arc<dyn Integration>> {
    Some(Arc::new(
        crate::integrations::backtrace::BacktraceIntegration::new(),
    ))
}

#[cfg(not(feature = "backtrace"))]
const fn backtrace() -> Option<Arc<dyn Integration>> {
    None
}

#[cfg(feature = "panic")]
fn panic() -> Option<Arc<dyn Integration>> {
    Some(Arc::new(crate::integrations::panic::PanicIntegration::new()))
}

#[cfg(not(feature = "panic"))]
const fn panic() -> Option<Arc<dyn Integration>> {
    None
}

#[cfg(feature = "http")]
fn transport() -> Option<Arc<dyn TransportFactory>> {
    Some(Arc::new(crate::transport::http::HttpTransportFactory))
}

#[cfg(all(not(feature = "http"), feature = "reqwest"))]
fn transport() -> Option<Arc<dyn TransportFactory>> {
    Some(Arc::new(crate::transport::reqwest::ReqwestTransportFactory))
}

#[cfg(not(any(feature = "http", feature = "reqwest")))]
const fn transport() -> Option<Arc<dyn TransportFactory>> {
    None
}
