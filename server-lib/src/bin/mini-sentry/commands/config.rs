//! `mini-sentry config`: every setting, its value and where it came from.

use serde_json::json;

use super::Context;
use crate::failure::Failure;
use crate::output::table;
use crate::settings::Resolved;

/// Prints the settings.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let resolved = &context.resolved;
    let settings: Vec<_> = resolved
        .origins
        .iter()
        .map(|origin| {
            json!({
                "name": origin.key,
                "value": origin.value,
                "source": origin.source.to_string(),
                "environment": origin.environment,
                "about": origin.about,
            })
        })
        .collect();
    let value = json!({"settings": settings, "notes": resolved.notes});
    context.output.show(&value, |_| text(resolved))
}

fn text(resolved: &Resolved) -> String {
    let rows: Vec<_> = resolved
        .origins
        .iter()
        .map(|origin| {
            vec![
                origin.key.to_owned(),
                if origin.value.is_empty() {
                    "-".to_owned()
                } else {
                    origin.value.clone()
                },
                origin.source.to_string(),
            ]
        })
        .collect();
    let mut text = table(&["setting", "value", "from"], &rows);
    for note in &resolved.notes {
        text.push('\n');
        text.push_str(note);
    }
    text
}
