//! What is wrong with one of many: a file or a list is refused with all its faults at once, each with its place.

use super::Invalid;

/// Faults that are listed; the rest is counted.
pub const LISTED: usize = 100;

/// Where in a file or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The line of a file, counted from 1.
    Line(u64),
    /// The place in a list, counted from 0.
    Index(u64),
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Nowhere, where it is about the whole.
    pub place: Option<Place>,
    /// The column of the file, counted from 1.
    pub column: Option<usize>,
    /// The id of the thing that it is about, where it has a usable one.
    pub id: Option<String>,
    /// What is wrong with which field.
    pub invalid: Invalid,
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self {
            place: None,
            column: None,
            id: None,
            invalid,
        }
    }
}

/// The first faults, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    listed: Vec<Fault>,
    count: usize,
}

impl Faults {
    /// Notes a fault.
    pub fn push(&mut self, fault: Fault) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(fault);
        }
    }

    /// The first of them, in the order in which they were found.
    #[must_use]
    pub fn listed(&self) -> &[Fault] {
        &self.listed
    }

    /// All of them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        let mut faults = Self::default();
        faults.push(fault);
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_is_listed_and_all_are_counted() {
        let mut faults = Faults::default();
        for _ in 0..250 {
            faults.push(Invalid::new("name", "give 1 to 120 characters").into());
        }
        assert_eq!((faults.listed().len(), faults.count()), (LISTED, 250));
        assert!(Faults::default().is_empty());
    }
}
