//! What grouping looks at: the borrowed parts of an event.

use crate::protocol::{Event, Exception, Frame, Level, Message, Stacktrace};

/// The parts of an event that grouping looks at, borrowed from wherever it was read. Make it, and what
/// is in it, with `..Default::default()`: fields may be added.
#[derive(Clone, Debug, Default)]
pub struct Subject<'a> {
    /// The language or system.
    pub platform: Option<&'a str>,
    /// The level as it came.
    pub level: Option<&'a str>,
    /// The logger.
    pub logger: Option<&'a str>,
    /// The transaction or view that ran.
    pub transaction: Option<&'a str>,
    /// The release.
    pub release: Option<&'a str>,
    /// The environment.
    pub environment: Option<&'a str>,
    /// The SDK's name.
    pub sdk: Option<&'a str>,
    /// The message for people.
    pub message: Option<&'a str>,
    /// The message before its parameters were put in.
    pub template: Option<&'a str>,
    /// What the client wants it grouped by.
    pub fingerprint: Vec<&'a str>,
    /// Exceptions, oldest cause first.
    pub exceptions: Vec<ExceptionPart<'a>>,
    /// Frames of a stack that belongs to no exception, outermost first.
    pub frames: Vec<FramePart<'a>>,
    /// Tags.
    pub tags: Vec<(&'a str, &'a str)>,
    /// The address of the page or request.
    pub url: Option<&'a str>,
    /// The method of the request.
    pub method: Option<&'a str>,
}

/// An exception.
#[derive(Clone, Debug, Default)]
pub struct ExceptionPart<'a> {
    /// Its type.
    pub kind: Option<&'a str>,
    /// Its text.
    pub value: Option<&'a str>,
    /// Its frames, outermost first.
    pub frames: Vec<FramePart<'a>>,
    /// How it was caught.
    pub mechanism: Option<&'a str>,
    /// Whether its type is the SDK's invention.
    pub is_synthetic: bool,
    /// Whether it only holds others together.
    pub is_group: bool,
}

/// A frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramePart<'a> {
    /// The function.
    pub function: Option<&'a str>,
    /// The module.
    pub module: Option<&'a str>,
    /// The file, shortened.
    pub filename: Option<&'a str>,
    /// The file, whole.
    pub abs_path: Option<&'a str>,
    /// The line of code.
    pub context_line: Option<&'a str>,
    /// The library or package.
    pub package: Option<&'a str>,
    /// Whether it is the program's own.
    pub in_app: InApp,
}

/// What is known about whether a frame is the program's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InApp {
    /// Nothing, so that its path decides.
    #[default]
    Unknown,
    /// The SDK says so; known libraries are excepted.
    Told(bool),
    /// A rule of the project says so, and that is that.
    Ruled(bool),
}

impl From<Option<bool>> for InApp {
    fn from(told: Option<bool>) -> Self {
        told.map_or(Self::Unknown, Self::Told)
    }
}

impl<'a> Subject<'a> {
    /// Takes the parts of an event, as an SDK has it before it sends.
    #[must_use]
    pub fn of_event(event: &'a Event) -> Self {
        let entry = match (&event.logentry, &event.message) {
            (Some(entry), _) => Some(entry),
            (None, Some(Message::Entry(entry))) => Some(&**entry),
            _ => None,
        };
        let formatted = event
            .logentry
            .as_ref()
            .and_then(|entry| entry.formatted.as_deref().or(entry.message.as_deref()));
        let request = event.request.as_ref();
        Self {
            platform: event.platform.as_deref(),
            level: event.level.map(Level::as_str),
            logger: event.logger.as_deref(),
            transaction: event.transaction.as_deref(),
            release: event.release.as_deref(),
            environment: event.environment.as_deref(),
            sdk: event.sdk.as_ref().and_then(|sdk| sdk.name.as_deref()),
            message: formatted.or_else(|| event.message.as_ref().map(Message::text)),
            template: entry.and_then(|entry| entry.message.as_deref()),
            fingerprint: event.fingerprint.iter().map(String::as_str).collect(),
            exceptions: event.exception.iter().map(exception_part).collect(),
            frames: frames_of(stack_of(event)),
            tags: event
                .tags
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect(),
            url: request.and_then(|request| request.url.as_deref()),
            method: request.and_then(|request| request.method.as_deref()),
        }
    }

    /// Returns the exception that people see first: the last one that says anything.
    #[must_use]
    pub fn main_exception(&self) -> Option<&ExceptionPart<'a>> {
        self.exceptions
            .iter()
            .rev()
            .find(|exception| exception.kind.is_some() || exception.value.is_some())
    }
}

/// Returns the stack that belongs to no exception: the event's, else that of the thread that
/// crashed or made the event, else of the only one.
fn stack_of(event: &Event) -> Option<&Stacktrace> {
    if let Some(stack) = &event.stacktrace
        && !stack.frames.is_empty()
    {
        return Some(stack);
    }
    let threads = &event.threads;
    let thread = threads
        .iter()
        .find(|thread| thread.crashed == Some(true))
        .or_else(|| threads.iter().find(|thread| thread.current == Some(true)))
        .or_else(|| threads.first().filter(|_| threads.len() == 1))?;
    thread.stacktrace.as_ref()
}

fn exception_part(exception: &Exception) -> ExceptionPart<'_> {
    let mechanism = exception.mechanism.as_ref();
    ExceptionPart {
        kind: exception.ty.as_deref(),
        value: exception.value.as_deref(),
        frames: frames_of(exception.stacktrace.as_ref()),
        mechanism: mechanism.and_then(|mechanism| mechanism.ty.as_deref()),
        is_synthetic: mechanism.is_some_and(|mechanism| mechanism.synthetic == Some(true)),
        is_group: mechanism.is_some_and(|mechanism| mechanism.is_exception_group == Some(true)),
    }
}

fn frames_of(stack: Option<&Stacktrace>) -> Vec<FramePart<'_>> {
    let frames = stack.map_or(&[][..], |stack| &stack.frames);
    frames.iter().map(frame_part).collect()
}

fn frame_part(frame: &Frame) -> FramePart<'_> {
    FramePart {
        function: frame.function.as_deref(),
        module: frame.module.as_deref(),
        filename: frame.filename.as_deref(),
        abs_path: frame.abs_path.as_deref(),
        context_line: frame.context_line.as_deref(),
        package: frame.package.as_deref(),
        in_app: frame.in_app.into(),
    }
}
