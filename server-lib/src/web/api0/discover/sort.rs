//! In which order the rows of an answer come.

use std::cmp::Ordering;

use serde_json::Value;

use super::columns::{Column, Shows, shown};
use crate::web::error::ApiError;
use crate::web::extract::Pairs;

/// One thing to sort by: the place of a column, and whether the greatest come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) column: usize,
    pub(super) is_descending: bool,
}

/// Reads `sort`, also by its older name `orderby`. What is sorted by and not shown is added behind
/// the columns.
///
/// # Errors
///
/// 400 when it is no column.
pub(super) fn read(query: &Pairs, columns: &mut Vec<Column>) -> Result<Vec<Sort>, ApiError> {
    let named = query.all("sort").chain(query.all("orderby"));
    let mut sorts = Vec::new();
    for name in named.map(str::trim).filter(|name| !name.is_empty()) {
        let (bare, is_descending) = match name.strip_prefix('-') {
            Some(bare) => (bare, true),
            None => (name, false),
        };
        let is_it = |column: &Column| column.name == bare || alias(&column.name) == bare;
        let column = match columns.iter().position(is_it) {
            Some(place) => place,
            None => {
                let column = Column::read(bare).or_else(|_| {
                    // The alias of a function without arguments.
                    Column::read(&format!("{bare}()"))
                });
                columns.push(column.map_err(|_| {
                    let detail = format!("`{}` is no field to sort by", shown(bare));
                    ApiError::invalid("unknown_sort", detail)
                })?);
                columns.len().saturating_sub(1)
            }
        };
        sorts.push(Sort {
            column,
            is_descending,
        });
    }
    Ok(sorts)
}

/// Compares two values of a column; null comes last.
pub(super) fn compare(sort: Sort, one: &Value, other: &Value) -> Ordering {
    let order = match (one, other) {
        (Value::Null, Value::Null) => return Ordering::Equal,
        (Value::Null, _) => return Ordering::Greater,
        (_, Value::Null) => return Ordering::Less,
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (one, other) => one.to_string().cmp(&other.to_string()),
    };
    if sort.is_descending {
        order.reverse()
    } else {
        order
    }
}

/// Returns true when events that arrived last come first, in whichever words.
pub(super) fn is_latest_first(sorts: &[Sort], columns: &[Column]) -> bool {
    let Some(sort) = sorts.first() else {
        return true;
    };
    let Some(column) = columns.get(sort.column) else {
        return true;
    };
    match &column.shows {
        Shows::What(_) => {
            sort.is_descending && matches!(column.name.as_str(), "timestamp" | "event.timestamp")
        }
        Shows::Number(_) => sort.is_descending,
    }
}

/// Returns the name of a function as it is without parentheses: `count_unique_user`.
fn alias(name: &str) -> String {
    let Some((function, rest)) = name.split_once('(') else {
        return name.to_owned();
    };
    let words = rest.split(|c: char| !c.is_alphanumeric());
    let words = std::iter::once(function).chain(words.filter(|word| !word.is_empty()));
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_function_is_sorted_by_with_and_without_parentheses() {
        let names = ["title", "count_unique(user)", "count()"];
        let columns = || Column::read_all(names.into_iter()).unwrap();
        for (text, place, is_descending) in [
            ("-count()", 2, true),
            ("-count", 2, true),
            ("count_unique_user", 1, false),
            ("title", 0, false),
            ("-last_seen", 3, true),
            ("level", 3, false),
        ] {
            let mut columns = columns();
            let query = Pairs::from_iter([("sort", text)]);
            let sorts = read(&query, &mut columns).unwrap();
            let expected = Sort {
                column: place,
                is_descending,
            };
            assert_eq!(sorts, [expected], "{text}");
        }
        let query = Pairs::from_iter([("sort", "-nonsense(")]);
        assert!(read(&query, &mut columns()).is_err());
    }

    #[test]
    fn what_is_absent_comes_last_either_way() {
        for is_descending in [true, false] {
            let sort = Sort {
                column: 0,
                is_descending,
            };
            let order = compare(sort, &json!(null), &json!("a"));
            assert_eq!(order, Ordering::Greater);
        }
    }
}
