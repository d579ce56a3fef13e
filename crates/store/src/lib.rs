//! Everything Tenure keeps: the only crate with SQL and a database driver.
