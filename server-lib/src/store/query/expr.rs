//! Conditions and how they are put together, for issues and events alike.

use wildmatch::WildMatch;

/// A condition made of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr<P> {
    /// All of them; of none, everything.
    All(Vec<Self>),
    /// Any of them; of none, nothing.
    Any(Vec<Self>),
    /// What it is not.
    Not(Box<Self>),
    /// A single condition.
    Is(P),
}

impl<P> Expr<P> {
    /// The condition that everything meets.
    #[must_use]
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Joins two conditions of which both have to be met.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), other) => {
                all.push(other);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Turns the condition around.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Decides by what each single condition says.
    pub fn holds(&self, test: &mut impl FnMut(&P) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
            Self::Not(part) => !part.holds(test),
            Self::Is(predicate) => test(predicate),
        }
    }

    /// Calls `visit` with every single condition.
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a P)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::Not(part) => part.each(visit),
            Self::Is(predicate) => visit(predicate),
        }
    }

    /// Returns the conditions that have to be met in any case: those of the outermost `All`.
    #[must_use]
    pub fn required(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::required).collect(),
            other => vec![other],
        }
    }
}

/// Numbers or times from here to there, both included; `None` is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval<T> {
    /// The least.
    pub from: Option<T>,
    /// The greatest.
    pub to: Option<T>,
}

impl<T: PartialOrd> Interval<T> {
    /// Reports whether the value lies in it.
    pub fn holds(&self, value: &T) -> bool {
        self.from.as_ref().is_none_or(|from| value >= from)
            && self.to.as_ref().is_none_or(|to| value <= to)
    }
}

/// What a text has to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPattern {
    /// Exactly so.
    Equals(String),
    /// With `*` for any characters; upper and lower case are the same.
    Like(String),
}

impl TextPattern {
    /// Reports whether the text looks like it.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Equals(wanted) => wanted == text,
            Self::Like(pattern) => {
                WildMatch::new(&pattern.to_lowercase()).matches(&text.to_lowercase())
            }
        }
    }
}

/// What a tag has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagTest {
    /// There, with any value.
    Present,
    /// Of such a value.
    Value(TextPattern),
}
