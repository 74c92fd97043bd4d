//! Stack rules: which frames are the program's own, which count, and how many.

use super::error::{Expected, RuleError};
use super::line::Line;
use super::matcher::{Field, Matcher, Scope};
use super::read_all;
use crate::grouping::subject::{ExceptionPart, FramePart};

/// Rules that mark frames, applied in their order to all frames of each stack.
#[derive(Clone, Debug, Default)]
pub struct StackRules {
    rules: Vec<StackRule>,
}

/// What is known about a frame while rules are applied.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct FrameState {
    /// Whether it is the program's own.
    pub(in super::super) in_app: bool,
    /// What a rule says about counting it.
    pub(in super::super) group: Option<bool>,
    /// Whether a compiler or engine made it.
    pub(in super::super) is_generated: bool,
}

impl FrameState {
    /// Reports whether the frame counts where own frames are there, or where none are.
    pub(in super::super) fn counts(&self, has_own: bool) -> bool {
        self.group
            .unwrap_or(!self.is_generated && (self.in_app || !has_own))
    }
}

#[derive(Clone, Debug)]
struct StackRule {
    caller: Vec<Matcher>,
    own: Vec<Matcher>,
    callee: Vec<Matcher>,
    actions: Vec<Action>,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Mark { flag: Flag, to: bool, range: Range },
    MaxFrames(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    App,
    Group,
}

/// Which frames an action marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// The one that matches.
    Own,
    /// Those nearer to the error: what it called.
    Above,
    /// Those further from it: its callers.
    Below,
}

impl StackRules {
    /// Reads rules, one a line.
    ///
    /// # Errors
    ///
    /// For each line that is no rule: what was expected, and where.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleError>> {
        let (rules, errors) = read_all(text, StackRule::read);
        if errors.is_empty() {
            Ok(Self { rules })
        } else {
            Err(errors)
        }
    }

    /// Reads rules and leaves out lines that are none.
    #[must_use]
    pub fn parse_lenient(text: &str) -> Self {
        let (rules, _) = read_all(text, StackRule::read);
        Self { rules }
    }

    /// Reports whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Marks frames; returns how many may count, where a rule says so.
    pub(in super::super) fn apply(
        &self,
        platform: Option<&str>,
        exception: Option<&ExceptionPart<'_>>,
        frames: &[FramePart<'_>],
        states: &mut [FrameState],
    ) -> Option<usize> {
        let mut max_frames = None;
        for rule in &self.rules {
            if !rule.suits(platform, exception) {
                continue;
            }
            // What a rule marks must not change which frames the same rule matches.
            let matching: Vec<_> = (0..frames.len())
                .filter(|index| rule.matches(*index, frames, states))
                .collect();
            for (index, action) in matching
                .iter()
                .flat_map(|index| rule.actions.iter().map(move |action| (*index, action)))
            {
                match action {
                    Action::MaxFrames(0) => max_frames = None,
                    Action::MaxFrames(count) => max_frames = Some(*count),
                    Action::Mark { flag, to, range } => {
                        let reach = match range {
                            Range::Own => states.get_mut(index..index.saturating_add(1)),
                            Range::Above => states.get_mut(index.saturating_add(1)..),
                            Range::Below => states.get_mut(..index),
                        };
                        for state in reach.into_iter().flatten() {
                            match flag {
                                Flag::App => state.in_app = *to,
                                Flag::Group => state.group = Some(*to),
                            }
                        }
                    }
                }
            }
        }
        max_frames
    }
}

impl StackRule {
    fn read(line: &mut Line<'_>) -> Result<Self, RuleError> {
        let mut rule = Self {
            caller: Vec::new(),
            own: Vec::new(),
            callee: Vec::new(),
            actions: Vec::new(),
        };
        line.blanks();
        if line.take("[") {
            rule.caller = neighbour(line)?;
            line.blanks();
            if !line.take("|") {
                return Err(line.expected(Expected::Bar));
            }
        }
        loop {
            line.blanks();
            if line.take("|") {
                line.blanks();
                if !line.take("[") {
                    return Err(line.expected(Expected::FrameMatcher));
                }
                rule.callee = neighbour(line)?;
                line.blanks();
                break;
            }
            if is_action(line.rest()) || line.rest().is_empty() {
                break;
            }
            rule.own.push(frame_matcher(line)?);
        }
        if rule.own.is_empty() {
            return Err(line.expected(Expected::FrameMatcher));
        }
        while !line.is_at_end() {
            rule.actions.push(Action::read(line)?);
        }
        if rule.actions.is_empty() {
            return Err(line.expected(Expected::Action));
        }
        Ok(rule)
    }

    /// Asks what does not depend on the frame.
    fn suits(&self, platform: Option<&str>, exception: Option<&ExceptionPart<'_>>) -> bool {
        self.own.iter().all(|matcher| match matcher.scope() {
            Scope::Event => matcher.allows_family(platform),
            Scope::Exception => exception.is_some_and(|e| matcher.matches_exception(e)),
            Scope::Frame => true,
        })
    }

    fn matches(&self, index: usize, frames: &[FramePart<'_>], states: &[FrameState]) -> bool {
        let all = |matchers: &[Matcher], index: Option<usize>| {
            let pair = index.and_then(|at| frames.get(at).zip(states.get(at)));
            let mut matchers = matchers.iter().filter(|m| m.scope() == Scope::Frame);
            matchers.all(|m| pair.is_some_and(|(frame, state)| m.matches_frame(frame, state)))
        };
        all(&self.own, Some(index))
            && (self.caller.is_empty() || all(&self.caller, index.checked_sub(1)))
            && (self.callee.is_empty() || all(&self.callee, index.checked_add(1)))
    }
}

/// Reads the matchers of a neighbour up to its bracket.
fn neighbour(line: &mut Line<'_>) -> Result<Vec<Matcher>, RuleError> {
    let mut matchers = Vec::new();
    loop {
        line.blanks();
        if line.take("]") {
            break;
        }
        if line.rest().is_empty() {
            return Err(line.expected(Expected::ClosingBracket));
        }
        let start = line.place();
        let matcher = frame_matcher(line)?;
        if matcher.scope() != Scope::Frame {
            return Err(line.expected_at(start, Expected::FrameMatcher));
        }
        matchers.push(matcher);
    }
    if matchers.is_empty() {
        return Err(line.expected(Expected::FrameMatcher));
    }
    Ok(matchers)
}

fn frame_matcher(line: &mut Line<'_>) -> Result<Matcher, RuleError> {
    let start = line.place();
    let matcher = Matcher::read(line)?;
    if matcher.scope() == Scope::Event && matcher.field != Field::Family {
        return Err(line.expected_at(start, Expected::FrameMatcher));
    }
    Ok(matcher)
}

fn is_action(text: &str) -> bool {
    let plain = text.strip_prefix(['^', 'v']).unwrap_or(text);
    plain.starts_with(['+', '-']) || text.starts_with("max-frames")
}

impl Action {
    fn read(line: &mut Line<'_>) -> Result<Self, RuleError> {
        let start = line.place();
        let word = line.take_while(|c| !c.is_whitespace());
        if let Some(number) = word.strip_prefix("max-frames=") {
            let at = start.saturating_add("max-frames=".len());
            let wrong = line.expected_at(at, Expected::Number);
            return number.parse().map(Self::MaxFrames).map_err(|_| wrong);
        }
        let (range, rest) = match word.strip_prefix('^') {
            Some(rest) => (Range::Above, rest),
            None => match word.strip_prefix('v') {
                Some(rest) => (Range::Below, rest),
                None => (Range::Own, word),
            },
        };
        let (flag, to) = match rest {
            "+app" => (Flag::App, true),
            "-app" => (Flag::App, false),
            "+group" => (Flag::Group, true),
            "-group" => (Flag::Group, false),
            _ => return Err(line.expected_at(start, Expected::Action)),
        };
        Ok(Self::Mark { flag, to, range })
    }
}
