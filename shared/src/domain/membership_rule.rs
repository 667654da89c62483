//! The rule of a dynamic group, read far enough to tell whether it takes everybody in (R081).

/// The longest rule that Entra takes has 3,072 characters.
const LONGEST: usize = 4_096;

/// Whether every enabled member of a tenant is in a dynamic group with this rule, however it is written. A rule that asks
/// for something we do not know takes in whom it wants: no.
///
/// Entra reads operators with and without a hyphen, in any case, and texts in either kind of quotes.
#[must_use]
pub fn takes_everybody(rule: &str) -> bool {
    if rule.len() > LONGEST {
        return false;
    }
    let tokens = tokens(rule);
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let everybody = reader.either();
    everybody == Some(Holds::Everybody) && reader.at == tokens.len()
}

/// For whom a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Everybody,
    Nobody,
    Some,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    /// Lower case, without the hyphen of an operator and the `$` of a constant.
    Word(String),
    /// Lower case, without its quotes.
    Text(String),
}

fn tokens(rule: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = rule.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' => {
                tokens.push(Token::Open);
                1
            }
            ')' => {
                tokens.push(Token::Close);
                1
            }
            '"' | '\'' => {
                let inside = rest[1..].find(first).unwrap_or(rest.len() - 1);
                tokens.push(Token::Text(rest[1..=inside].to_lowercase()));
                (inside + 2).min(rest.len())
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'');
                let length = rest.find(ends).unwrap_or(rest.len());
                let word = rest[..length].to_lowercase();
                tokens.push(Token::Word(word.trim_start_matches(['-', '$']).to_owned()));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Reads a rule by precedence: `not` before `and` before `or`. Nothing where it is none.
struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn either(&mut self) -> Option<Holds> {
        let mut holds = self.both()?;
        while self.word("or") {
            holds = match (holds, self.both()?) {
                (Holds::Everybody, _) | (_, Holds::Everybody) => Holds::Everybody,
                (Holds::Nobody, Holds::Nobody) => Holds::Nobody,
                (Holds::Some | Holds::Nobody, _) => Holds::Some,
            };
        }
        Some(holds)
    }

    fn both(&mut self) -> Option<Holds> {
        let mut holds = self.one()?;
        while self.word("and") {
            holds = match (holds, self.one()?) {
                (Holds::Nobody, _) | (_, Holds::Nobody) => Holds::Nobody,
                (Holds::Everybody, Holds::Everybody) => Holds::Everybody,
                (Holds::Some | Holds::Everybody, _) => Holds::Some,
            };
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<Holds> {
        if self.word("not") {
            return Some(match self.one()? {
                Holds::Everybody => Holds::Nobody,
                Holds::Nobody => Holds::Everybody,
                Holds::Some => Holds::Some,
            });
        }
        if self.next() == Some(&Token::Open) {
            self.at += 1;
            let inside = self.either()?;
            let closed = self.next() == Some(&Token::Close);
            self.at += 1;
            return closed.then_some(inside);
        }
        self.condition()
    }

    /// `property operator value`.
    fn condition(&mut self) -> Option<Holds> {
        let [
            Token::Word(property),
            Token::Word(operator),
            Token::Word(value) | Token::Text(value),
        ] = self.tokens.get(self.at..self.at + 3)?
        else {
            return None;
        };
        self.at += 3;
        let (equal, fits) = match (property.as_str(), value.as_str()) {
            // What everybody has.
            ("user.objectid" | "user.userprincipalname" | "user.displayname", "null") => (false, true),
            ("user.accountenabled", "true") | ("user.usertype", "member") => (true, true),
            ("user.accountenabled", "false") | ("user.usertype", "guest") => (false, true),
            _ => (false, false),
        };
        Some(match operator.as_str() {
            "eq" if fits && equal => Holds::Everybody,
            "eq" if fits => Holds::Nobody,
            "ne" if fits && equal => Holds::Nobody,
            "ne" if fits => Holds::Everybody,
            _ => Holds::Some,
        })
    }

    fn next(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, wanted: &str) -> bool {
        let here = matches!(self.next(), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(here);
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r081_the_rules_that_microsoft_documents_take_everybody() {
        for rule in [
            "user.objectId -ne null",
            "(user.objectId -ne null) and (user.userType -eq \"Member\")",
            "(user.objectId -ne null) -and (user.userType -eq 'Member')",
            "(user.userType -eq \"Member\") and (user.objectId -ne null)",
            "((USER.OBJECTID -NE NULL)AND(User.UserType -EQ\"member\"))",
            "(user.objectId -ne null) and (user.accountEnabled -eq true)",
            "user.accountEnabled -eq true and user.userType -ne \"Guest\" and user.objectId ne $null",
            "not (user.objectId -eq null)",
            "user.department -eq \"Sales\" or user.objectId -ne null",
        ] {
            assert!(takes_everybody(rule), "{rule}");
        }
    }

    #[test]
    fn a_rule_that_chooses_does_not() {
        for rule in [
            "",
            "(",
            "user.objectId -ne null)",
            "user.objectId -ne",
            "user.objectId -ne null user.userType -eq \"Member\"",
            "user.objectId -eq null",
            "not user.objectId -ne null",
            "user.userType -eq \"Guest\"",
            "user.accountEnabled -eq false",
            "(user.objectId -ne null) and (user.department -eq \"Sales\")",
            "(user.objectId -ne null) and (user.department -eq \"x) or (user.objectId -ne null\")",
            "user.department -ne null",
            "user.assignedPlans -any (assignedPlan.servicePlanId -eq \"4828c8ec\" -and assignedPlan.capabilityStatus -eq \"Enabled\")",
            "device.objectId -ne null",
            "user.department -eq \"unclosed",
        ] {
            assert!(!takes_everybody(rule), "{rule}");
        }
        assert!(!takes_everybody(&"(".repeat(LONGEST)));
    }

    fn everyones() -> impl Strategy<Value = String> {
        let clause = prop::sample::select(vec![
            ("user.objectId", "ne", "null", false),
            ("user.objectId", "ne", "$null", false),
            ("user.userType", "eq", "Member", true),
            ("user.userType", "ne", "guest", true),
            ("user.accountEnabled", "eq", "true", false),
        ]);
        (clause, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |((property, operator, value, text), upper, hyphen, single, brackets)| {
                let quote = match (text, single) {
                    (false, _) => "",
                    (true, true) => "'",
                    (true, false) => "\"",
                };
                let operator = if hyphen {
                    format!("-{operator}")
                } else {
                    operator.to_owned()
                };
                let clause = format!("{property}  {operator} {quote}{value}{quote}");
                let clause = if upper { clause.to_uppercase() } else { clause };
                if brackets { format!("( {clause})") } else { clause }
            },
        )
    }

    fn chosen() -> impl Strategy<Value = String> {
        "[a-zA-Z ()]{0,12}".prop_map(|value| format!("(user.department -eq \"{value}\")"))
    }

    proptest! {
        #[test]
        fn r081_a_rule_that_takes_everybody_is_known_however_it_is_written(
            clauses in prop::collection::vec(everyones(), 1..5),
            words in prop::collection::vec(prop::sample::select(vec![" and ", " -and ", "\n-AND\t", "  And "]), 5),
            brackets in 0..3_usize,
        ) {
            let mut rule = String::new();
            for (at, clause) in clauses.iter().enumerate() {
                if at > 0 {
                    rule += words[at];
                }
                rule += clause;
            }
            let rule = format!("{}{rule}{}", "(".repeat(brackets), ")".repeat(brackets));
            prop_assert!(takes_everybody(&rule), "{}", rule);
        }

        #[test]
        fn one_condition_that_chooses_is_enough(
            mut clauses in prop::collection::vec(everyones(), 0..4),
            chooses in chosen(),
            at in 0..4_usize,
        ) {
            clauses.insert(at.min(clauses.len()), chooses);
            let rule = clauses.join(" and ");
            prop_assert!(!takes_everybody(&rule), "{}", rule);
        }

        #[test]
        fn any_text_is_read_to_its_end(rule in "\\PC{0,200}") {
            let _ = takes_everybody(&rule);
        }
    }
}
