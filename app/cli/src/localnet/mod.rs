//! A cluster of one's own: Agave's test validator with the program and a small network on it.

mod demo;
mod validator;

pub use demo::{Demo, write_attesters, write_demo};
pub use validator::{Validator, ValidatorError, ValidatorSettings, find_validator};
