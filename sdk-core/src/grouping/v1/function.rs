//! Functions: by the name that people gave them, whatever compilers and engines made of it.

use super::language::Language;
use super::path::write_without_class_numbers;

/// Appends a function's name, and reports whether there is one: anonymous functions have none.
pub(super) fn write_function(
    function: &str,
    module: Option<&str>,
    language: Language,
    out: &mut String,
) -> bool {
    let function = function.trim();
    match language {
        Language::JavaScript => match script_name(function) {
            Some(name) => out.push_str(name),
            None => return false,
        },
        Language::Python => {
            if function.is_empty() || function.ends_with("<lambda>") {
                return false;
            }
            out.push_str(function);
        }
        Language::Java => write_without_class_numbers(function, out),
        Language::Go => {
            let name = function.strip_suffix("-fm").unwrap_or(function);
            out.push_str(name.split('[').next().unwrap_or(name));
        }
        Language::Ruby => out.push_str(ruby_name(function)),
        Language::Php => write_php(function, out),
        Language::DotNet => write_dotnet(function, module.unwrap_or_default(), out),
        Language::Native => write_native(function, out),
        Language::Other => out.push_str(function),
    }
    !function.is_empty()
}

/// Reports whether a name says nothing because a minifier chose it.
pub(super) fn is_minified(name: &str, language: Language) -> bool {
    language == Language::JavaScript && name.len() <= 2
}

/// The name of a script's function, as all browsers know it.
fn script_name(function: &str) -> Option<&str> {
    let mut name = function;
    // Chrome: `Object.render [as mail]`, `Promise.all (index 0)`.
    if name.contains(' ') {
        for end in [" [as ", " ("] {
            name = name.split(end).next().unwrap_or(name);
        }
    }
    for prefix in [
        "async ",
        "new ",
        "promise callback*",
        "setTimeout handler*",
        "async*",
    ] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    // Firefox: a nameless function inside of `refresh` is `refresh/<`.
    if name.ends_with('<') || name.contains('/') || name.ends_with("<anonymous>") {
        return None;
    }
    name = name.rsplit('.').next().unwrap_or(name);
    for prefix in ["get ", "set "] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    let is_nameless = matches!(
        name,
        "" | "?"
            | "anonymous"
            | "anonymous function"
            | "Anonymous function"
            | "eval"
            | "eval code"
            | "Eval code"
            | "global code"
            | "Global code"
            | "module code"
            | "<computed>"
            | "<unknown>"
            | "<global>"
            | "{anonymous}"
    );
    (!is_nameless).then_some(name)
}

/// `block (2 levels) in Customer#label` is `label`; the file tells the class.
fn ruby_name(function: &str) -> &str {
    let mut name = function;
    while let Some((before, behind)) = name.split_once(" in ") {
        let is_inside = before.starts_with("block") || matches!(before, "rescue" | "ensure");
        if !is_inside {
            break;
        }
        name = behind;
    }
    if let Some((_, method)) = name.rsplit_once(['#', '.'])
        && name.starts_with(char::is_uppercase)
    {
        name = method;
    }
    // Templates are compiled under names with numbers: `_app_views_index_html_erb___42_7`.
    if name.starts_with('_') && name.ends_with(|c: char| c.is_ascii_digit()) {
        let end = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        if !end.is_empty() {
            return end;
        }
    }
    name
}

fn write_php(function: &str, out: &mut String) {
    if function.contains("{closure") {
        out.push_str("{closure}");
        return;
    }
    match function.split_once("@anonymous") {
        Some((class, rest)) => {
            out.push_str(class);
            out.push_str("@anonymous");
            if let Some((_, method)) = rest.rsplit_once("::") {
                out.push_str("::");
                out.push_str(method);
            }
        }
        None => out.push_str(function),
    }
}

/// Async methods are `MoveNext` of a class `<RunAsync>d__12`, lambdas are `<RunAsync>b__0`.
fn write_dotnet(function: &str, module: &str, out: &mut String) {
    if function == "MoveNext"
        && let Some(name) = between_angles(module)
    {
        out.push_str(name);
        return;
    }
    if function.starts_with('<')
        && let Some(name) = between_angles(function)
    {
        out.push_str(name);
        match function.split_once(">g__") {
            Some((_, local)) => {
                out.push('.');
                out.push_str(local.split('|').next().unwrap_or(local));
            }
            None => out.push_str(".lambda"),
        }
        return;
    }
    out.push_str(function.split('(').next().unwrap_or(function));
}

fn between_angles(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('<')?;
    let (name, _) = rest.split_once('>')?;
    (!name.is_empty()).then_some(name)
}

/// Leaves out hashes of symbols, numbers of closures, and arguments.
fn write_native(function: &str, out: &mut String) {
    let mut name = match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => function,
    };
    for end in [" [clone", ".llvm.", ".isra.", ".constprop.", ".part."] {
        name = name.split(end).next().unwrap_or(name);
    }
    if let Some(open) = name.find('(')
        && name
            .get(..open)
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        && !name.contains("operator")
    {
        name = name.get(..open).unwrap_or(name);
    }
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once("{closure#") {
        let digits = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        let Some(after) = digits.strip_prefix('}') else {
            break;
        };
        out.push_str(before);
        out.push_str("{{closure}}");
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(function: &str, language: Language) -> Option<String> {
        let mut out = String::new();
        write_function(function, None, language, &mut out).then_some(out)
    }

    #[test]
    fn engines_name_functions_alike_in_the_end() {
        for (from, expected) in [
            ("CartView.refresh", Some("refresh")),
            ("Object.render [as mail]", Some("render")),
            ("Profile.get fullName [as fullName]", Some("fullName")),
            ("get fullName", Some("fullName")),
            ("new Profile", Some("Profile")),
            ("async loadProfile", Some("loadProfile")),
            ("async*loadProfile", Some("loadProfile")),
            ("async Promise.all (index 0)", Some("all")),
            ("refresh/<", None),
            ("InvoiceController.<anonymous>", None),
            ("Module../src/index.js", None),
            ("Anonymous function", None),
            ("?", None),
            ("", None),
        ] {
            let name = name(from, Language::JavaScript);
            assert_eq!(name.as_deref(), expected, "{from}");
        }
    }

    #[test]
    fn what_compilers_add_is_left_out() {
        for (language, from, expected) in [
            (Language::Ruby, "block (2 levels) in import", "import"),
            (Language::Ruby, "rescue in block in Customer#label", "label"),
            (Language::Ruby, "<class:Customer>", "<class:Customer>"),
            (
                Language::Ruby,
                "_app_views_orders_index_html_erb___42_7",
                "_app_views_orders_index_html_erb",
            ),
            (Language::Ruby, "__send__", "__send__"),
            (Language::Java, "lambda$export$3", "lambda$export"),
            (Language::Go, "(*Cart).put-fm", "(*Cart).put"),
            (Language::Go, "Map[...]", "Map"),
            (
                Language::Php,
                "{closure:App\\Sync::handle():31}",
                "{closure}",
            ),
            (
                Language::Php,
                "class@anonymous\0/app/a.php:3$0::run",
                "class@anonymous::run",
            ),
            (Language::DotNet, "<RunAsync>b__0", "RunAsync.lambda"),
            (Language::DotNet, "<Run>g__Parse|3_0", "Run.Parse"),
            (Language::DotNet, "Send(String text)", "Send"),
            (
                Language::Native,
                "shop::run::{closure#0}::h0123456789abcdef",
                "shop::run::{{closure}}",
            ),
            (Language::Native, "cart::add(int, char const*)", "cart::add"),
            (Language::Native, "-[Cart add:]", "-[Cart add:]"),
            (Language::Native, "add.llvm.123", "add"),
        ] {
            assert_eq!(name(from, language).as_deref(), Some(expected), "{from}");
        }
        let mut out = String::new();
        let module = Some("Shop.Exporter+<RunAsync>d__12");
        write_function("MoveNext", module, Language::DotNet, &mut out);
        assert_eq!(out, "RunAsync");
        assert_eq!(name("checkout.<locals>.<lambda>", Language::Python), None);
    }
}
