//! A scan that outlives the bytes that it was read from.

use std::borrow::Cow;

use crate::facts::{
    NameAndVersion, Scan, ScannedContexts, ScannedException, ScannedFrame, ScannedUser,
};

impl Scan<'_> {
    /// Copies what is borrowed.
    #[must_use]
    pub fn into_owned(self) -> Scan<'static> {
        Scan {
            event_id: self.event_id,
            timestamp: owned(self.timestamp),
            level: owned(self.level),
            kind: owned(self.kind),
            platform: owned(self.platform),
            release: owned(self.release),
            dist: owned(self.dist),
            environment: owned(self.environment),
            transaction: owned(self.transaction),
            culprit: owned(self.culprit),
            logger: owned(self.logger),
            message: owned(self.message),
            message_template: owned(self.message_template),
            fingerprint: self
                .fingerprint
                .into_iter()
                .map(|part| Cow::Owned(part.into_owned()))
                .collect(),
            exceptions: self
                .exceptions
                .into_iter()
                .map(|exception| ScannedException {
                    kind: owned(exception.kind),
                    value: owned(exception.value),
                    module: owned(exception.module),
                    frames: owned_frames(exception.frames),
                    mechanism: owned(exception.mechanism),
                    handled: exception.handled,
                    is_synthetic: exception.is_synthetic,
                    is_group: exception.is_group,
                    id: exception.id,
                    parent: exception.parent,
                })
                .collect(),
            frames: owned_frames(self.frames),
            tags: self
                .tags
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), Cow::Owned(value.into_owned())))
                .collect(),
            url: owned(self.url),
            method: owned(self.method),
            user_agent: owned(self.user_agent),
            user: ScannedUser {
                id: owned(self.user.id),
                email: owned(self.user.email),
                username: owned(self.user.username),
                ip_address: owned(self.user.ip_address),
            },
            sdk_name: owned(self.sdk_name),
            sdk_version: owned(self.sdk_version),
            infer_ip: owned(self.infer_ip),
            server_name: owned(self.server_name),
            contexts: self.contexts.into_owned(),
        }
    }
}

impl ScannedContexts<'_> {
    /// Copies what is borrowed.
    fn into_owned(self) -> ScannedContexts<'static> {
        let program = |program: NameAndVersion<'_>| NameAndVersion {
            name: owned(program.name),
            version: owned(program.version),
        };
        ScannedContexts {
            browser: program(self.browser),
            os: program(self.os),
            client_os: program(self.client_os),
            runtime: program(self.runtime),
            app: program(self.app),
            device: owned(self.device),
            device_family: owned(self.device_family),
        }
    }
}

fn owned(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

fn owned_frames(frames: Vec<ScannedFrame<'_>>) -> Vec<ScannedFrame<'static>> {
    frames
        .into_iter()
        .map(|frame| ScannedFrame {
            function: owned(frame.function),
            module: owned(frame.module),
            filename: owned(frame.filename),
            abs_path: owned(frame.abs_path),
            in_app: frame.in_app,
            context_line: owned(frame.context_line),
            package: owned(frame.package),
        })
        .collect()
}
