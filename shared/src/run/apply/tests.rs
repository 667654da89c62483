//! What steps carry, and what is reported of them.
