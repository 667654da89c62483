//! `$filter`: the forms that the directory and Teams' administration understand, parsed and evaluated on JSON values.

use super::answer::Refused;
use serde_json::Value;

/// A parsed filter.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare(String, Operator, Value),
    In(String, Vec<Value>),
    StartsWith(String, String),
    EndsWith(String, String),
    /// `collection/any(x:...)`: the properties inside are relative to the element; an empty one is the element itself.
    Any(String, Option<Box<Expression>>),
    /// `collection/$count eq n`
    Count(String, Operator, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Ge,
    Le,
    Gt,
    Lt,
}

/// How well a property supports one operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Default,
    Advanced,
    Never,
    /// There is no such property.
    Unknown,
}

/// Which operations an entity supports: property and operation (`eq`, `ne`, `not`, `ge`, `le`, `in`, `startsWith`,
/// `endsWith`, `count`, `null`).
pub(super) type Rules = fn(&str, &str) -> Support;

impl Expression {
    /// Evaluates it; `of` gives the value of a property.
    pub(super) fn matches(&self, of: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::And(a, b) => a.matches(of) && b.matches(of),
            Self::Or(a, b) => a.matches(of) || b.matches(of),
            Self::Not(inner) => !inner.matches(of),
            Self::Compare(path, operator, wanted) => compare(&of(path), *operator, wanted),
            Self::In(path, wanted) => wanted.iter().any(|one| compare(&of(path), Operator::Eq, one)),
            Self::StartsWith(path, text) => {
                text_of(&of(path)).is_some_and(|value| value.starts_with(&text.to_lowercase()))
            }
            Self::EndsWith(path, text) => text_of(&of(path)).is_some_and(|value| value.ends_with(&text.to_lowercase())),
            Self::Any(path, inner) => match of(path) {
                Value::Array(items) => items.iter().any(|item| {
                    inner
                        .as_ref()
                        .is_none_or(|inner| inner.matches(&|name| inside(item, name)))
                }),
                _ => false,
            },
            Self::Count(path, operator, wanted) => {
                let count = of(path).as_array().map_or(0, Vec::len);
                compare(&Value::from(count), *operator, &Value::from(*wanted))
            }
        }
    }

    /// Refuses what the entity does not support at all, or not without an advanced query.
    pub(super) fn check(&self, rules: Rules, advanced: bool) -> Result<(), Refused> {
        self.check_inside(rules, advanced, false)
    }

    fn check_inside(&self, rules: Rules, advanced: bool, negated: bool) -> Result<(), Refused> {
        let verdict = |path: &str, operation: &str| {
            let root = path.split('/').next().unwrap_or(path);
            let support = if negated {
                rules(root, "not")
            } else {
                rules(root, operation)
            };
            match support {
                Support::Default => Ok(()),
                Support::Advanced if advanced => Ok(()),
                Support::Unknown => Err(Refused::new(
                    400,
                    "BadRequest",
                    format!("Invalid filter clause: Could not find a property named '{root}'."),
                )),
                Support::Advanced | Support::Never => Err(Refused::unsupported(format!(
                    "Unsupported or invalid query filter clause specified for property '{root}' of resource."
                ))),
            }
        };
        match self {
            Self::And(a, b) | Self::Or(a, b) => {
                a.check_inside(rules, advanced, negated)?;
                b.check_inside(rules, advanced, negated)
            }
            Self::Not(inner) => inner.check_inside(rules, advanced, true),
            Self::Compare(path, _, Value::Null) => verdict(path, "null"),
            Self::Compare(path, Operator::Eq, _) => verdict(path, "eq"),
            Self::Compare(path, Operator::Ne, _) => verdict(path, "ne"),
            Self::Compare(path, Operator::Ge | Operator::Gt, _) => verdict(path, "ge"),
            Self::Compare(path, Operator::Le | Operator::Lt, _) => verdict(path, "le"),
            Self::In(path, _) => verdict(path, "in"),
            Self::StartsWith(path, _) => verdict(path, "startsWith"),
            Self::EndsWith(path, _) => verdict(path, "endsWith"),
            Self::Any(path, _) => verdict(path, "eq"),
            Self::Count(path, ..) => verdict(path, "count"),
        }
    }

    /// The value that a property must equal, if the filter is only that or has it in an `and`.
    pub(super) fn equal_to(&self, property: &str) -> Option<&str> {
        match self {
            Self::Compare(path, Operator::Eq, Value::String(text)) if path == property => Some(text),
            Self::And(a, b) => a.equal_to(property).or_else(|| b.equal_to(property)),
            _ => None,
        }
    }
}

/// A property of a JSON object, with `/` between levels; an empty path is the value itself.
pub(super) fn inside(value: &Value, path: &str) -> Value {
    let found = path
        .split('/')
        .filter(|step| !step.is_empty())
        .try_fold(value, |value, step| value.get(step));
    found.cloned().unwrap_or(Value::Null)
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn compare(value: &Value, operator: Operator, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (value, wanted) {
        (Value::String(a), Value::String(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (a, b) => (a == b).then_some(Equal),
    };
    match operator {
        Operator::Eq => order == Some(Equal),
        Operator::Ne => order != Some(Equal),
        Operator::Ge => matches!(order, Some(Greater | Equal)),
        Operator::Le => matches!(order, Some(Less | Equal)),
        Operator::Gt => order == Some(Greater),
        Operator::Lt => order == Some(Less),
    }
}

/// Parses a filter.
pub(super) fn parse(text: &str) -> Result<Expression, Refused> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        variable: None,
    };
    let expression = parser.either()?;
    if parser.at < parser.tokens.len() {
        return Err(invalid());
    }
    Ok(expression)
}

fn invalid() -> Refused {
    Refused::new(400, "BadRequest", "Invalid filter clause: syntax error.")
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Text(String),
    /// A name, number, GUID, date or keyword.
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, Refused> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' | '\t' => {}
            '(' => found.push(Token::Open),
            ')' => found.push(Token::Close),
            ',' => found.push(Token::Comma),
            ':' => found.push(Token::Colon),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => value.push(other),
                        None => return Err(invalid()),
                    }
                }
                found.push(Token::Text(value));
            }
            first => {
                let mut word = String::from(first);
                while let Some(&next) = rest.peek() {
                    let time = next == ':' && word.starts_with(|c: char| c.is_ascii_digit());
                    if matches!(next, ' ' | '(' | ')' | ',' | '\'') || (next == ':' && !time) {
                        break;
                    }
                    word.push(next);
                    rest.next();
                }
                found.push(Token::Word(word));
            }
        }
    }
    Ok(found)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    variable: Option<String>,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), Refused> {
        if self.next().as_ref() == Some(token) {
            Ok(())
        } else {
            Err(invalid())
        }
    }

    fn either(&mut self) -> Result<Expression, Refused> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, Refused> {
        let mut left = self.single()?;
        while self.keyword("and") {
            left = Expression::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expression, Refused> {
        if self.keyword("not") {
            return Ok(Expression::Not(Box::new(self.single()?)));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.either()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) => self.after_word(&word),
            _ => Err(invalid()),
        }
    }

    fn after_word(&mut self, word: &str) -> Result<Expression, Refused> {
        let lower = word.to_lowercase();
        if lower == "startswith" || lower == "endswith" {
            self.expect(&Token::Open)?;
            let path = self.path()?;
            self.expect(&Token::Comma)?;
            let Some(Token::Text(text)) = self.next() else {
                return Err(invalid());
            };
            self.expect(&Token::Close)?;
            return Ok(match lower.as_str() {
                "startswith" => Expression::StartsWith(path, text),
                _ => Expression::EndsWith(path, text),
            });
        }
        if let Some(path) = word.strip_suffix("/any") {
            return self.any(path);
        }
        let Some(Token::Word(operator)) = self.next() else {
            return Err(invalid());
        };
        let path = self.relative(word);
        if operator.eq_ignore_ascii_case("in") {
            self.expect(&Token::Open)?;
            let mut values = Vec::new();
            loop {
                values.push(self.value()?);
                match self.next() {
                    Some(Token::Comma) => {}
                    Some(Token::Close) => return Ok(Expression::In(path, values)),
                    _ => return Err(invalid()),
                }
            }
        }
        let operator = match operator.to_lowercase().as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "ge" => Operator::Ge,
            "le" => Operator::Le,
            "gt" => Operator::Gt,
            "lt" => Operator::Lt,
            _ => return Err(invalid()),
        };
        let value = self.value()?;
        match path.strip_suffix("/$count") {
            Some(collection) => {
                let count = value.as_u64().ok_or_else(invalid)?;
                Ok(Expression::Count(collection.to_owned(), operator, count))
            }
            None => Ok(Expression::Compare(path, operator, value)),
        }
    }

    fn any(&mut self, path: &str) -> Result<Expression, Refused> {
        self.expect(&Token::Open)?;
        if self.tokens.get(self.at) == Some(&Token::Close) {
            self.at += 1;
            return Ok(Expression::Any(path.to_owned(), None));
        }
        let Some(Token::Word(variable)) = self.next() else {
            return Err(invalid());
        };
        self.expect(&Token::Colon)?;
        let outer = self.variable.replace(variable);
        let inner = self.either()?;
        self.variable = outer;
        self.expect(&Token::Close)?;
        Ok(Expression::Any(path.to_owned(), Some(Box::new(inner))))
    }

    fn path(&mut self) -> Result<String, Refused> {
        match self.next() {
            Some(Token::Word(word)) => Ok(self.relative(&word)),
            _ => Err(invalid()),
        }
    }

    /// Takes the variable of `any` off the front.
    fn relative(&self, word: &str) -> String {
        match &self.variable {
            Some(variable) if word == variable => String::new(),
            Some(variable) => word.strip_prefix(&format!("{variable}/")).unwrap_or(word).to_owned(),
            None => word.to_owned(),
        }
    }

    fn value(&mut self) -> Result<Value, Refused> {
        Ok(match self.next() {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => word.parse::<u64>().map_or(Value::String(word.clone()), Value::from),
            },
            _ => return Err(invalid()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &str, expected: bool) {
        let ann = json!({
            "accountEnabled": true, "displayName": "Ann O'Hara", "usageLocation": null, "age": 30,
            "assignedPlans": [{"servicePlanId": "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "capabilityStatus": "Enabled"}],
            "capabilities": ["userAssignment"],
        });
        assert_eq!(
            parse(filter).unwrap().matches(&|path| inside(&ann, path)),
            expected,
            "{filter}"
        );
    }

    #[test]
    fn compares() {
        check("accountEnabled eq true", true);
        check("accountEnabled eq true and usageLocation ne null", false);
        check("displayName eq 'ann o''hara'", true);
        check("startsWith(displayName,'Ann')", true);
        check("endswith(displayName,'x') or age ge 30", true);
        check("not (age gt 29)", false);
        check("usageLocation in ('US', 'BE')", false);
        check("usageLocation eq null", true);
    }

    #[test]
    fn looks_into_collections() {
        let plan =
            "assignedPlans/any(p:p/servicePlanId eq 4828c8ec-dc2e-4779-b502-87ac9ce28ab7 and p/capabilityStatus eq";
        check(&format!("{plan} 'Enabled')"), true);
        check(&format!("{plan} 'Deleted')"), false);
        check("capabilities/any(c:c eq 'userAssignment')", true);
        check("assignedPlans/$count eq 0", false);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for bad in ["", "a", "a eq", "a eq 'x", "(a eq 1", "a eq 1 b", "any(x", "a/any(x y)"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
