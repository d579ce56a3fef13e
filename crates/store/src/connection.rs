//! The small transaction interface that each database implements.
