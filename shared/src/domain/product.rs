//! A product of Microsoft's that a tenant has bought: its seats and the plans inside.

/// A product with its seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Microsoft's id of the product.
    pub sku: String,
    /// Its part number, such as `SPE_E5`.
    pub name: String,
    /// Seats that work, in their grace period or before it.
    pub seats: u64,
    /// Seats that are taken.
    pub taken: u64,
    /// It may be given to people at present: bought for people, and neither suspended nor ended.
    pub usable: bool,
    /// What is inside.
    pub plans: Vec<ProductPlan>,
}

/// A service plan inside a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductPlan {
    /// Microsoft's id.
    pub id: String,
    /// Its name, such as `TEAMS1`.
    pub name: String,
}

impl Product {
    /// Seats that nobody has.
    #[must_use]
    pub fn free(&self) -> u64 {
        if self.usable {
            self.seats.saturating_sub(self.taken)
        } else {
            0
        }
    }

    /// Whether a plan of this name is inside.
    #[must_use]
    pub fn holds(&self, plan: &str) -> bool {
        self.plans.iter().any(|inside| inside.name.eq_ignore_ascii_case(plan))
    }
}
