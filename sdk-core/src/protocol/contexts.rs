//! Facts about the surroundings. Known contexts are typed, others kept as they came.

use serde::de::{Deserializer, IgnoredAny, MapAccess};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::limits;
use crate::protocol::ids::{SpanId, TraceId};
use crate::protocol::interface::interface;
use crate::protocol::lenient::{AnyText, Form, Key, Map, Notes, Object, Seed};
use crate::protocol::shape::{Shape, read_shape};
use crate::protocol::span::SpanStatus;
use crate::protocol::timestamp::Timestamp;

/// Contexts by name.
pub type Contexts = Map<String, Context>;

macro_rules! contexts {
    ($( $(#[$meta:meta])* $variant:ident($ty:ty) = $name:literal ),+ $(,)?) => {
        /// One context: typed where its name is known.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Context {
            $( $(#[$meta])* $variant(Box<$ty>), )+
            /// Any other object.
            Other(Object),
            /// Something that is no object.
            Value(Value),
        }

        $(
            impl From<$ty> for Context {
                fn from(context: $ty) -> Self {
                    Self::$variant(Box::new(context))
                }
            }
        )+

        impl Serialize for Context {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(context) => context.serialize(serializer), )+
                    Self::Other(object) => object.serialize(serializer),
                    Self::Value(value) => value.serialize(serializer),
                }
            }
        }

        fn read_context<'de, A: MapAccess<'de>>(
            key: &str,
            map: &mut A,
            notes: &mut Notes,
        ) -> Result<Option<Context>, A::Error> {
            match key {
                $( $name => Ok(map.next_value_seed(Seed::<$ty>::new(notes))?.map(Context::from)), )+
                _ => Ok(match map.next_value()? {
                    Value::Null => None,
                    Value::Object(object) => Some(Context::Other(object)),
                    value => Some(Context::Value(value)),
                }),
            }
        }
    };
}

contexts! {
    /// Operating system.
    Os(OsContext) = "os",
    /// Language runtime.
    Runtime(RuntimeContext) = "runtime",
    /// The machine.
    Device(DeviceContext) = "device",
    /// The program.
    App(AppContext) = "app",
    /// The browser.
    Browser(BrowserContext) = "browser",
    /// Where in a trace it happened.
    Trace(TraceContext) = "trace",
    /// The answer to the request.
    Response(ResponseContext) = "response",
}

impl From<Object> for Context {
    fn from(object: Object) -> Self {
        Self::Other(object)
    }
}

interface! {
    /// The operating system.
    pub struct OsContext {
        /// Such as `Linux`.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<String>,
        /// Build of that version.
        pub build: Option<String>,
        /// Version of the kernel.
        pub kernel_version: Option<String>,
        /// True on a device without its maker's locks.
        pub rooted: Option<bool>,
    }
}

interface! {
    /// The language runtime.
    pub struct RuntimeContext {
        /// Such as `rustc` or `CPython`.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<String>,
        /// More about the build.
        pub build: Option<String>,
    }
}

interface! {
    /// The machine.
    pub struct DeviceContext {
        /// Its name.
        pub name: Option<String>,
        /// Its family, such as `iPhone`.
        pub family: Option<String>,
        /// Its model.
        pub model: Option<String>,
        /// Processor architecture.
        pub arch: Option<String>,
        /// Processors.
        pub processor_count: Option<u64>,
        /// Memory, in bytes.
        pub memory_size: Option<u64>,
        /// Memory that is free, in bytes.
        pub free_memory: Option<u64>,
        /// True for an emulator.
        pub simulator: Option<bool>,
        /// When it was started.
        pub boot_time: Option<Timestamp>,
    }
}

interface! {
    /// The program.
    pub struct AppContext {
        /// When it was started.
        pub app_start_time: Option<Timestamp>,
        /// Its name.
        pub app_name: Option<String>,
        /// Its version.
        pub app_version: Option<String> = "app_version" as AnyText,
        /// Its build.
        pub app_build: Option<String> = "app_build" as AnyText,
        /// Its package's identifier.
        pub app_identifier: Option<String>,
        /// Memory in use, in bytes.
        pub app_memory: Option<u64>,
    }
}

interface! {
    /// The browser.
    pub struct BrowserContext {
        /// Such as `Firefox`.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<String>,
    }
}

interface! {
    /// Where in a trace it happened.
    pub struct TraceContext {
        /// The trace.
        pub trace_id: Option<TraceId>,
        /// The span.
        pub span_id: Option<SpanId>,
        /// The span above it.
        pub parent_span_id: Option<SpanId>,
        /// What kind of work, such as `http.server`.
        pub op: Option<String>,
        /// What it did.
        pub description: Option<String>,
        /// How it ended.
        pub status: Option<SpanStatus>,
        /// What made the span, such as `auto.http.tower`.
        pub origin: Option<String>,
        /// Free-form facts.
        pub data: Object,
    }
}

interface! {
    /// The answer to the request.
    pub struct ResponseContext {
        /// HTTP status.
        pub status_code: Option<u64>,
        /// Bytes of the body.
        pub body_size: Option<u64>,
        /// Headers.
        pub headers: crate::protocol::pairs::Pairs,
    }
}

/// Reads contexts, each by the type that its name calls for.
pub(crate) struct ContextsForm;

impl Form<Contexts> for ContextsForm {
    fn read<'de, D: Deserializer<'de>>(
        input: D,
        notes: &mut Notes,
    ) -> Result<Option<Contexts>, D::Error> {
        read_shape(input, ContextsShape, notes)
    }
}

struct ContextsShape;

impl<'de> Shape<'de> for ContextsShape {
    type Out = Contexts;

    fn object<A: MapAccess<'de>>(
        self,
        mut map: A,
        notes: &mut Notes,
    ) -> Result<Contexts, A::Error> {
        let mut contexts = Contexts::new();
        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
            if contexts.len() >= limits::MAX_MAP_ENTRIES {
                notes.too_many();
                map.next_value::<IgnoredAny>()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                break;
            }
            let context = notes.below(&key, |notes| read_context(&key, &mut map, notes))?;
            if let Some(context) = context {
                contexts.insert(key.into_owned(), context);
            }
        }
        Ok(contexts)
    }
}
