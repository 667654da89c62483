//! Bounds: what a request costs at the table, however much is kept.
