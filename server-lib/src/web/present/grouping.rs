//! Why an event belongs to its issue, with the parts that were looked at.

use mini_sentry::grouping::{Explanation, Part, Variant};
use serde_json::{Value, json};

/// Shows an explanation: as Sentry's clients read one, and as the core tells it.
#[must_use]
pub fn info(explanation: &Explanation) -> Value {
    let name = explanation.variant.as_str();
    let values: Vec<_> = explanation.parts.iter().map(component).collect();
    json!({
        "grouping_config": explanation.version.as_str(),
        "variants": {
            name: {
                "key": name,
                "type": kind(explanation.variant),
                "hash": explanation.key.to_string(),
                "hashMismatch": false,
                "description": description(explanation.variant),
                "contributes": true,
                "hint": null,
                "matched_rule": explanation.rule,
                "component": {
                    "id": name,
                    "name": description(explanation.variant),
                    "contributes": true,
                    "hint": null,
                    "values": values,
                },
            },
        },
        "explanation": explanation,
    })
}

fn component(part: &Part) -> Value {
    json!({
        "id": part.name,
        "name": part.name,
        "contributes": part.counts,
        "hint": part.reason.map(mini_sentry::grouping::Reason::as_str),
        "values": [part.value],
        "exception": part.exception,
        "frame": part.frame,
    })
}

fn kind(variant: Variant) -> &'static str {
    match variant {
        Variant::Rule | Variant::ClientFingerprint => "custom-fingerprint",
        _ => "component",
    }
}

fn description(variant: Variant) -> &'static str {
    match variant {
        Variant::Rule => "a fingerprint rule of the project",
        Variant::ClientFingerprint => "the fingerprint that the client sent",
        Variant::ExceptionStack => "the stack of the exception",
        Variant::ExceptionText => "the type and text of the exception",
        Variant::Message => "the message",
        Variant::Stack => "the stack",
        Variant::Transaction => "the transaction",
        _ => "another way",
    }
}

#[cfg(test)]
mod tests {
    use mini_sentry::grouping::{Grouper, GroupingVersion, Subject};
    use mini_sentry::protocol::Event;

    use super::*;

    #[test]
    fn the_parts_that_decided_are_shown_with_the_key() {
        let event = Event::from_json(br#"{"message":"user 42 is gone"}"#).unwrap();
        let grouper = Grouper::new(GroupingVersion::V1);
        let explanation = grouper.explain(&Subject::of_event(&event));
        let shown = info(&explanation);
        let variant = &shown["variants"]["message"];
        assert_eq!(variant["hash"], explanation.key.to_string());
        assert_eq!(variant["component"]["values"][0]["contributes"], true);
        assert_eq!(shown["explanation"]["variant"], "message");
        assert_eq!(shown["grouping_config"], "v1");
    }
}
